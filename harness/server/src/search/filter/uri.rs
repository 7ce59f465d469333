//! URIs and canonicals.
//!
//! Source: hl7.org/fhir/R4/search.html, 3.1.1.4.14.

use fhirward_engine::values::BadValue;
use fhirward_spec::{Extracted, SearchParam};
use serde_json::Value;

use crate::search::index::Key;

/// What a URI must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Uri {
    /// This one, to the letter; a canonical with any version, unless one is asked for.
    Is(Box<str>),
    /// `:below`: it begins so.
    Below(Box<str>),
    /// `:above`: this one, or one on the way to it.
    Above(Box<str>),
}

impl Uri {
    pub(super) fn is(text: String) -> Self {
        Self::Is(text.into())
    }

    pub(super) fn below(text: String) -> Result<Self, BadValue> {
        Ok(Self::Below(url(text)?))
    }

    pub(super) fn above(text: String) -> Result<Self, BadValue> {
        Ok(Self::Above(url(text)?))
    }

    /// Whether the element is such a URI.
    pub(super) fn matches(&self, element: Extracted<'_>) -> bool {
        let Value::String(stored) = element.value else {
            return false;
        };
        match self {
            Self::Is(wanted) => {
                **wanted == **stored
                    || element.data_type == "canonical" && unversioned(stored) == Some(wanted)
            }
            Self::Below(wanted) => stored.starts_with(&**wanted),
            Self::Above(wanted) => {
                let stored = stored.trim_end_matches('/');
                wanted
                    .strip_prefix(stored)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
        }
    }

    /// The keys of the index, one of which a resource must have to match.
    pub(super) fn keys(&self, parameter: &SearchParam) -> Option<Vec<Key>> {
        match self {
            Self::Is(wanted) => Some(vec![Key::new(&parameter.code, wanted)]),
            Self::Below(_) | Self::Above(_) => None,
        }
    }
}

/// Calls `visit` with the texts that an element is found by.
pub(crate) fn each_name(element: Extracted<'_>, visit: &mut dyn FnMut(&str)) {
    if let Value::String(stored) = element.value {
        visit(stored);
        if element.data_type == "canonical"
            && let Some(url) = unversioned(stored)
        {
            visit(url);
        }
    }
}

/// A canonical without its version.
fn unversioned(canonical: &str) -> Option<&str> {
    canonical.split_once('|').map(|(url, _)| url)
}

/// Only URLs have something above and below them.
fn url(text: String) -> Result<Box<str>, BadValue> {
    if text.starts_with("urn:") {
        return Err(BadValue {
            message: "is a URN, and nothing lies above or below one".into(),
            help: "`:above` and `:below` are for URLs".into(),
        });
    }
    Ok(text.into())
}
