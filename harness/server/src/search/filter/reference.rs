//! References: which resource an element points at.
//!
//! Source: hl7.org/fhir/R4/search.html, 3.1.1.4.12.

use fhirward_engine::values::BadValue;
use fhirward_engine::values::reference::{ReferencePattern, local};
use fhirward_engine::values::token::TokenPattern;
use fhirward_spec::{Extracted, SearchParam, member, spec};
use serde_json::Value;

use super::text::Alternative;
use super::token::Token;
use crate::app::is_id;
use crate::search::index::Key;

/// What an element must point at.
#[derive(Debug, Clone)]
pub(crate) enum Reference {
    /// This resource.
    To(ReferencePattern),
    /// A resource of this id, of one of the types that the parameter can lead to.
    Id {
        id: Box<str>,
        types: Vec<&'static str>,
    },
    /// `:identifier`: what the reference itself says of its target's identifier.
    Identified(TokenPattern),
}

impl Reference {
    /// Reads `Type/id`, a URL, or an id of one of the types.
    pub(super) fn plain(
        types: Vec<&'static str>,
        text: &str,
        base: &str,
    ) -> Result<Self, BadValue> {
        if is_id(text) {
            return Ok(Self::Id {
                id: text.into(),
                types,
            });
        }
        ReferencePattern::parse(text, &[], Some(base)).map(Self::To)
    }

    /// Reads the value of `:Type`: an id of that type.
    pub(super) fn typed(target: &str, text: &str, base: &str) -> Result<Self, BadValue> {
        let pattern = ReferencePattern::parse(text, &[target.into()], Some(base))?;
        match &pattern {
            ReferencePattern::Literal(reference) if reference.split('/').next() != Some(target) => {
                Err(BadValue {
                    message: format!("is of another type than {target}"),
                    help: format!("write an id of {target}"),
                })
            }
            ReferencePattern::Absolute(url)
                if fhirward_spec::reference_type(&serde_json::json!({ "reference": &**url }))
                    != Some(target) =>
            {
                Err(BadValue {
                    message: format!("is no reference to a {target}"),
                    help: format!("write an id of {target}"),
                })
            }
            _ => Ok(Self::To(pattern)),
        }
    }

    /// Reads the value of `:identifier`, a token.
    pub(super) fn identified(
        parameter: &SearchParam,
        text: &Alternative,
    ) -> Result<Self, BadValue> {
        if !parameter.program.data_types().contains(&"Reference") {
            return Err(BadValue {
                message: "asks for an identifier, and the element is a URL".into(),
                help: "leave `:identifier` out".into(),
            });
        }
        match Token::plain(&["Identifier"], text)? {
            Token::Is { pattern, .. } => Ok(Self::Identified(pattern)),
            _ => Err(BadValue {
                message: "is no identifier".into(),
                help: "write `system|value` or `value`".into(),
            }),
        }
    }

    /// Whether the element points so.
    pub(super) fn matches(&self, element: Extracted<'_>, base: &str) -> bool {
        match self {
            Self::To(pattern) => pattern.matches(element, Some(base)),
            Self::Id { id, types } => target(element, base)
                .and_then(|local| local.split_once('/'))
                .is_some_and(|(kind, own)| own == &**id && types.contains(&kind)),
            Self::Identified(pattern) => member(element.value, "identifier").is_some_and(|value| {
                pattern.matches(Extracted {
                    value,
                    data_type: "Identifier",
                })
            }),
        }
    }

    /// The keys of the index, one of which a resource must have to match.
    pub(super) fn keys(&self, parameter: &SearchParam) -> Option<Vec<Key>> {
        match self {
            Self::To(ReferencePattern::Literal(local) | ReferencePattern::Absolute(local)) => {
                Some(vec![Key::new(&parameter.code, local)])
            }
            Self::Id { id, types } => {
                let locals = types.iter().map(|kind| format!("{kind}/{id}"));
                Some(
                    locals
                        .map(|local| Key::new(&parameter.code, &local))
                        .collect(),
                )
            }
            Self::Identified(_) => None,
        }
    }
}

/// `Type/id` of what an element points at, on this server.
pub(crate) fn target<'v>(element: Extracted<'v>, base: &str) -> Option<&'v str> {
    local(written(element)?, Some(base))
}

/// Where an element points, as it is written.
fn written(element: Extracted<'_>) -> Option<&str> {
    match element.value {
        Value::String(text) => Some(text),
        value => member(value, "reference").and_then(Value::as_str),
    }
}

/// Calls `visit` with the texts that an element is found by: `Type/id`, or as it is written, and
/// without the version of a canonical.
pub(crate) fn each_name(element: Extracted<'_>, base: &str, visit: &mut dyn FnMut(&str)) {
    let Some(written) = written(element) else {
        return;
    };
    visit(local(written, Some(base)).unwrap_or(written));
    if element.data_type == "canonical"
        && let Some((url, _)) = written.split_once('|')
    {
        visit(url);
    }
}

/// The types that a reference parameter can lead to.
pub(crate) fn targets(parameter: &'static SearchParam) -> Vec<&'static str> {
    let named: Vec<&str> = parameter.targets.iter().map(|target| &**target).collect();
    if named.is_empty() || named.contains(&"Resource") {
        return spec().resource_types().collect();
    }
    named
}
