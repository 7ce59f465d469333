//! What is wrong with a configuration, with its place.

use std::ops::Range;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::{Source, Span};
use fhirward_engine::words::nearest;

/// Collects what is wrong.
#[derive(Debug)]
pub struct Faults<'s> {
    source: &'s Arc<Source>,
    all: Vec<Diagnostic>,
}

impl<'s> Faults<'s> {
    /// None yet.
    pub fn new(source: &'s Arc<Source>) -> Self {
        Self {
            source,
            all: Vec::new(),
        }
    }

    /// Adds one.
    pub fn add(
        &mut self,
        code: &'static str,
        at: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(at, Diagnostic::error(code, message).with_help(help));
    }

    /// Adds one that has everything but its place.
    pub fn push(&mut self, at: Range<usize>, finding: Diagnostic) {
        self.all.push(
            finding
                .with_label(Span::new(at.start, at.end), "")
                .with_source(self.source),
        );
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// All of them, in the order of their places.
    pub fn into_all(mut self) -> Vec<Diagnostic> {
        let start = |finding: &Diagnostic| finding.labels.first().map(|label| label.span.start);
        self.all.sort_by_key(start);
        self.all
    }
}

/// Help for a word that is none of the words.
pub fn one_of(word: &str, words: &[&str]) -> String {
    match nearest(word, words) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("one of {}", quoted.join(", "))
        }
    }
}
