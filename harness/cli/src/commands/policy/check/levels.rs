//! Levels of rules on the command line.

use fhirward_engine::diagnostic::{Diagnostic, Severity};

use crate::config::{Catalogue, Level, Selector};
use crate::output::Failure;

/// Levels for this run; they win over those of `fhirward.toml`.
#[derive(Debug, clap::Args)]
pub struct Levels {
    /// Findings of this rule are errors. RULE is an id, a slug, a category, or all.
    #[arg(long, value_name = "RULE")]
    deny: Vec<String>,
    /// Findings of this rule are warnings.
    #[arg(long, value_name = "RULE")]
    warn: Vec<String>,
    /// This rule is off.
    #[arg(long, value_name = "RULE")]
    allow: Vec<String>,
}

impl Levels {
    /// The levels.
    ///
    /// # Errors
    /// A word that stands for no rule, or a rule with two levels.
    pub fn read(&self, catalogue: &Catalogue<'_>) -> Result<Vec<(Selector, Level)>, Failure> {
        let mut levels: Vec<(Selector, Level)> = Vec::new();
        let words = [
            (&self.deny, Level::At(Severity::Error)),
            (&self.warn, Level::At(Severity::Warning)),
            (&self.allow, Level::Off),
        ];
        for (words, level) in words {
            for word in words {
                let selector = catalogue.select(word).map_err(Failure::usage)?;
                let other = levels
                    .iter()
                    .any(|(known, set)| *known == selector && *set != level);
                if other {
                    return Err(Failure::usage(
                        Diagnostic::error(
                            "usage/two-levels",
                            format!("the rule `{word}` is given two levels"),
                        )
                        .with_help("name it with one of --deny, --warn and --allow"),
                    ));
                }
                levels.push((selector, level));
            }
        }
        Ok(levels)
    }
}
