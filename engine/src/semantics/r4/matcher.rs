//! R4's modifiers that policies do not have.

use fhirward_spec::{Extracted, ParamType};
use serde_json::Value;

use super::condition::text;
use crate::criteria::Bindings;
use crate::criteria::syntax::Pair;
use crate::values::string::{StringPattern, fold};
use crate::values::token::TokenPattern;

/// A modifier with its values, one of which must match.
#[derive(Debug)]
pub(super) enum Matcher {
    /// String `:exact`: a whole part, case and accents included.
    Exact(Vec<String>),
    /// String `:contains`: somewhere in a part, without regard to case and accents.
    Contains(Vec<String>),
    /// Token `:text`: the text or display begins so.
    Text(Vec<StringPattern>),
    /// Token `:of-type`: system and code of an identifier's type, and its value.
    OfType(Vec<[String; 3]>),
    /// Reference `:identifier`: the identifier of the reference.
    Identifier(Vec<TokenPattern>),
    /// URI `:below`: the URI, or one that goes on from it.
    Below(Vec<String>),
    /// URI `:above`: the URI, or one that it goes on from.
    Above(Vec<String>),
}

impl Matcher {
    /// `None` for a modifier that R4 does not define for the type, or values it cannot have.
    pub(super) fn new(
        modifier: &str,
        kind: ParamType,
        pair: &Pair,
        bindings: &Bindings,
    ) -> Option<Self> {
        let texts: Vec<String> = pair
            .alternatives
            .iter()
            .map(|alternative| text(alternative, bindings, false))
            .collect::<Option<_>>()?;
        Some(match (modifier, kind) {
            ("exact", ParamType::String) => Self::Exact(texts),
            ("contains", ParamType::String) => {
                Self::Contains(texts.iter().map(|text| fold(text).collect()).collect())
            }
            ("text", ParamType::Token) => Self::Text(
                texts
                    .iter()
                    .map(|text| StringPattern::new(text).ok())
                    .collect::<Option<_>>()?,
            ),
            ("of-type", ParamType::Token) => Self::OfType(
                texts
                    .iter()
                    .map(|text| {
                        let mut parts = text.splitn(3, '|').map(str::to_owned);
                        Some([parts.next()?, parts.next()?, parts.next()?])
                    })
                    .collect::<Option<_>>()?,
            ),
            ("identifier", ParamType::Reference) => Self::Identifier(
                texts
                    .iter()
                    .map(|text| match text.split_once('|') {
                        Some((system, value)) => TokenPattern::in_system(system, value),
                        None => TokenPattern::code(text),
                    })
                    .collect(),
            ),
            ("below", ParamType::Uri) => Self::Below(texts),
            ("above", ParamType::Uri) => Self::Above(texts),
            _ => return None,
        })
    }

    pub(super) fn matches(&self, element: Extracted<'_>) -> bool {
        let value = element.value;
        let leaf = |test: &dyn Fn(&str) -> bool| leaves(value).into_iter().any(test);
        match self {
            Self::Exact(wanted) => leaf(&|text| wanted.iter().any(|w| w == text)),
            Self::Contains(wanted) => leaf(&|text| {
                let text: String = fold(text).collect();
                wanted.iter().any(|w| text.contains(w.as_str()))
            }),
            Self::Text(patterns) => displayed(value).into_iter().any(|text| {
                let element = Extracted {
                    value: text,
                    data_type: "string",
                };
                patterns.iter().any(|pattern| pattern.matches(element))
            }),
            Self::OfType(wanted) => wanted.iter().any(|[system, code, id]| {
                let kind = Extracted {
                    value: value.get("type").unwrap_or(&Value::Null),
                    data_type: "CodeableConcept",
                };
                TokenPattern::in_system(system, code).matches(kind)
                    && value.get("value").and_then(Value::as_str) == Some(id)
            }),
            Self::Identifier(patterns) => {
                let identifier = Extracted {
                    value: value.get("identifier").unwrap_or(&Value::Null),
                    data_type: "Identifier",
                };
                patterns.iter().any(|pattern| pattern.matches(identifier))
            }
            Self::Below(wanted) => leaf(&|text| wanted.iter().any(|w| goes_on(text, w))),
            Self::Above(wanted) => leaf(&|text| wanted.iter().any(|w| goes_on(w, text))),
        }
    }
}

/// Whether a URI is another, or a path below it.
fn goes_on(uri: &str, from: &str) -> bool {
    uri.strip_prefix(from.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// All texts of a value.
fn leaves(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "use" | "period" | "extension" | "id"))
            .flat_map(|(_, member)| leaves(member))
            .collect(),
        _ => Vec::new(),
    }
}

/// What people read of a coded value: text, displays, the text of an identifier's type.
fn displayed(value: &Value) -> Vec<&Value> {
    let codings = value.get("coding").and_then(Value::as_array);
    codings
        .into_iter()
        .flatten()
        .filter_map(|coding| coding.get("display"))
        .chain(value.get("text"))
        .chain(value.get("display"))
        .chain(value.get("type").and_then(|kind| kind.get("text")))
        .collect()
}
