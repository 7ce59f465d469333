//! Strings: names, addresses, free text.
//!
//! Source: hl7.org/fhir/R4/search.html, 3.1.1.4.8 to 3.1.1.4.9.

use fhirward_engine::values::BadValue;
use fhirward_engine::values::string::{StringPattern, fold, parts};
use fhirward_spec::{Extracted, SearchParam, member};
use serde_json::Value;

use crate::search::index::Key;

/// What a part of a name, an address or a text must be.
#[derive(Debug, Clone)]
pub(crate) enum Text {
    /// It begins so; case and accents do not count.
    Starts {
        pattern: StringPattern,
        beginning: String,
    },
    /// `:contains`: it has this somewhere; case and accents do not count.
    Contains(String),
    /// `:exact`: it is this, to the letter.
    Exact(String),
}

/// Characters of a part's beginning that the index keeps.
const LONGEST_BEGINNING: usize = 3;

impl Text {
    pub(super) fn starts(text: &str) -> Result<Self, BadValue> {
        Ok(Self::Starts {
            pattern: StringPattern::new(text)?,
            beginning: beginning(text),
        })
    }

    pub(super) fn contains(text: &str) -> Result<Self, BadValue> {
        // What is no start of anything is no part of anything either.
        StringPattern::new(text)?;
        Ok(Self::Contains(fold(text).collect()))
    }

    pub(super) fn exact(text: String) -> Self {
        Self::Exact(text)
    }

    /// Whether some part of the element is so.
    pub(super) fn matches(&self, element: Extracted<'_>) -> bool {
        match self {
            Self::Starts { pattern, .. } => pattern.matches(element),
            Self::Contains(wanted) => some_part(element, &mut |part| {
                part.is_ascii() && wanted.is_ascii() && part.to_ascii_lowercase().contains(wanted)
                    || fold(part).collect::<String>().contains(wanted)
            }),
            Self::Exact(wanted) => some_part(element, &mut |part| part == wanted),
        }
    }

    /// The keys of the index, one of which a resource must have to match.
    pub(super) fn keys(&self, parameter: &SearchParam) -> Option<Vec<Key>> {
        let beginning = match self {
            Self::Starts { beginning, .. } => beginning.clone(),
            Self::Exact(text) => beginning(text),
            Self::Contains(_) => return None,
        };
        (!beginning.is_empty()).then(|| vec![Key::new(&parameter.code, &beginning)])
    }
}

/// Whether some text in the element passes.
fn some_part(element: Extracted<'_>, passes: &mut dyn FnMut(&str) -> bool) -> bool {
    let Some(parts) = parts(element.data_type) else {
        return some_text(element.value, passes);
    };
    parts
        .iter()
        .filter_map(|part| member(element.value, part))
        .any(|part| some_text(part, passes))
}

fn some_text(value: &Value, passes: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::String(text) => passes(text),
        Value::Array(items) => items.iter().any(|item| some_text(item, passes)),
        _ => false,
    }
}

/// Calls `visit` with the beginnings by which the parts of an element are found: each length up to
/// the longest that is kept.
pub(crate) fn each_beginning(element: Extracted<'_>, visit: &mut dyn FnMut(&str)) {
    some_part(element, &mut |part| {
        let beginning = beginning(part);
        for (end, c) in beginning.char_indices() {
            if let Some(shorter) = beginning.get(..end + c.len_utf8()) {
                visit(shorter);
            }
        }
        false
    });
}

/// The first characters without case and accents.
fn beginning(text: &str) -> String {
    fold(text).take(LONGEST_BEGINNING).collect()
}
