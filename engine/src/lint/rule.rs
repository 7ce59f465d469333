//! What a rule is.

use std::fmt;

use super::context::Context;
use super::report::Report;
use crate::diagnostic::Severity;

/// A rule about policies and memberships.
///
/// A rule is plain data with one function. Everything that a person reads about it (its page, the
/// help of the command line, the rules of a SARIF report) is made from these fields.
#[derive(Debug)]
pub struct Rule {
    /// The short name, `L01`. Never given to another rule.
    pub id: &'static str,
    /// The long name, `criteria-names-another-type`: also the name of its file.
    pub slug: &'static str,
    /// What it is about: also the name of its folder.
    pub category: Category,
    /// How much its findings matter, where a finding says nothing else.
    pub level: Severity,
    /// What it finds, in one sentence without a full stop.
    pub summary: &'static str,
    /// Why it matters and what to do, in Markdown.
    pub why: &'static str,
    /// Which servers it concerns, in Markdown: what they do, and in which versions.
    pub versions: &'static str,
    /// Policies that it finds something in, and what to write instead. At least one.
    pub examples: &'static [Example],
    /// The findings of the reader and compiler that are findings of this rule.
    pub adopts: &'static [Adopts],
    /// Looks for it.
    pub check: fn(&Context<'_>, &mut Report<'_>),
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// The form of criteria, and which parameters and modifiers they use.
    Criteria,
    /// The values in criteria.
    Values,
    /// Variables and the parameters that give them values.
    Variables,
    /// Entries next to one another.
    Entries,
    /// Hidden and read-only fields.
    Fields,
    /// What an entry allows.
    Interactions,
    /// The types of entries.
    Types,
    /// Write constraints.
    Constraints,
    /// Memberships.
    Membership,
    /// SMART scopes.
    Scopes,
    /// Access by network address.
    Network,
    /// Policies for messages and threads.
    Messaging,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 12] = [
        Self::Criteria,
        Self::Values,
        Self::Variables,
        Self::Entries,
        Self::Fields,
        Self::Interactions,
        Self::Types,
        Self::Constraints,
        Self::Membership,
        Self::Scopes,
        Self::Network,
        Self::Messaging,
    ];

    /// The word for it, also the name of its folder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Criteria => "criteria",
            Self::Values => "values",
            Self::Variables => "variables",
            Self::Entries => "entries",
            Self::Fields => "fields",
            Self::Interactions => "interactions",
            Self::Types => "types",
            Self::Constraints => "constraints",
            Self::Membership => "membership",
            Self::Scopes => "scopes",
            Self::Network => "network",
            Self::Messaging => "messaging",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A policy with the mistake, and the same policy without.
///
/// Both are run as tests: the first must have a finding of the rule, the second none.
#[derive(Debug)]
pub struct Example {
    /// What is special about it; empty for the plain case.
    pub title: &'static str,
    /// JSON: an AccessPolicy, or an array of policies and memberships.
    pub bad: &'static str,
    /// What to write instead.
    pub good: &'static str,
    /// The server it is about, `5.0.10`; empty for the newest.
    pub server: &'static str,
    /// Ids of other rules that rightly find an error in the bad policy.
    pub also: &'static [&'static str],
}

impl Example {
    /// An example for the newest server, with nothing else wrong.
    pub const fn new(bad: &'static str, good: &'static str) -> Self {
        Self {
            title: "",
            bad,
            good,
            server: "",
            also: &[],
        }
    }

    /// The example under a title.
    #[must_use]
    pub const fn titled(self, title: &'static str) -> Self {
        Self { title, ..self }
    }

    /// The example for a server.
    #[must_use]
    pub const fn on(self, server: &'static str) -> Self {
        Self { server, ..self }
    }

    /// The example, in which other rules find errors as well.
    #[must_use]
    pub const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }
}

/// A code of a diagnostic that the reader or the compiler of policies makes, and that is a matter
/// of this rule.
#[derive(Debug)]
pub struct Adopts {
    /// The code, `criteria/no-filter`.
    pub code: &'static str,
    /// Whose diagnostics of this code they are.
    pub which: Which,
}

/// Which diagnostics of a code a rule adopts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All, with the level of the rule.
    All,
    /// All, with a level of their own.
    AllAs(Severity),
    /// Those that stand where the rule itself finds something, which then is the only finding.
    AtItsFindings,
}

impl Adopts {
    /// All diagnostics of a code.
    pub const fn all(code: &'static str) -> Self {
        Self {
            code,
            which: Which::All,
        }
    }

    /// All diagnostics of a code, with a level of their own.
    pub const fn all_as(code: &'static str, level: Severity) -> Self {
        Self {
            code,
            which: Which::AllAs(level),
        }
    }

    /// The diagnostics of a code that stand where the rule itself finds something.
    pub const fn at_its_findings(code: &'static str) -> Self {
        Self {
            code,
            which: Which::AtItsFindings,
        }
    }
}
