//! The two ways out: standard output for programs, standard error for people.

use std::io::{self, Write};

use clap::ValueEnum;
use fhirward_engine::diagnostic::{Diagnostic, visible};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::render::{self, Style};

/// Who reads the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Text with carets into the files.
    #[default]
    Human,
    /// One JSON document on standard output.
    Json,
    /// SARIF 2.1.0, for code scanning; for `policy check`, `thread check` and `scenario check`.
    Sarif,
    /// Annotations of a GitHub Actions run; for `policy check`, `thread check` and `scenario check`.
    Github,
    /// JUnit XML; for `policy check`, `thread check` and `scenario check`.
    Junit,
    /// A page to read or to send on; for `policy check`, `thread check` and `scenario check`.
    Html,
}

impl Format {
    /// Whether only commands that find things in files write it.
    pub fn is_of_findings(self) -> bool {
        matches!(self, Self::Sarif | Self::Github | Self::Junit | Self::Html)
    }
}

/// Where a command writes.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    format: Format,
    style: Style,
}

impl Output {
    /// For the given reader.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            style: Style::of_stderr(),
        }
    }

    /// Who reads the result.
    pub fn format(self) -> Format {
        self.format
    }

    /// The same for people, for a command whose result goes into a file.
    pub fn for_people(self) -> Self {
        Self {
            format: Format::Human,
            ..self
        }
    }

    /// Whether a program reads JSON.
    pub fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Colours and width of standard error.
    pub fn style(self) -> Style {
        self.style
    }

    /// The same, in the harness's words.
    pub fn report_style(self) -> fhirward_harness::report::Style {
        fhirward_harness::report::Style {
            color: self.style.color(),
        }
    }

    /// A line for people, on standard error. Nothing with `--format json`.
    pub fn say(self, line: &str) {
        if !self.is_json() {
            // When standard error is closed there is nobody left to tell.
            let _closed = writeln!(io::stderr().lock(), "{line}");
        }
    }

    /// Lines for people, on standard error, as they are. Nothing with `--format json`.
    pub fn say_block(self, text: &str) {
        if !self.is_json() {
            let _closed = io::stderr().lock().write_all(text.as_bytes());
        }
    }

    /// Findings for people, on standard error. Nothing with `--format json`.
    pub fn findings(self, findings: &[Diagnostic]) {
        if self.is_json() {
            return;
        }
        for finding in findings {
            self.say(render::human(finding, self.style).trim_end());
            self.say("");
        }
    }

    /// What could not be written, on standard error, whoever reads the result: where the result
    /// should have been, a program may have found nothing.
    pub fn unwritten(self, findings: &[Diagnostic]) {
        self.for_people().findings(findings);
    }

    /// The result, on standard output.
    ///
    /// # Errors
    /// It cannot be written. `fhirward … | head` closes the pipe early, which is no error of ours; a
    /// full disk behind `>` is, and must not look like success.
    pub fn result(self, text: &str) -> Result<(), Failure> {
        match writeln!(io::stdout().lock(), "{}", text.trim_end()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::new(
                Exit::CouldNotRun,
                Diagnostic::error(
                    "output/unwritten",
                    format!("the result cannot be written to standard output: {error}"),
                ),
            )),
        }
    }

    /// The result for people, on standard output. What it quotes from files is no order to a terminal.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn text(self, text: &str) -> Result<(), Failure> {
        self.result(&visible(text.to_owned()))
    }

    /// The result as one JSON document, on standard output.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn document(self, value: &Value) -> Result<(), Failure> {
        self.result(&format!("{value:#}"))
    }

    /// What stopped the command, and how it ends.
    pub fn failure(self, failure: &Failure) -> Exit {
        if !self.is_json() {
            self.findings(&failure.findings);
            return failure.exit;
        }
        let document = json!({
            "exit_code": failure.exit.code(),
            "diagnostics": data(&failure.findings),
        });
        match self.document(&document) {
            Ok(()) => failure.exit,
            Err(unwritten) => {
                self.unwritten(&failure.findings);
                if failure.findings != unwritten.findings {
                    self.unwritten(&unwritten.findings);
                }
                unwritten.exit
            }
        }
    }
}

/// Findings as data.
pub fn data(findings: &[Diagnostic]) -> Vec<Value> {
    findings.iter().map(render::data).collect()
}

/// Why a command could not do its job.
#[derive(Debug)]
pub struct Failure {
    /// How the command ends.
    pub exit: Exit,
    /// What is wrong.
    pub findings: Vec<Diagnostic>,
}

impl Failure {
    /// One finding.
    pub fn new(exit: Exit, finding: Diagnostic) -> Self {
        Self {
            exit,
            findings: vec![finding],
        }
    }

    /// The command line, or a file it names, cannot be used.
    pub fn usage(finding: Diagnostic) -> Self {
        Self::new(Exit::Usage, finding)
    }
}
