//! NDJSON: a resource a line.

use super::super::decide::Decision;
use super::TextDecider;
use crate::diagnostic::Diagnostic;

/// One line of NDJSON and what was decided on it.
#[derive(Debug, Clone)]
pub struct Line<'t> {
    /// Its number, from 1; blank lines count.
    pub number: usize,
    /// The line without its end.
    pub text: &'t [u8],
    /// The decision, or what is wrong with the line; places are bytes of it.
    pub decision: Result<Decision, Diagnostic>,
}

/// The lines of NDJSON with their decisions; blank lines are passed over.
#[derive(Debug, Clone)]
pub struct Lines<'d, 't> {
    decider: &'d TextDecider<'d>,
    rest: Option<&'t [u8]>,
    number: usize,
}

impl<'d, 't> Lines<'d, 't> {
    pub(super) fn new(decider: &'d TextDecider<'d>, ndjson: &'t [u8]) -> Self {
        Self {
            decider,
            rest: Some(ndjson),
            number: 0,
        }
    }
}

impl<'t> Iterator for Lines<'_, 't> {
    type Item = Line<'t>;

    fn next(&mut self) -> Option<Line<'t>> {
        loop {
            let rest = self.rest?;
            let end = memchr::memchr(b'\n', rest);
            let (line, after) = match end {
                Some(end) => (rest.get(..end)?, rest.get(end + 1..)),
                None => (rest, None),
            };
            self.rest = after;
            self.number += 1;
            let text = line.strip_suffix(b"\r").unwrap_or(line);
            if !text.trim_ascii().is_empty() {
                return Some(Line {
                    number: self.number,
                    text,
                    decision: self.decider.decide_bytes(text),
                });
            }
        }
    }
}
