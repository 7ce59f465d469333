//! L10: an entry for creating opens search. Source: policy-semantics 5.1, D42.

use std::collections::HashMap;

use crate::diagnostic::Severity;
use crate::lint::view::EntryView;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L10",
    slug: "entry-lifts-search-filter",
    category: Category::Entries,
    level: Severity::Critical,
    summary: "an entry without criteria lifts the search filter of the type, though it does not allow search",
    why: "\
To build the condition of a search, older servers take all entries of the type, whatever they allow. An entry \
without criteria that should only let somebody create then removes the condition altogether: everything of \
the type is found, and everything that is found can be read.

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
    if !context.server().is_before(5, 1, 1) {
        return;
    }
    for policy in context.policies() {
        // For each type the first entry that restricts search, and whether one allows all of it.
        let mut restricted: HashMap<&str, &EntryView> = HashMap::new();
        for entry in policy
            .entries
            .iter()
            .filter(|entry| entry.allows(Interaction::Search))
        {
            if !entry.is_unrestricted() {
                restricted.entry(&entry.resource_type).or_insert(entry);
            }
        }
        let free = |kind: &str| {
            let covers = |entry: &&EntryView| {
                entry.is_unrestricted() && entry.allows(Interaction::Search) && entry.covers(kind)
            };
            policy.entries.iter().any(|entry| covers(&entry))
        };
        restricted.retain(|kind, _| !free(kind));
        let first = restricted
            .values()
            .min_by_key(|entry| entry.number)
            .copied();
        for entry in &policy.entries {
            if !entry.is_unrestricted() || entry.allows(Interaction::Search) {
                continue;
            }
            let other = if entry.is_wildcard() {
                first
            } else {
                restricted.get(entry.resource_type.as_str()).copied()
            };
            let Some(other) = other else { continue };
            let kind = &other.resource_type;
            report
                .find(
                    entry.place(),
                    "no criteria",
                    format!("this entry lifts the filter of search and uncached reads on Medplum before 5.1.1: every `{kind}` of the project is found"),
                )
                .also(other.place(), "restricted here")
                .help("give this entry the criteria of the other, or run Medplum 5.1.1 or newer");
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found_on, policy};

    const OWN: &str = r#"{"resourceType": "Task", "interaction": ["read", "search"], "criteria": "Task?owner=%profile"}"#;
    const CREATE: &str = r#"{"resourceType": "Task", "interaction": ["create"]}"#;
    const ANY: &str = r#"{"resourceType": "*", "interaction": ["create"]}"#;
    const ALL: &str = r#"{"resourceType": "Task", "interaction": ["search"]}"#;

    #[rstest]
    #[case::before(&[CREATE, OWN], "5.1.0", 1)]
    #[case::in_any_order(&[OWN, CREATE], "5.0.10", 1)]
    #[case::wildcard(&[OWN, ANY], "5.0.10", 1)]
    #[case::repaired(&[CREATE, OWN], "5.1.1", 0)]
    #[case::newest(&[CREATE, OWN], "", 0)]
    #[case::nothing_restricted(&[CREATE], "5.0.10", 0)]
    #[case::open_anyway(&[CREATE, OWN, ALL], "5.0.10", 0)]
    fn d42(#[case] entries: &[&str], #[case] server: &str, #[case] count: usize) {
        let json = policy(&entries.join(", "));
        assert_eq!(found_on("L10", &json, server).len(), count);
    }
}
