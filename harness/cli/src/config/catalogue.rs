//! The rules that a configuration may name.

use std::collections::BTreeSet;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::words::nearest;

use crate::findings::Rule;

/// The word for every rule.
const EVERY: &str = "all";

/// The rules of a command.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue<'r> {
    rules: &'r [Rule],
}

/// The rules that a word stands for. The greater one is the more precise and wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Selector {
    /// Every rule.
    All,
    /// The rules of a category.
    Category(String),
    /// One rule, by its id.
    Rule(String),
}

impl<'r> Catalogue<'r> {
    /// The catalogue of some rules.
    pub fn new(rules: &'r [Rule]) -> Self {
        Self { rules }
    }

    /// The rule with this id or slug.
    pub fn rule(&self, word: &str) -> Option<&'r Rule> {
        self.rules
            .iter()
            .find(|rule| rule.id.eq_ignore_ascii_case(word) || rule.slug == word)
    }

    /// The rules that a word stands for: an id, a slug, a category, `all`.
    ///
    /// # Errors
    /// The word stands for none; the finding has no place yet.
    pub fn select(&self, word: &str) -> Result<Selector, Diagnostic> {
        if word == EVERY {
            return Ok(Selector::All);
        }
        if let Some(rule) = self.rule(word) {
            return Ok(Selector::Rule(rule.id.clone()));
        }
        if self.rules.iter().any(|rule| rule.category == word) {
            return Ok(Selector::Category(word.to_owned()));
        }
        Err(self.unknown(word))
    }

    /// That a word names no rule, and the one that was probably meant.
    pub fn unknown(&self, word: &str) -> Diagnostic {
        let finding =
            Diagnostic::error("config/unknown-rule", format!("there is no rule `{word}`"));
        let slugs = self.rules.iter().map(|rule| rule.slug.as_str());
        let categories: BTreeSet<&str> = self.rules.iter().map(|r| r.category.as_str()).collect();
        let near = nearest(word, slugs.chain(categories.iter().copied()));
        finding.with_help(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "`--list-rules` lists the rules; the categories are {}",
                categories.into_iter().collect::<Vec<_>>().join(", ")
            ),
        })
    }
}

impl Selector {
    /// Whether a rule is among them.
    pub fn takes(&self, rule: &Rule) -> bool {
        match self {
            Self::All => true,
            Self::Category(category) => rule.category == *category,
            Self::Rule(id) => rule.id == *id,
        }
    }
}
