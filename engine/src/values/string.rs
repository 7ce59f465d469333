//! Strings: names, addresses, free text. Case and accents do not count; a part must start so.

use fhirward_spec::{Extracted, member};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::BadValue;

/// The beginning that a part of a name, an address or a text must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringPattern {
    folded: Box<[char]>,
}

const NAME_PARTS: [&str; 5] = ["family", "given", "text", "prefix", "suffix"];
const ADDRESS_PARTS: [&str; 7] = [
    "line",
    "city",
    "district",
    "state",
    "postalCode",
    "country",
    "text",
];

impl StringPattern {
    /// The pattern of a text.
    ///
    /// # Errors
    /// A text of which nothing is left without case and accents: everything would start with it.
    pub fn new(text: &str) -> Result<Self, BadValue> {
        let folded: Box<[char]> = fold(text).collect();
        if folded.iter().all(|c| c.is_whitespace()) {
            return Err(BadValue::new(
                "has no letter to compare",
                "write the beginning of a name, an address or a text",
            ));
        }
        Ok(Self { folded })
    }

    /// Whether some part of the element starts with the text.
    pub fn matches(&self, element: Extracted<'_>) -> bool {
        let Some(parts) = parts(element.data_type) else {
            return self.starts(element.value);
        };
        parts
            .iter()
            .filter_map(|part| member(element.value, part))
            .any(|part| self.starts(part))
    }

    fn starts(&self, value: &Value) -> bool {
        match value {
            Value::String(text) if text.is_ascii() => {
                let mut folded = text.chars().map(|c| c.to_ascii_lowercase());
                self.folded
                    .iter()
                    .all(|wanted| folded.next() == Some(*wanted))
            }
            Value::String(text) => {
                let mut folded = fold(text);
                self.folded
                    .iter()
                    .all(|wanted| folded.next() == Some(*wanted))
            }
            Value::Array(items) => items.iter().any(|item| self.starts(item)),
            _ => false,
        }
    }
}

/// The members of an element of this type that a string search looks at; nothing where it looks at
/// the element itself. Source: hl7.org/fhir/R4/search.html, 3.1.1.4.8.
pub fn parts(data_type: &str) -> Option<&'static [&'static str]> {
    match data_type {
        "HumanName" => Some(&NAME_PARTS),
        "Address" => Some(&ADDRESS_PARTS),
        _ => None,
    }
}

/// What is compared of a text: without case and accents. What is one letter in one case may be two
/// in the other (`ß`, `SS`), so all goes through both.
///
/// ```
/// use fhirward_engine::values::string::fold;
///
/// assert_eq!(fold("Müller").collect::<String>(), "muller");
/// assert_eq!(fold("Straße").collect::<String>(), "strasse");
/// ```
pub fn fold(text: &str) -> impl Iterator<Item = char> + '_ {
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .filter(|c| !is_combining_mark(*c))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::start("Ali", "HumanName", json!({"given": ["Alice"]}), true)]
    #[case::middle("lic", "HumanName", json!({"given": ["Alice"]}), false)]
    #[case::family("smith", "HumanName", json!({"family": "Smith"}), true)]
    #[case::second_given("ann", "HumanName", json!({"given": ["Mary", "Ann"]}), true)]
    #[case::accents("muller", "HumanName", json!({"family": "Müller"}), true)]
    #[case::accent_asked("Müller", "HumanName", json!({"family": "MULLER"}), true)]
    #[case::sharp_s("STRASSE", "HumanName", json!({"family": "Straße"}), true)]
    #[case::sharp_s_asked("Straße", "HumanName", json!({"family": "STRASSE"}), true)]
    #[case::capital_sharp_s("STRAẞE", "HumanName", json!({"family": "Straße"}), true)]
    #[case::ligature("OFFICE", "string", json!("oﬃce"), true)]
    #[case::final_sigma("ΟΔΥΣΣΕΥΣ", "string", json!("Οδυσσευς"), true)]
    #[case::other_letter("Strase", "HumanName", json!({"family": "Straße"}), false)]
    #[case::use_is_no_part("official", "HumanName", json!({"use": "official"}), false)]
    #[case::city("san", "Address", json!({"city": "San Francisco"}), true)]
    #[case::word("francisco", "Address", json!({"city": "San Francisco"}), false)]
    #[case::plain("Heart", "string", json!("heart rate"), true)]
    fn r6_string(
        #[case] asked: &str,
        #[case] data_type: &'static str,
        #[case] value: Value,
        #[case] expected: bool,
    ) {
        let element = Extracted {
            value: &value,
            data_type,
        };
        assert_eq!(
            StringPattern::new(asked).unwrap().matches(element),
            expected
        );
    }

    #[test]
    fn a_text_without_letters_is_no_pattern() {
        assert!(StringPattern::new("\u{301}").is_err());
        assert!(StringPattern::new(" ").is_err());
    }
}
