//! Tokens: codes, codings, identifiers, contact points, booleans.

use fhirward_spec::{Extracted, member};
use serde_json::Value;

/// `code`, `system|code`, `|code` or `system|`; the case counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPattern {
    system: System,
    code: Option<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum System {
    Any,
    None,
    Exactly(Box<str>),
}

impl TokenPattern {
    /// `code` in any system.
    pub fn code(code: &str) -> Self {
        Self {
            system: System::Any,
            code: Some(code.into()),
        }
    }

    /// `system|code`: an empty system is *without system*, an empty code is *any code*.
    pub fn in_system(system: &str, code: &str) -> Self {
        Self {
            system: if system.is_empty() {
                System::None
            } else {
                System::Exactly(system.into())
            },
            code: (!code.is_empty()).then(|| code.into()),
        }
    }

    /// Whether an element is, or holds, this token. Text and display are not tokens.
    #[inline]
    pub fn matches(&self, element: Extracted<'_>) -> bool {
        let value = element.value;
        match element.data_type {
            "CodeableConcept" => member(value, "coding")
                .and_then(Value::as_array)
                .is_some_and(|codings| codings.iter().any(|c| self.pair(c, "system", "code"))),
            "Coding" => self.pair(value, "system", "code"),
            "Identifier" | "ContactPoint" => self.pair(value, "system", "value"),
            _ => match value {
                Value::String(text) => self.accepts(None, text),
                Value::Bool(true) => self.accepts(None, "true"),
                Value::Bool(false) => self.accepts(None, "false"),
                Value::Number(number) => self.accepts(None, number.as_str()),
                _ => false,
            },
        }
    }

    /// The code that an element must have; `None` when any will do.
    pub(crate) fn constant(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Whether that code is all it asks for.
    pub(crate) fn is_code_alone(&self) -> bool {
        self.system == System::Any && self.code.is_some()
    }

    fn pair(&self, value: &Value, system: &str, code: &str) -> bool {
        let system = member(value, system).and_then(Value::as_str);
        let code = member(value, code).and_then(Value::as_str);
        match code {
            Some(code) => self.accepts(system, code),
            // `system|` asks for the system alone.
            None => self.code.is_none() && self.system_is(system),
        }
    }

    fn accepts(&self, system: Option<&str>, code: &str) -> bool {
        self.system_is(system) && self.code.as_deref().is_none_or(|wanted| wanted == code)
    }

    fn system_is(&self, system: Option<&str>) -> bool {
        match &self.system {
            System::Any => true,
            System::None => system.is_none_or(str::is_empty),
            System::Exactly(wanted) => system == Some(wanted),
        }
    }
}

/// Calls `visit` with each code that a pattern could find in an element.
pub(crate) fn each_code(element: Extracted<'_>, visit: &mut impl FnMut(&str)) {
    let mut text = |value: &Value, name: &str| {
        if let Some(code) = member(value, name).and_then(Value::as_str) {
            visit(code);
        }
    };
    match (element.data_type, element.value) {
        ("CodeableConcept", concept) => {
            let codings = member(concept, "coding").and_then(Value::as_array);
            for coding in codings.into_iter().flatten() {
                text(coding, "code");
            }
        }
        ("Coding", coding) => text(coding, "code"),
        ("Identifier" | "ContactPoint", value) => text(value, "value"),
        (_, Value::String(text)) => visit(text),
        (_, Value::Bool(true)) => visit("true"),
        (_, Value::Bool(false)) => visit("false"),
        (_, Value::Number(number)) => visit(number.as_str()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::code(TokenPattern::code("female"), "code", json!("female"), true)]
    #[case::case_counts(TokenPattern::code("FEMALE"), "code", json!("female"), false)]
    #[case::no_system(TokenPattern::in_system("", "female"), "code", json!("female"), true)]
    #[case::boolean(TokenPattern::code("true"), "boolean", json!(true), true)]
    #[case::any_system(TokenPattern::code("a"), "Coding", json!({"system": "s", "code": "a"}), true)]
    #[case::system(TokenPattern::in_system("s", "a"), "Coding", json!({"system": "s", "code": "a"}), true)]
    #[case::other_system(TokenPattern::in_system("t", "a"), "Coding", json!({"system": "s", "code": "a"}), false)]
    #[case::without_system(TokenPattern::in_system("", "a"), "Coding", json!({"system": "s", "code": "a"}), false)]
    #[case::any_code(TokenPattern::in_system("s", ""), "Coding", json!({"system": "s", "code": "a"}), true)]
    #[case::display_is_no_token(TokenPattern::code("Heart"), "Coding", json!({"display": "Heart"}), false)]
    #[case::text_is_no_token(TokenPattern::code("Heart"), "CodeableConcept", json!({"text": "Heart"}), false)]
    #[case::second_coding(TokenPattern::code("b"), "CodeableConcept", json!({"coding": [{"code": "a"}, {"code": "b"}]}), true)]
    #[case::identifier(TokenPattern::in_system("http://s", "MRN1"), "Identifier", json!({"system": "http://s", "value": "MRN1"}), true)]
    #[case::phone(TokenPattern::code("+1555"), "ContactPoint", json!({"system": "phone", "value": "+1555"}), true)]
    fn r6_token(
        #[case] pattern: TokenPattern,
        #[case] data_type: &'static str,
        #[case] value: Value,
        #[case] expected: bool,
    ) {
        let element = Extracted {
            value: &value,
            data_type,
        };
        assert_eq!(pattern.matches(element), expected);
    }
}
