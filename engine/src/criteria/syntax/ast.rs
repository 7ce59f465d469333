//! The parts of a criteria.

use crate::source::Span;

/// A criteria: `Type?param=value&…`. Spans are bytes of [`Criteria::text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criteria {
    /// The text as written.
    pub text: Box<str>,
    /// What stands before the question mark.
    pub resource_type: Name,
    /// The `param=value` pairs, in order.
    pub pairs: Vec<Pair>,
}

/// A word with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The word, decoded.
    pub text: String,
    /// Where it was written.
    pub span: Span,
}

/// `param[:modifier]=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The whole pair.
    pub span: Span,
    /// The search parameter.
    pub param: Name,
    /// What follows the first colon.
    pub modifier: Option<Name>,
    /// The alternatives of the value, one of which must match.
    pub alternatives: Vec<Alternative>,
    /// Where the value was written; `None` without `=`.
    pub value: Option<Span>,
}

/// One alternative of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Where it was written.
    pub span: Span,
    /// Its pieces, in order; none for an empty alternative.
    pub pieces: Vec<Piece>,
}

/// A part of an alternative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Characters that stand for themselves, escapes undone.
    Text(String),
    /// `|`, between system and code.
    Pipe,
    /// `$`, between the components of a composite.
    Dollar,
    /// `%name` or `%name.id`.
    Variable(Variable),
}

/// A variable in a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The name, without `%` and `.id`.
    pub name: String,
    /// Whether `.id` follows.
    pub id: bool,
    /// Where it was written.
    pub span: Span,
}

impl std::fmt::Display for Criteria {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
