//! What a rule is.

use serde_json::Value;

use super::at::At;
use super::example::Base;
use super::finding::Report;
use crate::diagnostic::Severity;

/// How binding the documentation is about a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What breaks it is no thread, or no valid R4.
    Must,
    /// Recommended.
    Should,
    /// Optional; checked for its form alone.
    May,
}

impl Level {
    /// The severity of its findings.
    pub fn severity(self) -> Severity {
        match self {
            Self::Must => Severity::Error,
            Self::Should => Severity::Warning,
            Self::May => Severity::Info,
        }
    }

    /// As the catalogue writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        }
    }
}

/// What must be known to tell whether a rule is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The resource alone.
    Single,
    /// Other resources of the input.
    Cross,
    /// Older versions, from a history Bundle or several versions in the input.
    History,
    /// The policies of people.
    Permission,
}

impl Kind {
    /// As the catalogue writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "one resource",
            Self::Cross => "several resources",
            Self::History => "history",
            Self::Permission => "policies",
        }
    }
}

/// Which resources a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Every Communication.
    Communication,
    /// Headers of threads.
    Header,
    /// Messages of threads.
    Message,
    /// Tasks whose focus is a Communication.
    Task,
    /// Encounters that a header is linked to, and those that are part of them.
    Encounter,
}

impl Subject {
    /// As the catalogue writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Communication => "Communication",
            Self::Header => "header",
            Self::Message => "message",
            Self::Task => "Task",
            Self::Encounter => "Encounter",
        }
    }
}

/// A rule about conversations.
#[derive(Debug)]
pub struct Rule {
    /// `H-…` is about headers, `M-…` about messages, `C-…` about corrections, `T-…` about Tasks,
    /// `E-…` about Encounters, `A-…` about access.
    pub id: &'static str,
    /// A name that says something: `header-has-topic`.
    pub slug: &'static str,
    /// How binding it is.
    pub level: Level,
    /// What must be known to check it.
    pub kind: Kind,
    /// Which resources it is about.
    pub subject: Subject,
    /// The documentation page that states it, by its last segment.
    pub page: &'static str,
    /// The rule in one sentence.
    pub summary: &'static str,
    /// What goes wrong without it.
    pub why: &'static str,
    /// What to do about it.
    pub help: &'static str,
    /// The same as an invariant on the subject, where FHIRPath can say it.
    pub fhirpath: Option<&'static str>,
    /// The policies of the examples, by the profile that has them.
    pub(super) policies: &'static [(&'static str, &'static str)],
    pub(super) fails: &'static [(Base, &'static str)],
    pub(super) passes: &'static [(Base, &'static str)],
    pub(super) check: fn(&At<'_>, &mut Report<'_>),
}

/// What most rules have in common.
pub(super) const PLAIN: Rule = Rule {
    id: "",
    slug: "",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Message,
    page: "",
    summary: "",
    why: "",
    help: "",
    fhirpath: None,
    policies: &[],
    fails: &[],
    passes: &[],
    check: |_, _| {},
};

impl Rule {
    /// Resources with which the rule is broken.
    pub fn failing(&self) -> Vec<Value> {
        self.fails
            .iter()
            .map(|(base, text)| base.with(text))
            .collect()
    }

    /// Resources with which it is kept.
    pub fn passing(&self) -> Vec<Value> {
        self.passes
            .iter()
            .map(|(base, text)| base.with(text))
            .collect()
    }

    /// Whose policies the examples need: profile and AccessPolicy.
    pub fn example_policies(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let parse = |text: &str| serde_json::from_str(text).unwrap_or_default();
        self.policies
            .iter()
            .map(move |(who, text)| (*who, parse(text)))
    }
}
