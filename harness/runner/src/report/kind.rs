//! The kinds of reports by name.

use super::event::Event;
use super::junit::Flavour;
use super::model::Report;
use super::stream::{self, Recorded};
use super::terminal::{Style, in_full};
use super::{github, html, json, junit, sarif, tap, test_report};

/// A format that a run is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One JSON document.
    Json,
    /// The events, one a line.
    Jsonl,
    /// JUnit XML.
    Junit,
    /// JUnit XML without what the strict schema of the Jenkins xUnit plugin refuses.
    Xunit,
    /// TAP version 14.
    Tap,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// Markdown.
    Markdown,
    /// A page.
    Html,
    /// FHIR R4 TestReports in a Bundle.
    TestReport,
    /// What a terminal shows, without colours and in full.
    Text,
}

/// Why a report cannot be written. None of the types of a report causes it.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// As JSON.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// As XML.
    #[error("cannot write XML: {0}")]
    Xml(#[from] quick_junit::SerializeError),
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Json,
        Self::Jsonl,
        Self::Junit,
        Self::Xunit,
        Self::Tap,
        Self::Sarif,
        Self::Github,
        Self::Markdown,
        Self::Html,
        Self::TestReport,
        Self::Text,
    ];

    /// What the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Junit => "junit",
            Self::Xunit => "xunit",
            Self::Tap => "tap",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::TestReport => "testreport",
            Self::Text => "text",
        }
    }

    /// The kind of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The document, a function of the events alone.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render(self, recorded: &[Recorded]) -> Result<String, RenderError> {
        let events: Vec<Event> = recorded.iter().map(|one| one.event.clone()).collect();
        let report = Report::of(&events);
        let printable = || report.printable();
        Ok(match self {
            Self::Json => format!("{:#}\n", json::json(&report)),
            Self::Jsonl => stream::lines(recorded)?,
            Self::Junit => junit::document(&printable(), Flavour::Usual)?,
            Self::Xunit => junit::document(&printable(), Flavour::Strict)?,
            Self::Tap => tap::document(&printable()),
            Self::Sarif => format!("{:#}\n", sarif::document(&report)),
            Self::Github => github::annotations(&printable()),
            Self::Markdown => github::summary(&printable()),
            Self::Html => html::document(&printable()),
            Self::TestReport => format!("{:#}\n", test_report::document(&report)),
            Self::Text => in_full(&report, Style::default()),
        })
    }
}
