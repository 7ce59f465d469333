//! Texts with names, and places in them.

pub mod json;

use std::sync::Arc;

/// A text and the name that a person knows it by (a path, or `<stdin>`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What to call it in messages.
    pub name: String,
    /// The whole text, or the part of it that is at hand.
    pub text: String,
    /// How much of the whole stands before `text`.
    pub before: Before,
}

/// How much of a file stands before a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Before {
    /// Lines.
    pub lines: usize,
    /// Characters.
    pub characters: usize,
}

impl Source {
    /// A shared source.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Self::part(name, text, Before::default())
    }

    /// Whole lines of a file that is too large to be kept: places in them are places in the file.
    pub fn part(name: impl Into<String>, text: impl Into<String>, before: Before) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
            before,
        })
    }

    /// Line and column of a byte offset, both counted from 1; the column counts characters.
    /// An offset past the end is the end.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let mut line = 1 + self.before.lines;
        let mut column = 1;
        for (at, c) in self.text.char_indices() {
            if at >= offset {
                break;
            }
            if c == '\n' {
                line += 1;
                column = 1;
            } else {
                column += 1;
            }
        }
        (line, column)
    }

    /// The text of a span; empty where the span is not inside the text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }
}

/// Bytes `start..end` of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// Bytes `start..end`; an end before the start makes an empty span.
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// The span moved to the right by `by` bytes.
    #[must_use]
    pub fn shifted(self, by: usize) -> Self {
        Self {
            start: self.start.saturating_add(by),
            end: self.end.saturating_add(by),
        }
    }

    /// The length in bytes.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether there is nothing in it.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}
