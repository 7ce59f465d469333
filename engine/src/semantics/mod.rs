//! One door to the three semantics: what a policy means (`documented`), what R4 search alone would
//! make of it (`r4`), and what a Medplum server of a version answers (`medplum-5.0`).
//!
//! ```
//! use fhirward_engine::policy::Interaction;
//! use fhirward_engine::semantics::{Question, Semantics, Verdict};
//! use serde_json::json;
//!
//! // Codes have a case. The server folds it in memory, and not in the database.
//! let policy = json!({"resourceType": "AccessPolicy", "id": "p", "resource": [
//!     {"resourceType": "Patient", "criteria": "Patient?gender=FEMALE"},
//! ]});
//! let membership = json!({"resourceType": "ProjectMembership",
//!     "profile": {"reference": "Practitioner/house"}, "accessPolicy": {"reference": "AccessPolicy/p"}});
//! let patient = json!({"resourceType": "Patient", "id": "homer", "gender": "female"});
//! let question = Question::new(&membership, vec![policy], Interaction::Read, &patient);
//! let verdicts = |name: &str| -> Vec<Verdict> {
//!     let semantics: Semantics = name.parse().expect("a semantics");
//!     question.answers(semantics).into_iter().map(|(_, answer)| answer.verdict).collect()
//! };
//! use Verdict::{Allowed, Hidden};
//! assert_eq!(verdicts("documented"), [Hidden, Hidden, Hidden]);
//! // From the cache, from the database, through a reference.
//! assert_eq!(verdicts("medplum-5.0"), [Allowed, Hidden, Allowed]);
//! ```

mod departure;
mod medplum;
mod question;
mod r4;

use std::fmt;
use std::str::FromStr;

pub use departure::{DEPARTURES, Departed, Departure};
pub use question::Question;

use crate::medplum::{UnknownVersion, Version};
use crate::policy::Interaction;

/// Whose answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Semantics {
    /// What the policy means: policy-semantics R.
    Documented,
    /// R4 search, strictly: hl7.org/fhir/R4/search.html.
    R4,
    /// What a server of the version answers.
    Medplum(Version),
}

/// A name that no semantics has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownSemantics {
    /// No such semantics.
    Name(String),
    /// A server, but none that is known.
    Version(UnknownVersion),
}

impl fmt::Display for UnknownSemantics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(
                f,
                "`{name}` is no semantics; write documented, r4, or medplum- and a version, such as \
                 medplum-5.0 or medplum-5.1.11"
            ),
            Self::Version(unknown) => unknown.fmt(f),
        }
    }
}

impl std::error::Error for UnknownSemantics {}

impl Semantics {
    /// The documented one, R4, and a server of each line.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Documented, Self::R4];
        all.extend(Version::LINES.map(Self::Medplum));
        all
    }
}

impl fmt::Display for Semantics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Documented => f.pad("documented"),
            Self::R4 => f.pad("r4"),
            Self::Medplum(version) => f.pad(&format!("medplum-{version}")),
        }
    }
}

impl FromStr for Semantics {
    type Err = UnknownSemantics;

    fn from_str(name: &str) -> Result<Self, UnknownSemantics> {
        match name {
            "documented" => Ok(Self::Documented),
            "r4" => Ok(Self::R4),
            _ => match name.strip_prefix("medplum-") {
                Some(version) => version
                    .parse()
                    .map(Self::Medplum)
                    .map_err(UnknownSemantics::Version),
                None => Err(UnknownSemantics::Name(name.to_owned())),
            },
        }
    }
}

/// The way that a request takes to a resource. Only a server has several for one interaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// A read of what is in the cache.
    CachedRead,
    /// A read that misses the cache.
    DatabaseRead,
    /// A reference that is resolved: `_include`, GraphQL, the check of references.
    Reference,
    /// A search of the type.
    Search,
    /// `_revinclude` in a search of another type.
    Revinclude,
    /// An old version.
    Vread,
    /// The list of versions.
    History,
    /// A new resource.
    Create,
    /// A replacement of what is in the cache.
    CachedUpdate,
    /// A replacement of what is not in the cache.
    DatabaseUpdate,
    /// A patch.
    Patch,
    /// A removal of what is in the cache.
    CachedDelete,
    /// A removal of what is not in the cache.
    DatabaseDelete,
}

impl Path {
    /// The ways to do this.
    pub fn of(interaction: Interaction) -> &'static [Self] {
        match interaction {
            Interaction::Read => &[Self::CachedRead, Self::DatabaseRead, Self::Reference],
            Interaction::Search => &[Self::Search, Self::Revinclude],
            Interaction::Vread => &[Self::Vread],
            Interaction::History => &[Self::History],
            Interaction::Create => &[Self::Create],
            Interaction::Update => &[Self::CachedUpdate, Self::DatabaseUpdate],
            Interaction::Patch => &[Self::Patch],
            Interaction::Delete => &[Self::CachedDelete, Self::DatabaseDelete],
        }
    }

    /// Whether a copy of the resource is in the cache.
    pub(crate) fn is_cached(self) -> bool {
        !matches!(
            self,
            Self::DatabaseRead
                | Self::DatabaseUpdate
                | Self::DatabaseDelete
                | Self::Search
                | Self::Revinclude
                | Self::Patch
        )
    }

    /// Its name for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::CachedRead => "cached read",
            Self::DatabaseRead => "database read",
            Self::Reference => "reference",
            Self::Search => "search",
            Self::Revinclude => "revinclude",
            Self::Vread => "vread",
            Self::History => "history",
            Self::Create => "create",
            Self::CachedUpdate => "update, cached",
            Self::DatabaseUpdate => "update",
            Self::Patch => "patch",
            Self::CachedDelete => "delete, cached",
            Self::DatabaseDelete => "delete",
        }
    }
}

/// What the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Yes.
    Allowed,
    /// As if the resource did not exist: 404, or absent from a search.
    Hidden,
    /// No, and said so: 403.
    Forbidden,
    /// The request ends with an error of the policy: 400.
    Error,
    /// The semantics does not say.
    Unknown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Allowed => "allowed",
            Self::Hidden => "hidden",
            Self::Forbidden => "forbidden",
            Self::Error => "error 400",
            Self::Unknown => "unknown",
        })
    }
}

/// An answer, and why where that is not plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Yes or no.
    pub verdict: Verdict,
    /// For an error or an unknown answer, the reason.
    pub reason: String,
}

impl Answer {
    pub(crate) fn plain(verdict: Verdict) -> Self {
        Self {
            verdict,
            reason: String::new(),
        }
    }

    pub(crate) fn because(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            reason: reason.into(),
        }
    }
}

impl From<crate::policy::Verdict> for Verdict {
    fn from(verdict: crate::policy::Verdict) -> Self {
        match verdict {
            crate::policy::Verdict::Allowed => Self::Allowed,
            crate::policy::Verdict::Hidden => Self::Hidden,
            crate::policy::Verdict::Forbidden => Self::Forbidden,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("documented")]
    #[case("r4")]
    #[case("medplum-4.5")]
    #[case("medplum-5.1.11")]
    #[case("medplum-5.2")]
    fn a_name_is_read_and_shown(#[case] name: &str) {
        assert_eq!(name.parse::<Semantics>().unwrap().to_string(), name);
    }

    #[rstest]
    #[case("fhir", "`fhir` is no semantics")]
    #[case("medplum-6.0", "Medplum `6.0` is not known")]
    fn another_name_says_what_is_known(#[case] name: &str, #[case] text: &str) {
        let error = name.parse::<Semantics>().unwrap_err().to_string();
        assert!(error.starts_with(text), "{error}");
    }
}
