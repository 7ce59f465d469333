//! The part of a text that is shown around a finding.

use fhirward_engine::source::{Source, Span};
use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// A longer line is shown in part: in NDJSON a line is a whole resource.
const LONGEST_LINE: usize = 400;
/// Bytes shown on either side of a place in such a line.
const AROUND: usize = 60;
/// Bytes of a place in such a line that are underlined.
const LONGEST_PLACE: usize = 120;

/// A source that miette reads in place, near the finding alone: a bulk file is neither copied nor
/// walked from its beginning for each finding.
#[derive(Debug)]
pub(super) struct Excerpt<'s>(pub &'s Source);

impl Excerpt<'_> {
    /// The part of a place that is underlined.
    pub fn shown(&self, span: Span) -> Span {
        let text = self.0.text.as_str();
        let line = line(text, span.start);
        if line.len() <= LONGEST_LINE && span.len() <= LONGEST_LINE {
            return span;
        }
        let most = (span.start + LONGEST_PLACE).min(line.end).min(span.end);
        Span::new(span.start, boundary(text, most))
    }

    /// The bytes that are read for a place, beginning with a line or inside of a long one.
    fn window(&self, span: Span, before: usize, after: usize) -> Span {
        let text = self.0.text.as_str();
        let (first, last) = (line(text, span.start), line(text, span.end));
        if first.len() > LONGEST_LINE || last.len() > LONGEST_LINE {
            let start = boundary(text, span.start.saturating_sub(AROUND)).max(first.start);
            let end = boundary(text, span.end.saturating_add(AROUND)).min(last.end);
            return Span::new(start, end);
        }
        // A line more than is shown tells miette that there is more.
        let mut start = first.start;
        for _ in 0..=before {
            let Some(above) = start.checked_sub(1).map(|end| line(text, end)) else {
                break;
            };
            if above.len() > LONGEST_LINE {
                break;
            }
            start = above.start;
        }
        let mut end = last.end;
        for _ in 0..=after {
            if end >= text.len() {
                break;
            }
            let below = line(text, end + 1);
            if below.len() > LONGEST_LINE {
                break;
            }
            end = below.end;
        }
        Span::new(start, end)
    }
}

/// The line around a byte, without its end.
fn line(text: &str, at: usize) -> Span {
    let at = boundary(text, at);
    let start = text.get(..at).and_then(|text| text.rfind('\n'));
    let start = start.map_or(0, |newline| newline + 1);
    let rest = text.get(at..).unwrap_or_default();
    Span::new(start, at + rest.find('\n').unwrap_or(rest.len()))
}

/// The nearest beginning of a character, not after a byte.
fn boundary(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

impl SourceCode for Excerpt<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let wanted = Span::new(span.offset(), span.offset().saturating_add(span.len()));
        let window = self.window(wanted, before, after);
        let Some(text) = self.0.text.get(window.start..window.end) else {
            return Err(MietteError::OutOfBounds);
        };
        let inside = wanted.start.saturating_sub(window.start);
        let inner = text.read_span(&(inside, span.len()).into(), before, after)?;
        let read = *inner.span();
        let start = window.start + read.offset();
        // Columns are characters, as everywhere; miette's own are bytes.
        let (line, column) = self.0.line_column(start);
        Ok(Box::new(MietteSpanContents::new_named(
            self.0.name.clone(),
            inner.data(),
            (start, read.len()).into(),
            line - 1,
            column - 1,
            inner.line_count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use fhirward_engine::diagnostic::Diagnostic;
    use fhirward_engine::source::{Source, Span};

    use crate::render::{Style, human};

    fn shown(text: &str, at: Span) -> String {
        let finding = Diagnostic::error("x", "wrong")
            .with_label(at, "here")
            .with_source(&Source::new("f.json", text));
        human(&finding, Style::PLAIN)
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        for (letter, before, after) in [("é", 500, 500), ("a", 0, 1000), ("a", 1000, 0)] {
            let text = format!("{}WRONG{}", letter.repeat(before), letter.repeat(after));
            let start = before * letter.len();
            let shown = shown(&text, Span::new(start, start + 5));
            let place = format!("[f.json:1:{}]", before + 1);
            assert!(shown.contains(&place), "{shown}");
            assert!(shown.contains("WRONG"), "{shown}");
            let longest = shown.lines().map(|line| line.chars().count()).max();
            assert!(longest < Some(200), "{shown}");
        }
    }

    #[test]
    fn a_long_place_is_underlined_in_part() {
        let text = format!("[{}]", "k".repeat(1_000_000));
        assert!(shown(&text, Span::new(1, 1_000_001)).len() < 2_000);
    }

    #[test]
    fn a_long_neighbour_is_not_shown() {
        let long = "n".repeat(100_000);
        let text = format!("{long}\nWRONG\n{long}\n");
        let shown = shown(&text, Span::new(100_001, 100_006));
        assert!(shown.contains("[f.json:2:1]"), "{shown}");
        assert!(!shown.contains("nn"), "{shown}");
    }

    #[test]
    fn a_place_far_down_has_its_line_and_its_neighbours() {
        let text = "above\n".repeat(50_000) + "WRONG\nbelow\n";
        let shown = shown(&text, Span::new(300_000, 300_005));
        assert!(shown.contains("[f.json:50001:1]"), "{shown}");
        assert!(shown.contains("50000 │ above"), "{shown}");
        assert!(shown.contains("50002 │ below"), "{shown}");
    }
}
