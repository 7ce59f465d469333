//! Searches before any resource is looked at: is the type granted, and may the actor ask this?
//!
//! Which resources a search shows is [`Policy::filter_many`] with [`Interaction::Search`], for
//! matches and includes alike. A parameter that reads a field that is hidden from the actor would
//! tell it, so it is refused. Source: R.4, R.9.

use std::fmt;

use super::compiled::Policy;
use super::interaction::Interaction;

/// Why a search is refused: 403.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchRefusal {
    /// The policy grants no search on the type.
    TypeNotGranted(String),
    /// The parameter reads a field that is hidden from the actor.
    HiddenField {
        /// The type that has the field.
        resource_type: String,
        /// The search parameter.
        code: String,
    },
}

impl fmt::Display for SearchRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TypeNotGranted(kind) => write!(f, "no entry grants search on {kind}"),
            Self::HiddenField {
                resource_type,
                code,
            } => write!(
                f,
                "the parameter `{code}` of {resource_type} reads a field that is hidden"
            ),
        }
    }
}

impl std::error::Error for SearchRefusal {}

impl Policy {
    /// Whether the actor may search a type by these parameters, sort keys among them, each as
    /// `code` or `code:modifier`. A search in a compartment (`Patient/x/Observation`) is one with
    /// `_compartment`.
    ///
    /// # Errors
    /// The first thing that is in the way.
    pub fn may_search<'n>(
        &self,
        resource_type: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<(), SearchRefusal> {
        if !self.grants_type(resource_type, Interaction::Search) {
            return Err(SearchRefusal::TypeNotGranted(resource_type.to_owned()));
        }
        for name in names {
            let (code, modifier) = match name.split_once(':') {
                Some((code, modifier)) => (code, Some(modifier)),
                None => (name, None),
            };
            if !self.may_filter(resource_type, code, modifier) {
                return Err(SearchRefusal::HiddenField {
                    resource_type: resource_type.to_owned(),
                    code: code.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Whether an `_include` or `_revinclude` may follow a reference of `source` by a parameter.
    /// A type that it leads to and that is not granted refuses nothing: its resources are left
    /// out, each by [`Policy::filter_many`], so that which there are is not told.
    ///
    /// # Errors
    /// The reference is in a field that is hidden from the actor.
    pub fn may_include(&self, source: &str, code: &str) -> Result<(), SearchRefusal> {
        if self.may_filter(source, code, None) {
            return Ok(());
        }
        Err(SearchRefusal::HiddenField {
            resource_type: source.to_owned(),
            code: code.to_owned(),
        })
    }
}
