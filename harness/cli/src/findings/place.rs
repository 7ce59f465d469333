//! Lines, columns and offsets, for many places in the same texts.

use std::collections::HashMap;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::{Source, Span};

/// A place as programs want it: lines and columns from 1, offsets from 0, all in characters
/// (Unicode scalar values); the end is the first character behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line of the first character.
    pub line: usize,
    /// Its column.
    pub column: usize,
    /// The line of the end.
    pub end_line: usize,
    /// The column of the end.
    pub end_column: usize,
    /// The characters before it in the text.
    pub offset: usize,
    /// The characters in it.
    pub length: usize,
}

/// Bytes between two marks: so many are read again for a place, however long its line is.
const MARK_EVERY: usize = 1024;

/// Where places of each text stand: a bulk file is not read once for each finding, and neither is a
/// file that is one line.
#[derive(Debug, Default)]
pub struct Places {
    texts: HashMap<*const Source, Marks>,
}

/// Known places of a text, in order.
#[derive(Debug, Default)]
struct Marks {
    /// Where each line begins.
    lines: Vec<Mark>,
    /// Some place in about every [`MARK_EVERY`] bytes.
    steps: Vec<Mark>,
}

/// How many characters are before a byte.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    byte: usize,
    character: usize,
}

impl Places {
    /// The place of a span.
    pub fn of(&mut self, source: &Arc<Source>, span: Span) -> Place {
        let marks = self
            .texts
            .entry(Arc::as_ptr(source))
            .or_insert_with(|| Marks::of(&source.text));
        let (line, column, offset) = marks.locate(&source.text, span.start);
        let (end_line, end_column, end) = marks.locate(&source.text, span.end);
        let before = source.before;
        Place {
            line: before.lines + line,
            column,
            end_line: before.lines + end_line,
            end_column,
            offset: before.characters + offset,
            length: end.saturating_sub(offset),
        }
    }

    /// The place of a finding's first label.
    pub fn of_finding(&mut self, finding: &Diagnostic) -> Option<Place> {
        let source = finding.source.as_ref()?;
        let label = finding.labels.first()?;
        Some(self.of(source, label.span))
    }
}

impl Marks {
    fn of(text: &str) -> Self {
        let start = Mark::default();
        let mut marks = Self {
            lines: vec![start],
            steps: vec![start],
        };
        let mut next_step = MARK_EVERY;
        for (character, (byte, c)) in text.char_indices().enumerate() {
            if byte >= next_step {
                marks.steps.push(Mark { byte, character });
                next_step = byte + MARK_EVERY;
            }
            if c == '\n' {
                marks.lines.push(Mark {
                    byte: byte + 1,
                    character: character + 1,
                });
            }
        }
        marks
    }

    /// Line, column and characters before a byte.
    fn locate(&self, text: &str, at: usize) -> (usize, usize, usize) {
        let before = |marks: &[Mark]| marks.partition_point(|mark| mark.byte <= at).max(1);
        let number = before(&self.lines);
        let line = self.lines.get(number - 1).copied().unwrap_or_default();
        let step = self.steps.get(before(&self.steps) - 1).copied();
        let step = step.unwrap_or_default();
        let rest = text.get(step.byte..).unwrap_or_default();
        let into = rest
            .char_indices()
            .take_while(|(byte, _)| step.byte + byte < at)
            .count();
        let offset = step.character + into;
        (number, offset + 1 - line.character.min(offset), offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_lines_and_columns_as_in_messages() {
        let source = Source::new("a", "äb\n\ncd\r\nü\n");
        let mut places = Places::default();
        for (at, _) in source.text.char_indices() {
            let place = places.of(&source, Span::new(at, at));
            assert_eq!((place.line, place.column), source.line_column(at), "{at}");
            let before = source.text.get(..at).unwrap().chars().count();
            assert_eq!(place.offset, before, "{at}");
        }
    }

    #[test]
    fn long_lines_have_marks_of_their_own() {
        let source = Source::new("a", "äb\n".repeat(700) + &"üx".repeat(3000));
        let mut places = Places::default();
        for at in [0, 1023, 1024, 1025, 2047, 2802, 5000, 11_000] {
            let at = (at..).find(|at| source.text.is_char_boundary(*at)).unwrap();
            let place = places.of(&source, Span::new(at, at));
            assert_eq!((place.line, place.column), source.line_column(at), "{at}");
        }
    }

    #[test]
    fn a_place_past_the_end_is_the_end() {
        let source = Source::new("a", "ab");
        let place = Places::default().of(&source, Span::new(0, 99));
        assert_eq!((place.end_line, place.end_column, place.length), (1, 3, 2));
    }

    #[test]
    fn an_empty_text_has_one_line() {
        let place = Places::default().of(&Source::new("a", ""), Span::default());
        assert_eq!((place.line, place.column, place.offset), (1, 1, 0));
    }
}
