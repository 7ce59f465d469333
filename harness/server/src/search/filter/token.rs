//! Tokens: codes, identifiers, contact points, booleans.
//!
//! Source: hl7.org/fhir/R4/search.html, 3.1.1.4.10.

use std::collections::HashSet;

use fhirward_engine::values::BadValue;
use fhirward_engine::values::string::StringPattern;
use fhirward_engine::values::token::TokenPattern;
use fhirward_spec::{Extracted, SearchParam, member};
use serde_json::Value;

use super::text::Alternative;
use crate::search::index::Key;

/// One alternative of a token parameter.
#[derive(Debug, Clone)]
pub(crate) enum Token {
    /// `code`, `system|code`, `|code` or `system|`.
    Is {
        pattern: TokenPattern,
        /// The code that it asks for, if it asks for one.
        code: Option<Box<str>>,
    },
    /// `:text`: what is printed beside the code begins so.
    Text(StringPattern),
    /// `:of-type`: an identifier of a type.
    OfType {
        system: Box<str>,
        code: Box<str>,
        value: Box<str>,
    },
    /// `:in`: the codes of a ValueSet.
    In(Codes),
}

/// The codes of a ValueSet, as far as it lists them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Codes {
    /// System and code.
    pub(crate) listed: HashSet<(Box<str>, Box<str>)>,
    /// Systems of which every code belongs to it.
    pub(crate) systems: HashSet<Box<str>>,
    /// Codes that were taken out again.
    pub(crate) excluded: HashSet<(Box<str>, Box<str>)>,
}

impl Codes {
    /// Whether a coding is among them. The code of an element that has no system (`code`) is looked
    /// for in every system: which one is meant its binding says, and not the resource.
    fn hold(&self, system: Option<&str>, code: &str) -> bool {
        let Some(system) = system else {
            let of = |set: &HashSet<(Box<str>, Box<str>)>| set.iter().any(|(_, c)| **c == *code);
            return of(&self.listed) && !of(&self.excluded);
        };
        let pair = (Box::from(system), Box::from(code));
        (self.listed.contains(&pair) || self.systems.contains(system))
            && !self.excluded.contains(&pair)
    }
}

impl Token {
    /// Reads an alternative without a modifier, or of `:not`.
    /// `types` are those of the elements that it is compared with.
    pub(super) fn plain(types: &[&str], text: &Alternative) -> Result<Self, BadValue> {
        let bad = |message: &str, help: &str| {
            Err(BadValue {
                message: message.into(),
                help: help.into(),
            })
        };
        let (pattern, code) = match text.parts().as_slice() {
            [code] => (TokenPattern::code(code), *code),
            ["", ""] => {
                return bad(
                    "names neither system nor code",
                    "write `code`, `system|code`, `|code` or `system|`",
                );
            }
            [system, code] => {
                if !system.is_empty() && types.iter().all(is_plain) {
                    // Its system is that of the element's binding, which the resource does not
                    // say: comparing would find nothing, and `:not` everything.
                    return bad(
                        "names a system, and the element is a plain code without one",
                        "write the code alone",
                    );
                }
                (TokenPattern::in_system(system, code), *code)
            }
            _ => {
                return bad(
                    "has more than one `|`",
                    r"write `code` or `system|code`; a pipe in a value is `\|`",
                );
            }
        };
        Ok(Self::Is {
            pattern,
            code: (!code.is_empty()).then(|| code.into()),
        })
    }

    /// Reads an alternative of `:text`.
    pub(super) fn text(parameter: &SearchParam, text: &Alternative) -> Result<Self, BadValue> {
        let types = parameter.program.data_types();
        if !types
            .iter()
            .any(|kind| matches!(*kind, "CodeableConcept" | "Coding" | "Identifier"))
        {
            return Err(BadValue {
                message: "asks for a text, and the element has none beside its code".into(),
                help: "leave `:text` out".into(),
            });
        }
        StringPattern::new(&text.whole()).map(Self::Text)
    }

    /// Reads an alternative of `:of-type`.
    pub(super) fn of_type(parameter: &SearchParam, text: &Alternative) -> Result<Self, BadValue> {
        if !parameter.program.data_types().contains(&"Identifier") {
            return Err(BadValue {
                message: "asks for the type of an identifier, and the element is none".into(),
                help: "`:of-type` belongs to parameters that read identifiers".into(),
            });
        }
        match text.parts().as_slice() {
            [system, code, value] if ![system, code, value].contains(&&"") => Ok(Self::OfType {
                system: (*system).into(),
                code: (*code).into(),
                value: (*value).into(),
            }),
            _ => Err(BadValue {
                message: "is no typed identifier".into(),
                help: "write `system|code|value`, the first two of the identifier's type".into(),
            }),
        }
    }

