//! Which entries of a policy certainly match whenever another one does.
//!
//! An entry is broader than another when it is about the same type (or `*`) and each of its filters
//! is also a filter of the other. Entries are found by their filters, not compared in pairs, so a
//! policy of 10,000 entries of one type costs no more than its length.

use std::collections::HashMap;

use super::view::{EntryView, PolicyView};

/// Entries with the same filters that are remembered, the first ones: enough to say that there is one.
const MAX_SAME: usize = 16;
/// Filters of an entry whose subsets are all looked up; of a longer list only none, each and all.
const MAX_SUBSETS: usize = 5;

/// The entries of a policy by type and filters.
#[derive(Debug)]
pub struct Cover<'p> {
    by_filters: HashMap<(&'p str, String), Vec<&'p EntryView>>,
}

impl<'p> Cover<'p> {
    /// Sorts the entries of a policy.
    pub fn of(policy: &'p PolicyView) -> Self {
        let mut by_filters: HashMap<_, Vec<&EntryView>> = HashMap::new();
        for entry in &policy.entries {
            let Some(filters) = filters(entry) else {
                continue;
            };
            let same = by_filters
                .entry((entry.resource_type.as_str(), key(&filters)))
                .or_default();
            if same.len() < MAX_SAME {
                same.push(entry);
            }
        }
        Self { by_filters }
    }

    /// The entries that match whenever this one does, in order, without itself.
    pub fn broader(&self, entry: &'p EntryView) -> Vec<&'p EntryView> {
        let Some(filters) = filters(entry) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for subset in subsets(&filters) {
            for kind in [entry.resource_type.as_str(), "*"] {
                let same = self.by_filters.get(&(kind, subset.clone()));
                found.extend(same.into_iter().flatten().copied());
                if entry.is_wildcard() {
                    break;
                }
            }
        }
        found.retain(|other| other.number != entry.number && other.covers_all_of(entry));
        found.sort_unstable_by_key(|other| other.number);
        found
    }
}

/// The filters as written, sorted; `None` where the entry is too broken to say what it matches.
fn filters(entry: &EntryView) -> Option<Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    if let Some(compartment) = &entry.compartment {
        all.push(format!("_compartment={}", compartment.text));
    }
    if let Some(criteria) = &entry.criteria {
        let text = &*criteria.text.text;
        if !text.is_empty()
            && (criteria.parsed.resource_type.text != entry.resource_type || !criteria.restricts())
        {
            return None;
        }
        let written = criteria
            .filters
            .iter()
            .map(|f| criteria.text.slice(f.pair.span));
        all.extend(written.map(str::to_owned));
    }
    all.sort_unstable();
    all.dedup();
    Some(all)
}

fn key(filters: &[String]) -> String {
    filters.join("&")
}

fn subsets(filters: &[String]) -> Vec<String> {
    if filters.len() > MAX_SUBSETS {
        let mut some = vec![String::new(), key(filters)];
        some.extend(filters.iter().cloned());
        return some;
    }
    (0..1_u32 << filters.len())
        .map(|chosen| {
            let picked: Vec<String> = filters
                .iter()
                .enumerate()
                .filter(|(at, _)| chosen & (1 << at) != 0)
                .map(|(_, filter)| filter.clone())
                .collect();
            key(&picked)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rstest::rstest;

    use super::*;
    use crate::lint::view::Node;
    use crate::source::Source;
    use crate::source::json::Document;

    fn numbers(entries: &str, of: usize) -> Vec<usize> {
        let text = crate::lint::testing::policy(entries);
        let document = Arc::new(Document::parse(&Source::new("p", text)).unwrap());
        let policy = PolicyView::new(0, Node::new(&document, ""), 0, Default::default());
        let cover = Cover::of(&policy);
        let broader = cover.broader(&policy.entries[of - 1]);
        broader.iter().map(|entry| entry.number).collect()
    }

    #[rstest]
    #[case::unrestricted(r#"{"resourceType":"Task"},{"resourceType":"Task","criteria":"Task?status=draft"}"#, 2, &[1])]
    #[case::not_the_other_way(r#"{"resourceType":"Task"},{"resourceType":"Task","criteria":"Task?status=draft"}"#, 1, &[])]
    #[case::wildcard(r#"{"resourceType":"*"},{"resourceType":"Task"}"#, 2, &[1])]
    #[case::wildcard_is_broader_only(r#"{"resourceType":"*"},{"resourceType":"Task"}"#, 1, &[])]
    #[case::wildcard_and_admin(r#"{"resourceType":"*"},{"resourceType":"User"}"#, 2, &[])]
    #[case::fewer_filters(r#"{"resourceType":"Task","criteria":"Task?b=1&a=1"},{"resourceType":"Task","criteria":"Task?a=1"}"#, 1, &[2])]
    #[case::same_filters(r#"{"resourceType":"Task","criteria":"Task?b=1&a=1"},{"resourceType":"Task","criteria":"Task?a=1&b=1"}"#, 1, &[2])]
    #[case::other_filter(r#"{"resourceType":"Task","criteria":"Task?a=1"},{"resourceType":"Task","criteria":"Task?a=2"}"#, 1, &[])]
    #[case::other_type(r#"{"resourceType":"Patient"},{"resourceType":"Task"}"#, 2, &[])]
    #[case::broken(r#"{"resourceType":"Task","criteria":"Patient?a=1"},{"resourceType":"Task","criteria":"Task?a=1"}"#, 2, &[])]
    fn finds_broader_entries(#[case] entries: &str, #[case] of: usize, #[case] expected: &[usize]) {
        assert_eq!(numbers(entries, of), expected);
    }
}
