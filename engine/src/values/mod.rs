//! What a value of each search parameter type means, and when a stored element matches it.
//!
//! One file a type. Each has a pattern, made once from the text of a filter's alternative, and a
//! `matches` that looks at one extracted element and allocates nothing. Source: policy-semantics
//! R.6, and hl7.org/fhir/R4/search.html for what it leaves open.

mod base;
pub mod date;
pub mod decimal;
pub mod number;
pub mod quantity;
pub mod reference;
pub mod string;
pub mod token;
pub mod uri;

/// Why a text is no value of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadValue {
    /// What is wrong with it, to stand after the quoted value.
    pub message: String,
    /// What is allowed.
    pub help: String,
}

impl BadValue {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }
}

/// The comparison that a prefix of a number, date or quantity asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prefix {
    /// `eq`, or no prefix: the stored range lies inside the wanted one.
    #[default]
    Equal,
    /// `ne`: not equal.
    NotEqual,
    /// `gt`: something of the stored range lies above the wanted one.
    Greater,
    /// `lt`: something of the stored range lies below the wanted one.
    Less,
    /// `ge`: `gt` or `eq`.
    GreaterOrEqual,
    /// `le`: `lt` or `eq`.
    LessOrEqual,
    /// `sa`: the stored range starts after the wanted one.
    StartsAfter,
    /// `eb`: the stored range ends before the wanted one.
    EndsBefore,
    /// `ap`: the ranges overlap. R4 leaves the tolerance open and suggests one that depends on
    /// the time of asking, which a pure decision cannot know.
    Approximately,
}

impl Prefix {
    /// The prefix of a value and the rest of it.
    pub fn split(text: &str) -> (Self, &str) {
        let prefix = match text.get(..2) {
            Some("eq") => Self::Equal,
            Some("ne") => Self::NotEqual,
            Some("gt") => Self::Greater,
            Some("lt") => Self::Less,
            Some("ge") => Self::GreaterOrEqual,
            Some("le") => Self::LessOrEqual,
            Some("sa") => Self::StartsAfter,
            Some("eb") => Self::EndsBefore,
            Some("ap") => Self::Approximately,
            _ => return (Self::Equal, text),
        };
        (prefix, text.get(2..).unwrap_or_default())
    }

    /// Compares a stored range with the wanted one. A range is `low..high`, the end not included;
    /// `None` is without bound.
    pub fn holds<T: PartialOrd + Copy>(self, stored: Range<T>, wanted: Range<T>) -> bool {
        let inside = wanted
            .low
            .is_none_or(|w| stored.low.is_some_and(|s| s >= w))
            && wanted
                .high
                .is_none_or(|w| stored.high.is_some_and(|s| s <= w));
        let above = wanted
            .high
            .is_some_and(|w| stored.high.is_none_or(|s| s > w));
        let below = wanted.low.is_some_and(|w| stored.low.is_none_or(|s| s < w));
        let after = matches!((stored.low, wanted.high), (Some(s), Some(w)) if s >= w);
        let before = matches!((stored.high, wanted.low), (Some(s), Some(w)) if s <= w);
        match self {
            Self::Equal => inside,
            Self::NotEqual => !inside,
            Self::Greater => above,
            Self::Less => below,
            Self::GreaterOrEqual => above || inside,
            Self::LessOrEqual => below || inside,
            Self::StartsAfter => after,
            Self::EndsBefore => before,
            Self::Approximately => !after && !before,
        }
    }
}

/// A stretch of a line, the end not included; `None` is without bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range<T> {
    /// The first point.
    pub low: Option<T>,
    /// One past the last point.
    pub high: Option<T>,
}
