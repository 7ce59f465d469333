//! What is asked of the index.

use fhirward_engine::values::date::Moment;

use super::key::Key;

/// Which resources may match, in which order, and how many are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lookup {
    /// All of these must hold.
    pub(crate) narrow: Vec<Narrow>,
    pub(crate) order: Order,
    /// No more than so many, the first in order; those that the caller then drops count as well.
    /// Ignored where the resources are not walked in order.
    pub(crate) limit: Option<usize>,
}

/// What a filter asks for, as far as the index knows it: one of the keys, or one of the spans.
#[derive(Debug, Clone, Default)]
pub(crate) struct Narrow {
    pub(crate) keys: Vec<Key>,
    pub(crate) spans: Vec<(&'static str, Span)>,
}

/// A span of time, both ends included; `None` is without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Whether a stretch of time must begin in the span; else it is enough that it touches it.
    pub(crate) begins: bool,
    pub(crate) from: Option<Moment>,
    pub(crate) to: Option<Moment>,
}

/// The order of what is found, and behind which place it starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// None in particular: all are wanted.
    #[default]
    Any,
    /// By creation, behind the resource created so.
    Created { behind: Option<u64> },
    /// By the last change, behind the version of that sequence.
    Updated {
        behind: Option<u64>,
        descending: bool,
    },
}

impl Lookup {
    /// The same for all of them, in any order.
    pub(crate) fn of_all(&self) -> Self {
        Self {
            narrow: self.narrow.clone(),
            ..Self::default()
        }
    }
}
