//! Versions of the server, and what differs between them.
//!
//! The in-memory side was read in, or asked of, the published `@medplum/core` builds; the other
//! steps come from policy-semantics 6 and the threads that are named below, those of
//! `github.com/medplum/medplum`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::parameters::Definitions;

/// The lines that are known: first patch, the patch that the line stands for, last patch.
const LINES: [(u16, u16, u16, u16, u16); 4] = [
    (4, 5, 0, 2, 2),
    // The recorded decisions and the measured matrix are from 5.0.10.
    (5, 0, 0, 10, 15),
    (5, 1, 0, 39, 39),
    (5, 2, 0, 13, 13),
];

/// A version of the server: `5.0`, or exactly `5.1.11`.
#[derive(Debug, Clone, Copy, Eq)]
pub struct Version {
    major: u16,
    minor: u16,
    patch: u16,
    /// Whether the patch was named.
    exact: bool,
}

/// A text that is no version, or none that is known; says which are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownVersion(String);

impl fmt::Display for UnknownVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Medplum `{}` is not known; known are", self.0)?;
        for (at, (major, minor, first, usual, last)) in LINES.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(
                f,
                "{comma} {major}.{minor} (that is {major}.{minor}.{usual}; {first} to {last})"
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownVersion {}

impl Version {
    /// 4.5.2.
    pub const V4_5: Self = Self::line(4, 5, 2);
    /// 5.0.10, which the recorded decisions are from.
    pub const V5_0: Self = Self::line(5, 0, 10);
    /// 5.1.39.
    pub const V5_1: Self = Self::line(5, 1, 39);
    /// 5.2.13.
    pub const V5_2: Self = Self::line(5, 2, 13);

    const fn line(major: u16, minor: u16, patch: u16) -> Self {
        Self {
            major,
            minor,
            patch,
            exact: false,
        }
    }

    /// The newest version whose behaviour is known.
    pub const NEWEST: Self = Self {
        exact: true,
        ..Self::V5_2
    };

    /// The first version of the line where only the line is named: it has the most faults, and what
    /// is not said must not hide a finding.
    pub fn first_of_line(self) -> Self {
        let line = LINES
            .iter()
            .find(|line| (line.0, line.1) == (self.major, self.minor));
        match line {
            Some((.., first, _, _)) if !self.exact => Self {
                patch: *first,
                exact: true,
                ..self
            },
            _ => self,
        }
    }

    /// Whether this is an older version.
    pub fn is_before(self, major: u16, minor: u16, patch: u16) -> bool {
        self.number() < (major, minor, patch)
    }

    /// The last version of each line that is known, the oldest first.
    pub const LINES: [Self; 4] = [Self::V4_5, Self::V5_0, Self::V5_1, Self::V5_2];

    fn number(self) -> (u16, u16, u16) {
        (self.major, self.minor, self.patch)
    }

    /// What a server of this version does.
    pub fn features(self) -> Features {
        let since = |major, minor, patch| self.number() >= (major, minor, patch);
        Features {
            sql_honours_interaction: since(5, 1, 1),
            revinclude_gate: since(5, 1, 11),
            bare_ref_single_target: since(5, 1, 10),
            bare_ref_in_sql: since(5, 1, 15),
            canonical_slash: since(5, 1, 10),
            search_date_regex: since(5, 2, 0),
            definitions: match self.number() {
                n if n < (5, 0, 0) => Definitions::V4_5,
                n if n < (5, 1, 10) => Definitions::V5_0,
                n if n < (5, 1, 23) => Definitions::V5_1_10,
                n if n < (5, 2, 0) => Definitions::V5_1_23,
                _ => Definitions::V5_2,
            },
            project_param: since(5, 1, 10),
            ordered_modifiers: since(5, 0, 0),
            null_not: since(5, 0, 0),
            in_not_in_rejected: since(5, 0, 0),
            chain_rejected: since(5, 0, 3),
            smart_patient_compartment: since(5, 1, 12),
            smart_intersect: since(5, 1, 23),
            smart_context_required: since(5, 2, 0),
            admin_types: match self.number() {
                n if n < (5, 0, 0) => &ADMIN_4_5,
                n if n < (5, 1, 4) => &ADMIN_5_0,
                n if n < (5, 1, 38) => &ADMIN_5_1_4,
                n if n < (5, 2, 0) => &ADMIN_5_1_38,
                _ => &ADMIN_5_2,
            },
            protected_types: if since(5, 1, 37) {
                &PROTECTED_5_1_37
            } else {
                &PROTECTED
            },
        }
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.number() == other.number()
    }
}

impl std::hash::Hash for Version {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.number().hash(state);
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.exact {
            write!(f, ".{}", self.patch)?;
        }
        Ok(())
    }
}

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        let unknown = || UnknownVersion(text.to_owned());
        let numbers: Option<Vec<u16>> = text
            .split('.')
            .map(|part| {
                let plain = part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
                plain.then(|| part.parse().ok()).flatten()
            })
            .collect();
        let (major, minor, patch) = match numbers.as_deref() {
            Some([major, minor]) => (*major, *minor, None),
            Some([major, minor, patch]) => (*major, *minor, Some(*patch)),
            _ => return Err(unknown()),
        };
        let (_, _, first, usual, last) = LINES
            .iter()
            .find(|line| (line.0, line.1) == (major, minor))
            .ok_or_else(unknown)?;
        let known = patch.is_none_or(|patch| (*first..=*last).contains(&patch));
        known
            .then(|| Self {
                major,
                minor,
                patch: patch.unwrap_or(*usual),
                exact: patch.is_some(),
            })
            .ok_or_else(unknown)
    }
}

