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

/// Where the lines of each text begin: a bulk file is not read once for each finding.
#[derive(Debug, Default)]
pub struct Places {
    texts: HashMap<*const Source, Vec<Line>>,
}

/// Where a line begins.
#[derive(Debug, Clone, Copy)]
struct Line {
    byte: usize,
    character: usize,
}

impl Places {
    /// The place of a span.
    pub fn of(&mut self, source: &Arc<Source>, span: Span) -> Place {
        let lines = self
            .texts
            .entry(Arc::as_ptr(source))
            .or_insert_with(|| lines(&source.text));
        let (line, column, offset) = locate(&source.text, lines, span.start);
        let (end_line, end_column, end) = locate(&source.text, lines, span.end);
        Place {
            line,
            column,
            end_line,
            end_column,
            offset,
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

fn lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut byte = 0;
    let mut character = 0;
    for line in text.split_inclusive('\n') {
        lines.push(Line { byte, character });
        byte += line.len();
        character += line.chars().count();
    }
    if lines.is_empty() || text.ends_with('\n') {
        lines.push(Line { byte, character });
    }
    lines
}

fn locate(text: &str, lines: &[Line], at: usize) -> (usize, usize, usize) {
    let number = lines.partition_point(|line| line.byte <= at).max(1);
    let line = lines.get(number - 1).copied().unwrap_or(Line {
        byte: 0,
        character: 0,
    });
    let rest = text.get(line.byte..).unwrap_or_default();
    let into = rest
        .char_indices()
        .take_while(|(byte, _)| line.byte + byte < at)
        .count();
    (number, into + 1, line.character + into)
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
