//! What a checking command found, and the ways to write it: for people, and for the programs that
//! show findings to them.
//!
//! A command fills a [`Report`] and calls [`Report::write`]. The report is plain data; every writer
//! is a pure function of it.

mod fingerprint;
mod github;
mod html;
mod human;
mod json;
mod junit;
mod path;
mod place;
mod sarif;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::source::{Source, Span};
use serde_json::{Map, Value};

use crate::exit::Exit;
use crate::output::{Failure, Format, Output};
use crate::render;

/// A rule, as far as a reader of its findings wants to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What findings and configuration call it: `L01`.
    pub id: String,
    /// The same in words: `criteria-names-its-type`.
    pub slug: String,
    /// What it is about: `criteria`.
    pub category: String,
    /// How much a finding of it matters where nobody says otherwise.
    pub severity: Severity,
    /// One sentence.
    pub summary: String,
    /// The whole page, Markdown; empty where nobody reads it.
    pub page: String,
}

/// A file that was checked, and what is in it.
#[derive(Debug, Clone)]
pub struct File {
    /// The text.
    pub source: Arc<Source>,
    /// What was checked in it, in order.
    pub subjects: Vec<Subject>,
}

/// A thing that passes or fails: a policy, a membership, a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What to call it: `AccessPolicy participant`.
    pub name: String,
    /// Where it stands in the file.
    pub span: Span,
    /// What a configuration may call it: its id, its name.
    pub called: Vec<String>,
    /// Where its numbered parts stand: the entries of a policy.
    pub parts: Vec<Span>,
}

impl File {
    /// What stands at a byte of the file.
    pub fn subject_at(&self, at: usize) -> Option<&Subject> {
        let next = self
            .subjects
            .partition_point(|subject| subject.span.start <= at);
        let subject = self.subjects.get(next.checked_sub(1)?)?;
        (at < subject.span.end).then_some(subject)
    }
}

/// Something found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// [`Rule::id`], or the diagnostic's code where no rule with a page stands behind it.
    pub rule: String,
    /// What, where, and what to do.
    pub diagnostic: Diagnostic,
    /// The thread that it is about, by its header, where there is one.
    pub thread: Option<String>,
}

/// A finding that somebody answers for.
#[derive(Debug, Clone)]
pub struct Excepted {
    /// What was found.
    pub finding: Finding,
    /// Why it may stay.
    pub reason: String,
}

/// Everything a command found.
#[derive(Debug, Default)]
pub struct Report {
    /// The command, in words: `policy check`.
    pub command: &'static str,
    /// The rules that may have been broken.
    pub rules: Vec<Rule>,
    /// What was looked at.
    pub files: Vec<File>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What was found and is excepted, with the reason.
    pub excepted: Vec<Excepted>,
    /// How many more findings of a rule there were, which are not listed.
    pub omitted: BTreeMap<String, usize>,
}

impl Report {
    /// The findings without their rules.
    pub fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.findings.iter().map(|finding| &finding.diagnostic)
    }

    /// Whether anything that was found is at least an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics().any(Diagnostic::is_error)
    }

    /// Counted findings, in words.
    pub fn count(&self) -> String {
        render::count(self.diagnostics())
    }

    /// Writes the report: for people on standard error, for programs on standard output or, whole
    /// or not at all, into `file`. With a file, standard error is free for people, who get the text
    /// as well. `more` are the command's own members of the JSON document.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(
        &self,
        exit: Exit,
        more: Map<String, Value>,
        output: Output,
        file: Option<&Path>,
    ) -> Result<(), Failure> {
        let text = match output.format() {
            Format::Human => file.map(|_| human::text(self, render::Style::PLAIN)),
            Format::Json => Some(format!("{:#}\n", json::document(self, exit, more))),
            Format::Sarif => Some(format!("{:#}\n", sarif::document(self))),
            Format::Github => Some(github::annotations(self)),
            Format::Junit => Some(junit::document(self)?),
            Format::Html => Some(html::document(self)),
        };
        match (file, text) {
            (None, None) => human::print(self, output),
            (None, Some(text)) => output.result(&text)?,
            (Some(file), text) => {
                let written = fhirward_harness::report::write_file(file, &text.unwrap_or_default());
                written.map_err(|error| unwritable(file, &error))?;
                human::print(self, output.for_people());
            }
        }
        // Last, so that a job without a writable summary still has its annotations.
        match output.format() {
            Format::Github => github::append_summary(self),
            _ => Ok(()),
        }
    }

    fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// What to call the kind of a finding: the rule's id and slug, or the code, and its level where
    /// a sign alone would not tell it from an error.
    fn title(&self, finding: &Finding) -> String {
        let name = match self.rule(&finding.rule) {
            Some(rule) => format!("{} {}", rule.id, rule.slug),
            None => finding.rule.clone(),
        };
        match finding.diagnostic.severity {
            Severity::Critical => format!("{name}, critical"),
            _ => name,
        }
    }
}

/// That a result cannot be written where it was wanted.
pub fn unwritable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::CouldNotRun,
        Diagnostic::error(
            "output/unwritable",
            format!("cannot write `{}`: {error}", file.display()),
        )
        .with_help("the file is as it was before"),
    )
}