const ADMIN_4_5: [&str; 5] = [
    "PasswordChangeRequest",
    "UserSecurityRequest",
    "Project",
    "ProjectMembership",
    "User",
];
const ADMIN_5_0: [&str; 4] = [
    "UserSecurityRequest",
    "Project",
    "ProjectMembership",
    "User",
];
const ADMIN_5_1_4: [&str; 7] = [
    "Package",
    "PackageRelease",
    "PackageInstallation",
    "Project",
    "ProjectMembership",
    "User",
    "UserSecurityRequest",
];
const ADMIN_5_1_38: [&str; 8] = [
    "Cron",
    "Package",
    "PackageRelease",
    "PackageInstallation",
    "Project",
    "ProjectMembership",
    "User",
    "UserSecurityRequest",
];
const ADMIN_5_2: [&str; 9] = [
    "AccessPolicy",
    "Cron",
    "Package",
    "PackageRelease",
    "PackageInstallation",
    "Project",
    "ProjectMembership",
    "User",
    "UserSecurityRequest",
];
const PROTECTED: [&str; 3] = ["DomainConfiguration", "JsonWebKey", "Login"];
const PROTECTED_5_1_37: [&str; 4] = ["DomainConfiguration", "Enterprise", "JsonWebKey", "Login"];

/// What a server does, where versions differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// The database condition takes only entries that allow the interaction, and `*` not for
    /// administrators' types. 5.1.1, thread 8521; policy-semantics 5.1. Read in [`super::sql`].
    pub sql_honours_interaction: bool,
    /// `_revinclude` asks whether the type may be searched. 5.1.11, thread 9100; policy-semantics
    /// 5.4.2. Read in [`super::gate`].
    pub revinclude_gate: bool,
    /// In memory, a value without a slash is an id where the parameter has one target type, or is
    /// `_compartment`. 5.1.10, thread 9085; policy-semantics 4. Read in [`super::memory`].
    pub bare_ref_single_target: bool,
    /// In the database, the same with a UUID. 5.1.15 (merged after 5.1.13), threads 9254, 9256,
    /// 9324, 9325; policy-semantics 5.2. Read in [`super::sql`].
    pub bare_ref_in_sql: bool,
    /// In memory, only a value with a slash is compared with whole references and canonicals, and
    /// only one without is compared with ends. 5.1.10, thread 9085; policy-semantics 4. Read in
    /// [`super::memory`].
    pub canonical_slash: bool,
    /// A searched date may end in minutes, must have minutes after an hour, and must be a day of
    /// the calendar. 5.2; policy-semantics 1.3. Read in [`super::parse`].
    pub search_date_regex: bool,
    /// The search parameters that the server starts with. The published definitions. Read in
    /// [`super::parameters`].
    pub definitions: Definitions,
    /// `_project` is a search parameter in memory. 5.1.10; policy-semantics 1.5. Read in
    /// [`super::parameters`].
    pub project_param: bool,
    /// A modifier on a date, number or quantity is kept, and mostly makes the filter fail; before,
    /// it was dropped. 5.0; policy-semantics 1.2. Read in [`super::parse`].
    pub ordered_modifiers: bool,
    /// In the database, `:not` finds rows without a value. 5.0; D20. Read in [`super::sql`].
    pub null_not: bool,
    /// `:in` and `:not-in` are refused in the database; what happened before is not known. 5.0; D8,
    /// D11. Read in [`super::sql`].
    pub in_not_in_rejected: bool,
    /// A policy whose criteria has a chain or `_has` is not stored. 5.0.3, threads 7816, 7822,
    /// 7826; policy-semantics 1.4. Read in [`super::accept`].
    pub chain_rejected: bool,
    /// A `patient/` scope is kept to the compartment of the patient in context. 5.1.12, thread
    /// 9123; policy-semantics 2.4. Read in [`super::smart`].
    pub smart_patient_compartment: bool,
    /// All scopes of a type count, and their letters limit the interactions. 5.1.23, thread 9650;
    /// policy-semantics 2.4. Read in [`super::smart`].
    pub smart_intersect: bool,
    /// A `patient/` scope without a patient in context is refused. 5.2, thread 10500;
    /// policy-semantics 2.4. Read in [`super::smart`].
    pub smart_context_required: bool,
    /// Types for administrators: `*` does not cover them, and entries of others are dropped.
    /// policy-semantics 2.5, 6. Read in [`super::gate`] and [`super::policy`].
    pub admin_types: &'static [&'static str],
    /// Types that only the server's administrator sees. policy-semantics 2.5, 6. Read in
    /// [`super::gate`].
    pub protected_types: &'static [&'static str],
}

