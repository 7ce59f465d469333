//! How much a rule matters.

use fhirward_engine::diagnostic::Severity;

/// A level that a rule can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The rule is not asked.
    Off,
    /// Its findings matter as much as this.
    At(Severity),
}

impl Level {
    /// The words of the levels, weakest first.
    pub const WORDS: [&'static str; 5] = ["off", "info", "warning", "error", "critical"];

    /// The level that a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "off" => Self::Off,
            "info" => Self::At(Severity::Info),
            "warning" => Self::At(Severity::Warning),
            "error" => Self::At(Severity::Error),
            "critical" => Self::At(Severity::Critical),
            _ => return None,
        })
    }
}
