//! What an actor may do with a resource.

use std::fmt;
use std::str::FromStr;

/// A FHIR interaction, as requests name it. In a policy, `update` stands for both update and patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Interaction {
    /// Read the current version by id.
    Read,
    /// Read a named version.
    Vread,
    /// List the versions.
    History,
    /// Find by search, include or reverse include.
    Search,
    /// Make a new resource.
    Create,
    /// Replace a resource.
    Update,
    /// Change a resource by JSON Patch.
    Patch,
    /// Delete a resource.
    Delete,
}

impl Interaction {
    /// Every interaction.
    pub const ALL: [Self; 8] = [
        Self::Read,
        Self::Vread,
        Self::History,
        Self::Search,
        Self::Create,
        Self::Update,
        Self::Patch,
        Self::Delete,
    ];

    /// The codes that `AccessPolicy.resource.interaction` allows.
    pub const POLICY_CODES: [&'static str; 7] = [
        "create", "read", "update", "delete", "search", "history", "vread",
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Vread => "vread",
            Self::History => "history",
            Self::Search => "search",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Vread => 2,
            Self::History => 4,
            Self::Search => 8,
            Self::Create => 16,
            Self::Update | Self::Patch => 32,
            Self::Delete => 64,
        }
    }
}

impl fmt::Display for Interaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no interaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownInteraction(String);

impl fmt::Display for UnknownInteraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<&str> = Interaction::ALL.iter().map(|i| i.as_str()).collect();
        write!(
            f,
            "`{}` is no interaction; they are {}",
            self.0,
            all.join(", ")
        )
    }
}

impl std::error::Error for UnknownInteraction {}

impl FromStr for Interaction {
    type Err = UnknownInteraction;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|interaction| interaction.as_str() == text)
            .ok_or_else(|| UnknownInteraction(text.to_owned()))
    }
}

/// A set of interactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interactions(u8);

impl Interactions {
    /// Every interaction.
    pub const EVERY: Self = Self(127);
    /// read, vread, history and search.
    pub const READING: Self = Self(15);

    /// The set with one more.
    #[must_use]
    pub const fn with(self, interaction: Interaction) -> Self {
        Self(self.0 | interaction.bit())
    }

    /// The set with all of another.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The words that a policy has for what is in the set.
    pub fn codes(self) -> Vec<&'static str> {
        Interaction::ALL
            .into_iter()
            .filter(|i| *i != Interaction::Patch && self.contains(*i))
            .map(Interaction::as_str)
            .collect()
    }

    /// Whether the interaction is in the set.
    pub const fn contains(self, interaction: Interaction) -> bool {
        self.0 & interaction.bit() != 0
    }
}

impl fmt::Display for Interactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::EVERY {
            return f.write_str("every interaction");
        }
        let words = self.codes();
        if words.is_empty() {
            return f.write_str("no interaction");
        }
        f.write_str(&words.join(", "))
    }
}