impl Features {
    /// Whether the type is for administrators.
    pub fn is_admin_type(&self, resource_type: &str) -> bool {
        self.admin_types.contains(&resource_type)
    }

    /// Whether nobody but the server's administrator sees the type.
    pub fn is_protected_type(&self, resource_type: &str) -> bool {
        self.protected_types.contains(&resource_type)
    }
}

/// Those of 5.0.10, which was measured.
impl Default for Features {
    fn default() -> Self {
        Version::V5_0.features()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::line("5.0", "5.0", Version::V5_0)]
    #[case::line_4_5("4.5", "4.5", Version::V4_5)]
    #[case::line_5_2("5.2", "5.2", Version::V5_2)]
    #[case::exact("5.2.13", "5.2.13", Version::V5_2)]
    #[case::exact_default("5.0.10", "5.0.10", Version::V5_0)]
    fn s6_versions_are_read(#[case] text: &str, #[case] shown: &str, #[case] same: Version) {
        let version: Version = text.parse().unwrap();
        assert_eq!(version, same);
        assert_eq!(version.to_string(), shown);
    }

    #[rstest]
    #[case("5")]
    #[case("5.3")]
    #[case("5.2.14")]
    #[case("5.2.13.1")]
    #[case("v5.2")]
    #[case("")]
    #[case("5.+1")]
    fn an_unknown_version_says_which_are_known(#[case] text: &str) {
        let error = text.parse::<Version>().unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "Medplum `{text}` is not known; known are 4.5 (that is 4.5.2; 0 to 2), \
                 5.0 (that is 5.0.10; 0 to 15), 5.1 (that is 5.1.39; 0 to 39), \
                 5.2 (that is 5.2.13; 0 to 13)"
            )
        );
    }

    #[rstest]
    #[case::line("5.0", "5.0.0")]
    #[case::line_5_1("5.1", "5.1.0")]
    #[case::exact("5.1.10", "5.1.10")]
    fn a_line_begins_with_its_first_version(#[case] text: &str, #[case] first: &str) {
        let version: Version = text.parse().unwrap();
        assert_eq!(version.first_of_line().to_string(), first);
        assert!(Version::NEWEST.first_of_line() == *Version::LINES.last().unwrap());
    }

    #[test]
    fn an_older_version_is_before() {
        let parse = |text: &str| text.parse::<Version>().unwrap();
        assert!(parse("5.1.9").is_before(5, 1, 10));
        assert!(!parse("5.1.10").is_before(5, 1, 10));
    }

    #[test]
    fn versions_are_ordered_by_number() {
        let parse = |text: &str| text.parse::<Version>().unwrap();
        assert!(parse("5.1.9") < parse("5.1.11"));
        assert!(parse("4.5") < parse("5.0.0"));
        assert!(Version::LINES.is_sorted());
    }
}
