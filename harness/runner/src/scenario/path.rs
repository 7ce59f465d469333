//! Paths into an answer: JSONPath where it starts with `$`, else FHIRPath.

use serde_json::Value;
use serde_json_path::JsonPath;

/// A compiled path.
#[derive(Debug, Clone)]
pub enum Path {
    /// RFC 9535.
    Json {
        /// As written.
        text: String,
        /// Compiled.
        path: JsonPath,
    },
    /// FHIRPath, as written.
    Fhir(String),
}

impl Path {
    /// Reads a path; the reason where it is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('$') {
            return match JsonPath::parse(text) {
                Ok(path) => Ok(Self::Json {
                    text: text.to_owned(),
                    path,
                }),
                Err(error) => Err(format!("`{text}` is not a JSONPath: {}", error.message())),
            };
        }
        match fhirward_engine::fhirpath::syntax_error(text) {
            None => Ok(Self::Fhir(text.to_owned())),
            Some(error) => Err(format!("`{text}` is not a FHIRPath: {error}")),
        }
    }

    /// As written.
    pub fn text(&self) -> &str {
        match self {
            Self::Json { text, .. } | Self::Fhir(text) => text,
        }
    }

    /// The one value that it selects; the reason where there is none or more than one.
    pub(crate) fn select(&self, body: &Value) -> Result<Value, String> {
        let mut values = match self {
            Self::Json { path, .. } => path.query(body).all().into_iter().cloned().collect(),
            Self::Fhir(text) => fhirward_engine::fhirpath::select(text, body)
                .map_err(|reason| format!("`{text}` cannot be evaluated: {reason}"))?,
        };
        match (values.pop(), values.len()) {
            (Some(only), 0) => Ok(only),
            (None, _) => Err(format!("`{}` selects nothing", self.text())),
            (Some(_), more) => Err(format!("`{}` selects {} values", self.text(), more + 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::json("$.id", Ok(json!("m1")))]
    #[case::list("$.recipient", Ok(json!([{"reference": "a"}, {"reference": "b"}])))]
    #[case::several(
        "$.recipient[*].reference",
        Err("`$.recipient[*].reference` selects 2 values")
    )]
    #[case::none("$.payload", Err("`$.payload` selects nothing"))]
    #[case::fhir("recipient.first().reference", Ok(json!("a")))]
    #[case::count("recipient.count()", Ok(json!(2)))]
    #[case::object("recipient.last()", Ok(json!({"reference": "b"})))]
    #[case::truth("recipient.exists()", Ok(json!(true)))]
    #[case::absent("payload", Err("`payload` selects nothing"))]
    #[case::similar("sender", Err("`sender` selects nothing"))]
    #[case::several_fhir("recipient", Err("`recipient` selects 2 values"))]
    #[case::moment("sent", Err("`sent` cannot be evaluated"))]
    fn one_value(#[case] path: &str, #[case] expected: Result<Value, &str>) {
        let body = json!({
            "resourceType": "Communication",
            "id": "m1",
            "senderReference": {"reference": "x"},
            "sent": "2024-04-10T09:00:00+02:00",
            "recipient": [{"reference": "a"}, {"reference": "b"}],
        });
        match (Path::parse(path).unwrap().select(&body), expected) {
            (Ok(value), Ok(expected)) => assert_eq!(value, expected),
            (Err(reason), Err(start)) => assert!(reason.starts_with(start), "{reason}"),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }
}
