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
    /// A place about every [`STEP`] bytes, in order.
    marks: Box<[Mark]>,
}

/// Bytes between two marks of a text.
const STEP: usize = 4096;

/// A byte of a text with its line and column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    offset: usize,
    line: usize,
    column: usize,
}

impl Mark {
    const START: Self = Self {
        offset: 0,
        line: 1,
        column: 1,
    };

    fn step(&mut self, c: char) {
        self.offset += c.len_utf8();
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
    }

    /// The marks of a text but for its first byte.
    fn all(text: &str) -> Box<[Self]> {
        // A text over the limit of every reader is only refused, not looked into.
        if text.len() < STEP || text.len() > json::MAX_BYTES {
            return Box::default();
        }
        let mut marks = Vec::with_capacity(text.len() / STEP);
        let mut here = Self::START;
        while let Some(block) = block(text, here.offset) {
            here.skip(block);
            marks.push(here);
        }
        marks.into()
    }

    /// Past a text, counted by bytes: every byte but a continuation begins a character.
    fn skip(&mut self, text: &str) {
        let characters = |text: &str| text.bytes().filter(|b| b & 0xc0 != 0x80).count();
        self.offset += text.len();
        match text.rsplit_once('\n') {
            None => self.column += characters(text),
            Some((before, last)) => {
                self.line += 1 + before.bytes().filter(|b| *b == b'\n').count();
                self.column = 1 + characters(last);
            }
        }
    }
}

/// About [`STEP`] bytes from a place on; `None` where fewer are left.
fn block(text: &str, start: usize) -> Option<&str> {
    let rest = text.get(start..)?;
    (STEP..rest.len()).find_map(|end| rest.get(..end))
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
        let text = text.into();
        Arc::new(Self {
            name: name.into(),
            marks: Mark::all(&text),
            text,
            before,
        })
    }

    /// Line and column of a byte offset, both counted from 1; the column counts characters.
    /// An offset past the end is the end.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let past = self.marks.partition_point(|mark| mark.offset <= offset);
        let nearest = past.checked_sub(1).and_then(|at| self.marks.get(at));
        let mut here = nearest.copied().unwrap_or(Mark::START);
        for c in self.text.get(here.offset..).unwrap_or_default().chars() {
            if here.offset >= offset {
                break;
            }
            here.step(c);
        }
        (here.line + self.before.lines, here.column)
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

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]
        #[test]
        fn line_and_column_are_those_of_a_count_from_the_start(
            line in "[a-zé😀]{0,90}", times in 0_usize..300, offset in 0_usize..20_000,
        ) {
            let text = format!("{line}\n").repeat(times);
            let before = || text.char_indices().take_while(|(at, _)| *at < offset).map(|(_, c)| c);
            let lines = before().filter(|c| *c == '\n').count();
            let column = before().collect::<Vec<_>>().iter().rev().take_while(|c| **c != '\n').count();
            let found = Source::new("t", text.as_str()).line_column(offset);
            proptest::prop_assert_eq!(found, (lines + 1, column + 1));
        }
    }
}
