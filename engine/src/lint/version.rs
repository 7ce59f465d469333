//! The version of the server that a policy is meant for.

use std::fmt;
use std::str::FromStr;

/// A Medplum version, `5.1.10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerVersion {
    /// `5` of `5.1.10`.
    pub major: u16,
    /// `1` of `5.1.10`.
    pub minor: u16,
    /// `10` of `5.1.10`.
    pub patch: u16,
}

impl ServerVersion {
    /// The newest version whose behaviour is known.
    pub const NEWEST: Self = Self::new(5, 2, 13);

    /// A version.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Whether this is an older version.
    pub fn is_before(self, major: u16, minor: u16, patch: u16) -> bool {
        self < Self::new(major, minor, patch)
    }
}

impl Default for ServerVersion {
    fn default() -> Self {
        Self::NEWEST
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadVersion(String);

impl fmt::Display for BadVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no version; write `5.1` or `5.1.10`", self.0)
    }
}

impl std::error::Error for BadVersion {}

impl FromStr for ServerVersion {
    type Err = BadVersion;

    /// Reads `5.1.10` or `5.1`. Without its last number a version is the first of its line, which
    /// has the most faults: what is not said must not hide a finding.
    fn from_str(text: &str) -> Result<Self, BadVersion> {
        let bad = || BadVersion(text.to_owned());
        let numbers = text
            .split('.')
            .map(|part| part.parse::<u16>().map_err(|_| bad()))
            .collect::<Result<Vec<_>, _>>()?;
        match numbers.as_slice() {
            [major, minor] => Ok(Self::new(*major, *minor, 0)),
            [major, minor, patch] => Ok(Self::new(*major, *minor, *patch)),
            _ => Err(bad()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::whole("5.1.10", Some(ServerVersion::new(5, 1, 10)))]
    #[case::line("5.0", Some(ServerVersion::new(5, 0, 0)))]
    #[case::one_number("5", None)]
    #[case::word("newest", None)]
    #[case::four_numbers("5.0.1.2", None)]
    fn reads_versions(#[case] text: &str, #[case] expected: Option<ServerVersion>) {
        assert_eq!(text.parse().ok(), expected);
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(ServerVersion::new(5, 1, 9).is_before(5, 1, 10));
        assert!(!ServerVersion::new(5, 1, 10).is_before(5, 1, 10));
    }
}
