//! L57: entries that add nothing. Source: policy-semantics R.1.

use std::collections::HashMap;

use crate::diagnostic::Severity;
use crate::lint::view::EntryView;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L57",
    slug: "unreachable-entry",
    category: Category::Entries,
    level: Severity::Info,
    summary: "an earlier entry with the same criteria already grants all that this one grants",
    why: "\
Two entries of one type with the same filters, the later of which allows nothing more: it is a copy, or what \
should be different in it was forgotten. Nothing changes when it is deleted.",
    versions: "Every Medplum version, and the reference semantics.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "twice",
  "resource": [
    { "resourceType": "Task", "criteria": "Task?owner=%profile" },
    { "resourceType": "Task", "criteria": "Task?owner=%profile", "interaction": ["search", "read"] }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "twice",
  "resource": [{ "resourceType": "Task", "criteria": "Task?owner=%profile" }]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        let mut by_criteria: HashMap<(&str, Vec<String>), Vec<&EntryView>> = HashMap::new();
        for entry in &policy.entries {
            let Some(filters) = filters(entry) else {
                continue;
            };
            let earlier = by_criteria
                .entry((&entry.resource_type, filters))
                .or_default();
            let enough = earlier.iter().find(|earlier| includes(earlier, entry));
            match enough {
                Some(first) => {
                    report
                        .find(
                            entry.place(),
                            "adds nothing",
                            format!("entry {} grants all that this entry grants", first.number),
                        )
                        .also(first.place(), "this one")
                        .help("delete the later entry, or change what should be different in it");
                }
                // A few are enough: each that is kept allows something that the others do not.
                None => earlier.push(entry),
            }
        }
    }
}

/// The filters as written, sorted: none of an entry for every resource of its type. `None` of one
/// whose criteria has no filter, which is another rule's matter.
fn filters(entry: &EntryView) -> Option<Vec<String>> {
    let mut filters = Vec::new();
    if let Some(criteria) = entry.criteria.as_ref().filter(|c| !c.text.text.is_empty()) {
        if !criteria.restricts() {
            return None;
        }
        let written = criteria.filters.iter();
        filters.extend(written.map(|filter| criteria.text.slice(filter.pair.span).to_owned()));
    }
    if let Some(compartment) = &entry.compartment {
        filters.push(format!("compartment {}", compartment.text));
    }
    filters.sort_unstable();
    Some(filters)
}

/// Whether the earlier entry allows all that the later allows, and no rules of the later are lost:
/// that would be more than useless, and is another rule's matter.
fn includes(earlier: &EntryView, later: &EntryView) -> bool {
    let mut codes = Interaction::POLICY_CODES
        .iter()
        .filter_map(|code| code.parse::<Interaction>().ok());
    let allowed =
        codes.all(|interaction| !later.allows(interaction) || earlier.allows(interaction));
    let rules = |entry: &EntryView| {
        let value = entry.node.value();
        ["hiddenFields", "readonlyFields", "writeConstraint"].map(|name| value.get(name).cloned())
    };
    allowed && (rules(later) == rules(earlier) || rules(later).iter().all(Option::is_none))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    const FIRST: &str =
        r#"{"resourceType": "Task", "criteria": "Task?owner=%profile&status=ready"}"#;

    #[rstest]
    #[case::copy(FIRST, 1)]
    #[case::other_order(
        r#"{"resourceType": "Task", "criteria": "Task?status=ready&owner=%profile"}"#,
        1
    )]
    #[case::fewer_interactions(
        r#"{"resourceType": "Task", "criteria": "Task?owner=%profile&status=ready", "readonly": true}"#,
        1
    )]
    #[case::other_criteria(r#"{"resourceType": "Task", "criteria": "Task?owner=%profile"}"#, 0)]
    #[case::own_rules(
        r#"{"resourceType": "Task", "criteria": "Task?owner=%profile&status=ready", "hiddenFields": ["note"]}"#,
        0
    )]
    fn second(#[case] entry: &str, #[case] expected: usize) {
        let json = policy(&format!("{FIRST}, {entry}"));
        assert_eq!(found("L57", &json).len(), expected);
    }

    #[rstest]
    #[case::same_type(r#"{"resourceType": "Patient"}, {"resourceType": "Patient"}"#, 1)]
    #[case::same_interactions(
        r#"{"resourceType": "Patient", "interaction": ["read"]}, {"resourceType": "Patient", "interaction": ["read"]}"#,
        1
    )]
    #[case::every_type(r#"{"resourceType": "*"}, {"resourceType": "*"}"#, 1)]
    #[case::three(
        r#"{"resourceType": "*"}, {"resourceType": "*"}, {"resourceType": "*"}"#,
        2
    )]
    #[case::empty_criteria(
        r#"{"resourceType": "Patient"}, {"resourceType": "Patient", "criteria": ""}"#,
        1
    )]
    #[case::one_more_interaction(
        r#"{"resourceType": "Patient", "interaction": ["read"]}, {"resourceType": "Patient", "interaction": ["read", "search"]}"#,
        0
    )]
    #[case::one_compartment(
        r#"{"resourceType": "Patient", "compartment": {"reference": "Organization/1"}}, {"resourceType": "Patient", "compartment": {"reference": "Organization/1"}}"#,
        1
    )]
    #[case::two_compartments(
        r#"{"resourceType": "Patient", "compartment": {"reference": "Organization/1"}}, {"resourceType": "Patient", "compartment": {"reference": "Organization/2"}}"#,
        0
    )]
    #[case::own_rules(
        r#"{"resourceType": "Patient"}, {"resourceType": "Patient", "hiddenFields": ["name"]}"#,
        0
    )]
    fn without_criteria(#[case] entries: &str, #[case] expected: usize) {
        assert_eq!(found("L57", &policy(entries)).len(), expected);
    }

    #[test]
    fn more_interactions_are_more() {
        let less = r#"{"resourceType": "Task", "criteria": "Task?owner=%profile&status=ready", "readonly": true}"#;
        assert!(found("L57", &policy(&format!("{less}, {FIRST}"))).is_empty());
    }
}
