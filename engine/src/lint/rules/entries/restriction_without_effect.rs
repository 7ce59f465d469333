//! L11: what an entry restricts, another one grants. Source: policy-semantics 0, R.1, D46.

use crate::diagnostic::Severity;
use crate::lint::cover::Cover;
use crate::lint::view::EntryView;
use crate::lint::{Category, Context, Example, Place, Report, Rule};
use crate::policy::Interactions;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L11",
    slug: "restriction-without-effect",
    category: Category::Entries,
    level: Severity::Critical,
    summary: "another entry without criteria grants all that this one restricts",
    why: "\
Grants add up, and there is no entry that takes something away. Where one entry allows an interaction on \
every resource of a type, or on `*`, criteria, `readonly` and `interaction` of another entry for the type \
change nothing.

Write the wide entry so that it does not cover the type, or delete the narrow one so that nobody relies on \
it.",
    versions: "Every version of every server. The reference semantics agrees.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "everything, but only one's own tasks",
  "resource": [
    { "resourceType": "*" },
    { "resourceType": "Task", "criteria": "Task?owner=%profile" }
  ]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "patients, and one's own tasks",
  "resource": [
    { "resourceType": "Patient" },
    { "resourceType": "Task", "criteria": "Task?owner=%profile" }
  ]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "everything, but patients read-only",
  "resource": [
    { "resourceType": "*" },
    { "resourceType": "Patient", "readonly": true }
  ]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "read everything, write tasks",
  "resource": [
    { "resourceType": "*", "readonly": true },
    { "resourceType": "Task" }
  ]
}"#,
        )
        .titled("`readonly` takes nothing away"),
    ],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        let cover = Cover::of(policy);
        for entry in &policy.entries {
            if entry.interactions == Interactions::default() {
                continue;
            }
            let wide = cover
                .broader(entry)
                .into_iter()
                .find(|other| overrides(other, entry));
            let Some(wide) = wide else { continue };
            let (place, label) = restriction(entry);
            let kind = if wide.is_wildcard() {
                "`*`".to_owned()
            } else {
                format!("`{}`", wide.resource_type)
            };
            report
                .find(
                    place,
                    label,
                    format!("entry {} grants {} on every resource of {kind}: this entry restricts nothing", wide.number, wide.interactions),
                )
                .also(wide.place(), "granted here")
                .help("grants add up; narrow the other entry, or delete this one");
        }
    }
}

/// Whether the wide entry makes the other one meaningless.
fn overrides(wide: &EntryView, entry: &EntryView) -> bool {
    let all = wide.interactions.union(entry.interactions) == wide.interactions;
    let restricts = !entry.is_unrestricted() || wide.interactions != entry.interactions;
    // The first entry that matches gives the field rules: an earlier one with its own is no waste,
    // and a later one with its own has lost them, which is another rule's matter.
    let rules = same_rules(wide, entry) || (wide.number < entry.number && has_no_rules(entry));
    wide.is_unrestricted() && all && restricts && rules
}

fn has_no_rules(entry: &EntryView) -> bool {
    !entry.has_field_rules() && entry.write_constraints.is_empty()
}

fn same_rules(first: &EntryView, second: &EntryView) -> bool {
    let rules = |entry: &EntryView| {
        let hidden: Vec<String> = entry
            .hidden_fields
            .iter()
            .map(|f| f.path().to_owned())
            .collect();
        let readonly: Vec<String> = entry
            .readonly_fields
            .iter()
            .map(|f| f.path().to_owned())
            .collect();
        let constraints: Vec<String> = entry
            .write_constraints
            .iter()
            .map(|text| text.text.to_string())
            .collect();
        (hidden, readonly, constraints)
    };
    rules(first) == rules(second)
}

/// The place of what should restrict.
fn restriction(entry: &EntryView) -> (Place<'_>, &'static str) {
    if let Some(criteria) = &entry.criteria {
        (criteria.place(), "restricts nothing")
    } else if let Some(compartment) = &entry.compartment {
        (compartment.place(), "restricts nothing")
    } else if let Some(list) = &entry.interaction_list {
        (list.place(), "takes nothing away")
    } else {
        (entry.place(), "takes nothing away")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::criteria(r#"{"resourceType":"Task"},{"resourceType":"Task","criteria":"Task?code=1"}"#, &["critical: Task?code=1"])]
    #[case::in_any_order(r#"{"resourceType":"Task","criteria":"Task?code=1"},{"resourceType":"Task"}"#, &["critical: Task?code=1"])]
    #[case::wildcard(r#"{"resourceType":"*"},{"resourceType":"Task","criteria":"Task?code=1"}"#, &["critical: Task?code=1"])]
    #[case::readonly(r#"{"resourceType":"*"},{"resourceType":"Patient","readonly":true}"#, &["critical: \"Patient\""])]
    #[case::list(r#"{"resourceType":"Task"},{"resourceType":"Task","interaction":["read"]}"#, &["critical: [\"read\"]"])]
    #[case::compartment(r#"{"resourceType":"Task"},{"resourceType":"Task","compartment":{"reference":"Organization/1"}}"#, &["critical: Organization/1"])]
    #[case::read_all_write_some(r#"{"resourceType":"*","readonly":true},{"resourceType":"Patient","criteria":"Patient?gender=male"}"#, &[])]
    #[case::read_all_read_some(r#"{"resourceType":"*","readonly":true},{"resourceType":"Patient","readonly":true,"criteria":"Patient?gender=male"}"#, &["critical: Patient?gender=male"])]
    #[case::duplicates_restrict_nothing(r#"{"resourceType":"Task"},{"resourceType":"Task"}"#, &[])]
    #[case::fields_for_the_rest(r#"{"resourceType":"Task","criteria":"Task?code=1"},{"resourceType":"Task","hiddenFields":["note"]}"#, &[])]
    #[case::lost_field_rules_are_another_rule(r#"{"resourceType":"Task"},{"resourceType":"Task","criteria":"Task?code=1","hiddenFields":["note"]}"#, &[])]
    #[case::other_type(r#"{"resourceType":"Patient"},{"resourceType":"Task","criteria":"Task?code=1"}"#, &[])]
    #[case::two_narrow_ones(r#"{"resourceType":"Task","criteria":"Task?code=1"},{"resourceType":"Task","criteria":"Task?code=1&status=draft"}"#, &[])]
    fn d46(#[case] entries: &str, #[case] expected: &[&str]) {
        assert_eq!(found("L11", &policy(entries)), expected);
    }
}
