//! The text of a criteria, read without loss.
//!
//! Two layers, as on the wire: first the URL (`&`, `=`, percent escapes, `+`), then FHIR's own
//! (`,` `|` `$` and the backslash). A `%name` is a variable where it can be one: a declared name
//! wins over a percent escape, a percent escape over an unknown name.

mod ast;
mod print;
mod read;
#[cfg(test)]
mod tests;
mod url;
mod value;

pub use ast::{Alternative, Criteria, Name, Pair, Piece, Variable};
pub use read::{pair, parse};

/// Bytes of one criteria; a longer text is refused.
pub const MAX_LENGTH: usize = 64 * 1024;
/// Faults of one criteria that are reported one by one.
pub const MAX_FAULTS: usize = 100;
