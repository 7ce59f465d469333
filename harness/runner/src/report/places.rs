//! Where the entries of policies stand, so that a report can point at them.

use fhirward_engine::source::json::Document;
use serde::{Deserialize, Serialize};

use crate::scenario::PolicyFile;

/// A policy of the suite, and the line of each of its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyPlaces {
    /// What scenarios call it: the file's stem.
    pub name: String,
    /// What it calls itself; entries are named after it: `participant #1`.
    pub title: String,
    /// The file.
    pub file: String,
    /// The line of each entry's criteria, or of the entry where it has none.
    pub entries: Vec<usize>,
}

impl PolicyPlaces {
    /// Of a policy that was read from the file of this name.
    pub fn of(policy: &PolicyFile, file: String) -> Self {
        let source = policy.document.source();
        let entries = match Document::parse(source) {
            Ok(json) => policy
                .document
                .entries()
                .iter()
                .map(|entry| {
                    let span = json.nearest_span(&format!("/resource/{}/criteria", entry.index));
                    source.line_column(span.start).0
                })
                .collect(),
            // A policy that was read once is read again.
            Err(_) => Vec::new(),
        };
        Self {
            name: policy.name.clone(),
            title: policy.document.title(),
            file,
            entries,
        }
    }

    /// The line of the entry that a text begins with: `participant #2 (Communication?…): why`.
    pub(super) fn line_of(&self, text: &str) -> Option<usize> {
        let rest = text.strip_prefix(self.title.as_str())?.strip_prefix(" #")?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let number: usize = digits.parse().ok()?;
        self.entries.get(number.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_name() {
        let places = PolicyPlaces {
            name: "participant".into(),
            title: "participant".into(),
            file: "policies/participant.json".into(),
            entries: vec![5, 6],
        };
        let line = |text| places.line_of(text);
        assert_eq!(
            line("participant #2 (Communication?sender=%profile)"),
            Some(6)
        );
        assert_eq!(
            line("participant #1: no recipient is Practitioner/1"),
            Some(5)
        );
        assert_eq!(line("participant #3"), None);
        assert_eq!(line("participants #1"), None);
        assert_eq!(line("project defaults"), None);
    }
}
