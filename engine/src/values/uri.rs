//! URIs: compared as they are written.

use fhirward_spec::Extracted;
use serde_json::Value;

/// A URI, to the letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UriPattern(Box<str>);

impl UriPattern {
    /// The pattern of a URI.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether the element is this URI.
    pub fn matches(&self, element: Extracted<'_>) -> bool {
        matches!(element.value, Value::String(text) if **text == *self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn r6_uri_is_exact() {
        let value = json!("http://example.com/q1");
        let element = Extracted {
            value: &value,
            data_type: "uri",
        };
        assert!(UriPattern::new("http://example.com/q1").matches(element));
        assert!(!UriPattern::new("http://example.com").matches(element));
        assert!(!UriPattern::new("HTTP://example.com/q1").matches(element));
    }
}
