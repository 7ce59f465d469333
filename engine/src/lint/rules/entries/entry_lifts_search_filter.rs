//! L10: an entry takes part in queries that it does not allow. Source: policy-semantics 5.1, D42, D43.

use std::collections::HashMap;

use crate::diagnostic::Severity;
use crate::lint::cover::Cover;
use crate::lint::view::EntryView;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::{Interaction, Interactions};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L10",
    slug: "entry-lifts-search-filter",
    category: Category::Entries,
    level: Severity::Critical,
    summary: "an entry widens search or reading, which it does not allow",
    why: "\
To build the condition of a search, and of a read that misses the cache, older servers take the criteria of \
all entries of the type, whatever they allow. An entry that should only let somebody create, update or delete \
adds what its criteria match; without criteria it removes the condition altogether, and everything of the \
type is found. In the same way an entry for searching widens what can be read by id.

Give the entry the criteria of the others, or run a newer server.",
    versions: "\
Medplum before 5.1.1: search and uncached reads. From 5.1.1 on only entries that allow the interaction are \
taken. The reference semantics: an entry grants what it allows.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "create any, see one's own",
  "resource": [
    { "resourceType": "Task", "interaction": ["create"] },
    { "resourceType": "Task", "interaction": ["read", "search"], "criteria": "Task?owner=%profile" }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "create any, see one's own",
  "resource": [
    { "resourceType": "Task", "interaction": ["create", "read", "search"], "criteria": "Task?owner=%profile" }
  ]
}"#,
    )
    .on("5.0.10")],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    if context.server().features().sql_honours_interaction {
        return;
    }
    for policy in context.policies() {
        let cover = Cover::of(policy);
        // For each type the first entry that allows the interaction.
        let first = |interaction| {
            let mut first: HashMap<&str, &EntryView> = HashMap::new();
            for entry in policy
                .entries
                .iter()
                .filter(|entry| entry.allows(interaction))
            {
                first.entry(&entry.resource_type).or_insert(entry);
            }
            first
        };
        let searching = first(Interaction::Search);
        let reading = first(Interaction::Read);
        for entry in &policy.entries {
            let searched = widened(entry, Interaction::Search, &searching, &cover);
            let read = widened(entry, Interaction::Read, &reading, &cover);
            let (paths, other) = match (searched, read) {
                (Some(other), Some(_)) => ("search and uncached reads", other),
                (Some(other), None) => ("search", other),
                (None, Some(other)) => ("uncached reads", other),
                (None, None) => continue,
            };
            let what = if entry.is_unrestricted() {
                "everything of the type"
            } else {
                "what its criteria match"
            };
            report
                .find(
                    entry.place(),
                    "takes part in every query",
                    format!("this entry opens {paths} on Medplum before 5.1.1, which it does not allow: {what} is shown"),
                )
                .also(other.place(), "allowed here, and only so far")
                .help("give this entry the criteria of the other, or run Medplum 5.1.1 or newer");
        }
    }
}

/// The entry that allows the interaction on part of the type, if this one, which does not, adds to
/// that part.
fn widened<'p>(
    entry: &'p EntryView,
    interaction: Interaction,
    allowing: &HashMap<&str, &'p EntryView>,
    cover: &Cover<'p>,
) -> Option<&'p EntryView> {
    if entry.allows(interaction) || entry.interactions == Interactions::default() {
        return None;
    }
    // What an allowed entry covers anyway is no addition.
    if cover
        .broader(entry)
        .iter()
        .any(|other| other.allows(interaction))
    {
        return None;
    }
    if entry.is_wildcard() {
        return allowing.values().min_by_key(|other| other.number).copied();
    }
    let own = allowing.get(entry.resource_type.as_str());
    own.or_else(|| {
        allowing
            .get("*")
            .filter(|other| other.covers(&entry.resource_type))
    })
    .copied()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found_on, policy};

    const OWN: &str = r#"{"resourceType": "Task", "interaction": ["read", "search"], "criteria": "Task?owner=%profile"}"#;
    const CREATE: &str = r#"{"resourceType": "Task", "interaction": ["create"]}"#;
    const DELETE: &str = r#"{"resourceType": "Task", "interaction": ["delete"], "criteria": "Task?requester=%profile"}"#;
    const READ: &str =
        r#"{"resourceType": "Task", "interaction": ["read"], "criteria": "Task?owner=%profile"}"#;
    const OWN_CREATE: &str =
        r#"{"resourceType": "Task", "interaction": ["create"], "criteria": "Task?owner=%profile"}"#;
    const ANY: &str = r#"{"resourceType": "*", "interaction": ["create"]}"#;
    const OPEN: &str = r#"{"resourceType": "Task", "readonly": true}"#;
    const ALL: &str = r#"{"resourceType": "Task", "interaction": ["search"]}"#;

    #[rstest]
    #[case::before(&[CREATE, OWN], "5.1.0", 1)]
    #[case::in_any_order(&[OWN, CREATE], "5.0.10", 1)]
    #[case::wildcard(&[OWN, ANY], "5.0.10", 1)]
    #[case::repaired(&[CREATE, OWN], "5.1.1", 0)]
    #[case::newest(&[CREATE, OWN], "", 0)]
    #[case::own_criteria(&[OWN, DELETE], "5.0.10", 1)]
    #[case::d43(&[READ, ALL], "5.0.10", 1)]
    #[case::same_criteria(&[OWN, OWN_CREATE], "5.0.10", 0)]
    #[case::nothing_restricted(&[CREATE], "5.0.10", 0)]
    #[case::reads_by_id_are_opened_twice(&[CREATE, OWN, ALL], "5.0.10", 2)]
    #[case::open_anyway(&[CREATE, OWN, OPEN], "5.0.10", 0)]
    fn d42(#[case] entries: &[&str], #[case] server: &str, #[case] count: usize) {
        let json = policy(&entries.join(", "));
        assert_eq!(found_on("L10", &json, server).len(), count);
    }
}
