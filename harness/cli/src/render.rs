//! Findings for people (carets, with miette) and for programs (JSON).

mod excerpt;

use std::fmt;
use std::io::IsTerminal;

use fhirward_engine::diagnostic::{Diagnostic, Severity, visible};
use fhirward_engine::source::Span;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use serde_json::{Value, json};

use excerpt::Excerpt;

/// Columns where there is no terminal to ask: logs, pipes, tests.
const PLAIN_WIDTH: usize = 100;
/// Lines shown above and below a finding.
const CONTEXT_LINES: usize = 1;

/// How to write for the reader on standard error.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    color: bool,
    width: usize,
}

impl Style {
    /// For files and pipes.
    pub const PLAIN: Self = Self {
        color: false,
        width: PLAIN_WIDTH,
    };

    /// Colours and the real width on a terminal, plain text elsewhere or with `NO_COLOR`.
    pub fn of_stderr() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::PLAIN;
        }
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            color: !no_color,
            width: usize::from(console::Term::stderr().size().1).max(40),
        }
    }

    /// Whether escape sequences may be written.
    pub fn color(self) -> bool {
        self.color
    }
}

/// The finding with its place in the text.
pub fn human(finding: &Diagnostic, style: Style) -> String {
    human_titled(finding, finding.code, style)
}

/// The same under another title than its code.
pub fn human_titled(finding: &Diagnostic, title: &str, style: Style) -> String {
    let report = Report::new(finding, title);
    let rendered = |theme| {
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .with_width(style.width)
            .with_context_lines(CONTEXT_LINES);
        let mut out = String::new();
        match handler.render_report(&mut out, &report) {
            Ok(()) => out,
            // The message is worth more than its frame.
            Err(fmt::Error) => format!("{finding}\n"),
        }
    };
    let plain = rendered(GraphicalTheme::unicode_nocolor()).replace("\r\n", "\n");
    let shown = visible(plain.clone());
    // What a file tells a terminal to do cannot be told from colours.
    if shown == plain && style.color {
        rendered(GraphicalTheme::unicode())
    } else {
        shown
    }
}

/// The finding as data.
pub fn data(finding: &Diagnostic) -> Value {
    let place = |span: Span| match &finding.source {
        None => Value::Null,
        Some(source) => {
            let (line, column) = source.line_column(span.start);
            let (end_line, end_column) = source.line_column(span.end);
            json!({ "line": line, "column": column, "end_line": end_line, "end_column": end_column })
        }
    };
    json!({
        "severity": finding.severity.to_string(),
        "code": finding.code,
        "message": finding.message,
        "help": finding.help,
        "file": finding.source.as_ref().map(|source| source.name.as_str()),
        "labels": finding.labels.iter().map(|label| json!({
            "at": place(label.span),
            "text": label.text,
        })).collect::<Vec<_>>(),
        "fix": finding.fix.as_ref().map(|fix| json!({
            "at": place(fix.span),
            "replacement": fix.replacement,
        })),
    })
}

/// Counted findings, in words.
pub fn count<'d>(findings: impl Iterator<Item = &'d Diagnostic>) -> String {
    let severities: Vec<Severity> = findings.map(|finding| finding.severity).collect();
    let of = |severity| severities.iter().filter(|s| **s == severity).count();
    let parts: Vec<String> = [
        (of(Severity::Critical), "critical error"),
        (of(Severity::Error), "error"),
        (of(Severity::Warning), "warning"),
        (of(Severity::Info), "remark"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| plural(n, word))
    .collect();
    if parts.is_empty() {
        "no errors".to_owned()
    } else {
        parts.join(", ")
    }
}

/// `1 error`, `2 errors`.
pub fn plural(n: usize, word: &str) -> String {
    counted(n, word, &format!("{word}s"))
}

/// `1 policy`, `2 policies`.
pub fn counted(n: usize, one: &str, many: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {many}")
    }
}

/// The engine's finding in miette's terms.
#[derive(Debug)]
struct Report<'d> {
    finding: &'d Diagnostic,
    title: &'d str,
    text: Option<Excerpt<'d>>,
}

impl<'d> Report<'d> {
    fn new(finding: &'d Diagnostic, title: &'d str) -> Self {
        let source = finding.source.as_deref();
        let shown = source.filter(|_| !finding.labels.is_empty());
        Self {
            finding,
            title,
            text: shown.map(Excerpt),
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)?;
        // Without a picture nothing else would name the place.
        match (&self.finding.source, self.finding.line_column()) {
            (Some(source), Some((line, column))) if self.text.is_none() => {
                write!(f, " ({}:{line}:{column})", source.name)
            }
            (Some(source), None) => write!(f, " ({})", source.name),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.title))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error | Severity::Critical => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Info => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.finding.help.as_ref()?;
        Some(Box::new(help))
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let text = self.text.as_ref()?;
        Some(Box::new(self.finding.labels.iter().map(|label| {
            let word = (!label.text.is_empty()).then(|| label.text.clone());
            let span = text.shown(label.span);
            LabeledSpan::new(word, span.start, span.len())
        })))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.text.as_ref().map(|text| text as &dyn SourceCode)
    }
}