    /// The alternative of `:in`.
    pub(super) fn in_set(types: &[&str], codes: Codes) -> Result<Self, BadValue> {
        if !codes.systems.is_empty() && types.iter().all(is_plain) {
            // Of a code without a system nobody could say whether it is one of that system.
            return Err(BadValue {
                message: "is a ValueSet with all codes of a system, and the element is a plain code without one".into(),
                help: "name a ValueSet that lists its codes".into(),
            });
        }
        Ok(Self::In(codes))
    }

    /// Whether the element is, or holds, this token.
    pub(super) fn matches(&self, element: Extracted<'_>) -> bool {
        match self {
            Self::Is { pattern, .. } => pattern.matches(element),
            Self::Text(pattern) => each_text(element, &mut |value| {
                pattern.matches(Extracted {
                    value,
                    data_type: "string",
                })
            }),
            Self::OfType {
                system,
                code,
                value,
            } => {
                let text = |of, name| member(of, name).and_then(Value::as_str);
                text(element.value, "value") == Some(value)
                    && codings(member(element.value, "type")).any(|coding| {
                        text(coding, "system") == Some(system) && text(coding, "code") == Some(code)
                    })
            }
            Self::In(codes) => {
                let holds = |coding: &Value| {
                    let text = |name| member(coding, name).and_then(Value::as_str);
                    text("code").is_some_and(|code| {
                        codes.hold(Some(text("system").unwrap_or_default()), code)
                    })
                };
                match (element.data_type, element.value) {
                    ("CodeableConcept", concept) => codings(Some(concept)).any(holds),
                    ("Coding", coding) => holds(coding),
                    (_, Value::String(code)) => codes.hold(None, code),
                    _ => false,
                }
            }
        }
    }

    /// The code of an alternative that asks for one.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Is { code, .. } => code.as_deref(),
            Self::Text(_) | Self::OfType { .. } | Self::In(_) => None,
        }
    }

    /// The keys of the index, one of which a resource must have to match.
    pub(super) fn keys(&self, parameter: &SearchParam) -> Option<Vec<Key>> {
        match self {
            Self::Is { code, .. } => Some(vec![Key::new(&parameter.code, code.as_deref()?)]),
            Self::OfType { value, .. } => Some(vec![Key::new(&parameter.code, value)]),
            Self::In(codes) if codes.systems.is_empty() => {
                let codes = codes.listed.iter();
                Some(
                    codes
                        .map(|(_, code)| Key::new(&parameter.code, code))
                        .collect(),
                )
            }
            Self::In(_) | Self::Text(_) => None,
        }
    }
}

/// Whether elements of a type have a code and no system.
fn is_plain(data_type: &&str) -> bool {
    matches!(*data_type, "code" | "boolean" | "id")
}

fn codings(concept: Option<&Value>) -> impl Iterator<Item = &Value> {
    concept
        .and_then(|concept| member(concept, "coding"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// Whether one of the texts beside an element's codes passes.
fn each_text(element: Extracted<'_>, passes: &mut dyn FnMut(&Value) -> bool) -> bool {
    let value = element.value;
    let mut concept = |concept: &Value| {
        member(concept, "text").is_some_and(&mut *passes)
            || codings(Some(concept))
                .filter_map(|coding| member(coding, "display"))
                .any(&mut *passes)
    };
    match element.data_type {
        "CodeableConcept" => concept(value),
        "Identifier" => member(value, "type").is_some_and(concept),
        "Coding" => member(value, "display").is_some_and(passes),
        _ => false,
    }
}

/// Calls `visit` with each code that a token could find in an element.
pub(crate) fn each_code(element: Extracted<'_>, visit: &mut dyn FnMut(&str)) {
    let mut text = |value: &Value, name: &str| {
        if let Some(code) = member(value, name).and_then(Value::as_str) {
            visit(code);
        }
    };
    match (element.data_type, element.value) {
        ("CodeableConcept", concept) => codings(Some(concept)).for_each(|c| text(c, "code")),
        ("Coding", coding) => text(coding, "code"),
        ("Identifier" | "ContactPoint", value) => text(value, "value"),
        (_, Value::String(code)) => visit(code),
        (_, Value::Bool(true)) => visit("true"),
        (_, Value::Bool(false)) => visit("false"),
        (_, Value::Number(number)) => visit(number.as_str()),
        _ => {}
    }
}
