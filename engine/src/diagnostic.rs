//! One value for every finding, whatever found it.
//!
//! A [`Diagnostic`] is plain data: what is wrong, where, what is allowed. Printing it, colours and
//! carets included, is the caller's business.

use std::fmt;
use std::sync::Arc;

use crate::source::{Source, Span};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing has to change.
    Info,
    /// Probably not what was meant.
    Warning,
    /// Wrong: what it concerns grants nothing, or is not valid.
    Error,
    /// Wrong, and a server that takes it grants more than is written.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        })
    }
}

/// A place in the source with a word about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Bytes of the source's text.
    pub span: Span,
    /// What is there; may be empty.
    pub text: String,
}

/// A mechanical repair: replace the bytes of `span` by `replacement`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Bytes of the source's text.
    pub span: Span,
    /// What stands there afterwards.
    pub replacement: String,
}

/// A finding.
///
/// Messages start in lower case and end without a full stop; the reader's own text stands in
/// backticks; advice is in [`help`](Self::help).
///
/// ```
/// use fhirward_engine::diagnostic::Diagnostic;
/// use fhirward_engine::source::{Source, Span};
///
/// let source = Source::new("a.json", "{\n  \"x\": 1\n}");
/// let finding = Diagnostic::error("demo", "unknown key `x`")
///     .with_label(Span::new(4, 7), "not a key of AccessPolicy")
///     .with_source(&source);
/// assert_eq!(finding.line_column(), Some((2, 3)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable word for the kind of finding, `area/what`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where, the most important place first.
    pub labels: Vec<Label>,
    /// What is allowed, or what was probably meant.
    pub help: Option<String>,
    /// The text that the labels point into.
    pub source: Option<Arc<Source>>,
    /// The mechanical repair, where there is one.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// A finding of the given severity without place and advice.
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: brief(message.into()),
            labels: Vec::new(),
            help: None,
            source: None,
            fix: None,
        }
    }

    /// An error.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// Adds a place.
    #[must_use]
    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: brief(text.into()),
        });
        self
    }

    /// Sets the advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(brief(help.into()));
        self
    }

    /// Sets the text that the labels point into.
    #[must_use]
    pub fn with_source(mut self, source: &Arc<Source>) -> Self {
        self.source = Some(Arc::clone(source));
        self
    }

    /// Sets the repair.
    #[must_use]
    pub fn with_fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.fix = Some(Fix {
            span,
            replacement: replacement.into(),
        });
        self
    }

    /// Whether this makes what it concerns invalid: an error, or worse.
    pub fn is_error(&self) -> bool {
        self.severity >= Severity::Error
    }

    /// Line and column of the first label, both counted from 1, the column in characters.
    /// `None` without a label or a source.
    pub fn line_column(&self) -> Option<(usize, usize)> {
        let source = self.source.as_ref()?;
        let label = self.labels.first()?;
        Some(source.line_column(label.span.start))
    }

    /// Moves every label and the fix by `place`, for a finding made in a text that is a part of
    /// another.
    #[must_use]
    pub fn relocated(mut self, place: impl Fn(Span) -> Span) -> Self {
        for label in &mut self.labels {
            label.span = place(label.span);
        }
        if let Some(fix) = &mut self.fix {
            fix.span = place(fix.span);
        }
        self
    }
}

/// A quotation with more bytes is cut off: it may be the whole of a file.
const LONGEST_QUOTATION: usize = 300;
/// Characters that are left of it.
const CUT_QUOTATION: usize = 60;
/// Bytes of a message that was put together from many quotations.
const LONGEST_TEXT: usize = 4_000;

/// The text with what would move a cursor, change colours or turn the direction of writing spelled
/// out: files and servers may hold anything, and terminals and logs do as they are told. Line breaks
/// and tabs stay.
///
/// ```
/// use fhirward_engine::diagnostic::visible;
///
/// assert_eq!(visible("red \u{1b}[31m".to_owned()), "red \\u{1b}[31m");
/// assert_eq!(visible("Smíth\n".to_owned()), "Smíth\n");
/// ```
pub fn visible(text: String) -> String {
    if !text.chars().any(is_command) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_command(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a character is an order to who shows it, and no sign.
fn is_command(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// The text with its long quotations cut off, and nothing in it that is an order to a terminal.
pub(crate) fn brief(text: String) -> String {
    let text = visible(text);
    if text.len() <= LONGEST_QUOTATION {
        return text;
    }
    let mut out = String::new();
    for (at, part) in text.split('`').enumerate() {
        if at > 0 {
            out.push('`');
        }
        if at % 2 == 1 && part.len() > LONGEST_QUOTATION {
            out.extend(part.chars().take(CUT_QUOTATION));
            out.push('…');
        } else {
            out.push_str(part);
        }
        if out.len() > LONGEST_TEXT {
            // What the reader wrote may have backticks of its own.
            let mut cut: String = out.chars().take(CUT_QUOTATION * 5).collect();
            cut.push('…');
            return cut;
        }
    }
    out
}

impl fmt::Display for Diagnostic {
    /// `name:line:column: severity: message`, as compilers print it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{}:", source.name)?;
        }
        if let Some((line, column)) = self.line_column() {
            write!(f, "{line}:{column}:")?;
        }
        if self.source.is_some() {
            write!(f, " ")?;
        }
        write!(f, "{}: {}", self.severity, self.message)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Diagnostic;

    #[rstest]
    #[case::short("no `key` here".to_owned(), "no `key` here".to_owned())]
    #[case::a_long_path(format!("no `{}` here", "p".repeat(250)), format!("no `{}` here", "p".repeat(250)))]
    #[case::a_whole_file(format!("no `{}` here", "k".repeat(1_000_000)), format!("no `{}…` here", "k".repeat(60)))]
    #[case::characters(format!("no `{}`", "ü".repeat(1_000)), format!("no `{}…`", "ü".repeat(60)))]
    #[case::two(format!("`{0}` is no `{0}`", "k".repeat(500)), format!("`{0}…` is no `{0}…`", "k".repeat(60)))]
    fn quotations_are_cut(#[case] text: String, #[case] expected: String) {
        assert_eq!(Diagnostic::error("x", text.as_str()).message, expected);
        assert_eq!(
            Diagnostic::error("x", "").with_help(text).help,
            Some(expected)
        );
    }

    #[test]
    fn backticks_of_the_reader_do_not_undo_it() {
        let text = format!("no `a`{}` here", "k".repeat(1_000_000));
        assert!(Diagnostic::error("x", text).message.len() < 500);
    }
}
