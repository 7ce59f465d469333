//! From places in a decoded string to places in the text it was written in.

use std::sync::Arc;

use super::reader::Reader;
use crate::source::{Source, Span};

/// Where the characters of a decoded JSON string were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringMap {
    /// The first byte after the opening quote.
    start: usize,
    /// The closing quote.
    end: usize,
    escapes: Vec<Escape>,
}

/// A character that was written as an escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Escape {
    /// Its bytes in the decoded string.
    pub decoded: Span,
    /// The escape, in the text.
    pub written: Span,
}

impl StringMap {
    /// The map of the string literal at `literal`; `None` where there is none.
    pub(super) fn of(source: &Arc<Source>, literal: Span) -> Option<Self> {
        let mut escapes = Vec::new();
        let mut reader = Reader::at(source, literal.start);
        if !reader.is_at_string() {
            return None;
        }
        reader.string(Some(&mut escapes)).ok()?;
        Some(Self {
            start: literal.start + 1,
            end: reader.position().saturating_sub(1),
            escapes,
        })
    }

    /// The place in the text of a place in the decoded string. A part of an escaped character has
    /// the place of the whole escape; what lies past the end, that of the closing quote.
    pub fn locate(&self, span: Span) -> Span {
        let start = self.locate_start(span.start);
        let end = match span.is_empty() {
            true => start,
            false => self.locate_end(span.end),
        };
        Span::new(start, end)
    }

    /// Where the character that holds this byte begins.
    fn locate_start(&self, at: usize) -> usize {
        let after = self.escapes.partition_point(|e| e.decoded.start <= at);
        match after.checked_sub(1).and_then(|n| self.escapes.get(n)) {
            Some(escape) if at < escape.decoded.end => escape.written.start,
            Some(escape) => escape.written.end + (at - escape.decoded.end),
            None => self.start + at,
        }
        .min(self.end)
    }

    /// Where the character that ends before this byte ends.
    fn locate_end(&self, at: usize) -> usize {
        let after = self.escapes.partition_point(|e| e.decoded.start < at);
        match after.checked_sub(1).and_then(|n| self.escapes.get(n)) {
            Some(escape) if at <= escape.decoded.end => escape.written.end,
            Some(escape) => escape.written.end + (at - escape.decoded.end),
            None => self.start + at,
        }
        .min(self.end)
    }
}
