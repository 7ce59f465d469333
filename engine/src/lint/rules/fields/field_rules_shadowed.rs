//! L12: field rules and constraints of an entry that never comes first. Source: policy-semantics 3.3,
//! 3.4.

use std::collections::HashSet;

use crate::diagnostic::Severity;
use crate::lint::cover::Cover;
use crate::lint::view::{EntryView, FieldView};
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L12",
    slug: "field-rules-shadowed",
    category: Category::Fields,
    level: Severity::Critical,
    summary: "an earlier entry matches whenever this one does, and has not its field rules or constraints",
    why: "\
Grants add up, but hidden fields, read-only fields and write constraints come from the *first* entry that \
matches. Where an earlier entry matches every resource that this one matches, the rules of this one are \
never used: its fields are shown, or written, and its constraint is not asked.

Put the entry with the rules first, or give the earlier one the same rules.",
    versions: "Every Medplum version. The reference semantics agrees.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "notes are private",
  "resource": [
    { "resourceType": "Observation", "readonly": true },
    { "resourceType": "Observation", "readonly": true, "criteria": "Observation?status=final", "hiddenFields": ["note"] }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "notes are private",
  "resource": [
    { "resourceType": "Observation", "interaction": ["read"], "criteria": "Observation?status=final", "hiddenFields": ["note"] },
    { "resourceType": "Observation", "interaction": ["read"], "criteria": "Observation?status:not=final" }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        let cover = Cover::of(policy);
        for entry in &policy.entries {
            if !entry.has_field_rules() && entry.write_constraints.is_empty() {
                continue;
            }
            let earlier: Vec<&EntryView> = cover
                .broader(entry)
                .into_iter()
                .filter(|other| other.number < entry.number)
                .collect();
            shadowed(entry, &earlier, report);
        }
    }
}

fn shadowed(entry: &EntryView, earlier: &[&EntryView], report: &mut Report<'_>) {
    let both =
        |other: &EntryView, interaction| other.allows(interaction) && entry.allows(interaction);
    let reading = |other: &EntryView| {
        other.allows(Interaction::Read)
            && (entry.allows(Interaction::Read) || entry.allows(Interaction::Search))
    };
    let writing =
        |other: &EntryView| both(other, Interaction::Update) || both(other, Interaction::Create);
    // The first one that matches decides; one with the same rules protects from later ones.
    if let Some(first) = earlier.iter().find(|other| reading(other)) {
        let field = lacking(&entry.hidden_fields, &[&first.hidden_fields]);
        if let Some(field) = field {
            say(entry, first, field, "is shown", report);
        }
    }
    if let Some(first) = earlier.iter().find(|other| writing(other)) {
        let field = lacking(
            &entry.readonly_fields,
            &[&first.hidden_fields, &first.readonly_fields],
        );
        if let Some(field) = field {
            say(entry, first, field, "can be written", report);
        }
        let known: HashSet<&str> = first
            .write_constraints
            .iter()
            .map(|text| &*text.text)
            .collect();
        if let Some(constraint) = entry
            .write_constraints
            .iter()
            .find(|text| !known.contains(&*text.text))
        {
            report
                .find(
                    constraint.place(),
                    "never asked",
                    format!("entry {} matches first and has not this constraint: writes pass without it", first.number),
                )
                .also(first.place(), "matches first")
                .help(format!("put this entry before entry {}", first.number));
        }
    }
}

/// The first field that none of the lists has.
fn lacking<'f>(fields: &'f [FieldView], lists: &[&[FieldView]]) -> Option<&'f FieldView> {
    let known: HashSet<&str> = lists
        .iter()
        .flat_map(|list| list.iter())
        .map(FieldView::path)
        .collect();
    fields.iter().find(|field| !known.contains(field.path()))
}

fn say(
    entry: &EntryView,
    first: &EntryView,
    field: &FieldView,
    effect: &str,
    report: &mut Report<'_>,
) {
    report
        .find(
            field.place(),
            effect,
            format!(
                "entry {} matches before entry {} and has not this rule: `{}` {effect}",
                first.number,
                entry.number,
                field.path()
            ),
        )
        .also(first.place(), "matches first")
        .help(format!(
            "put entry {} before entry {}",
            entry.number, first.number
        ));
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::case_46(r#"{"resourceType":"Observation"},{"resourceType":"Observation","readonlyFields":["note"]}"#, &["critical: note"])]
    #[case::hidden(r#"{"resourceType":"Observation"},{"resourceType":"Observation","hiddenFields":["note"]}"#, &["critical: note"])]
    #[case::case_56(r#"{"resourceType":"Observation"},{"resourceType":"Observation","writeConstraint":[{"language":"text/fhirpath","expression":"true"}]}"#, &["critical: true"])]
    #[case::wildcard(r#"{"resourceType":"*"},{"resourceType":"Observation","hiddenFields":["note"]}"#, &["critical: note"])]
    #[case::fewer_filters(r#"{"resourceType":"Task","criteria":"Task?code=1"},{"resourceType":"Task","criteria":"Task?code=1&status=draft","hiddenFields":["note"]}"#, &["critical: note"])]
    #[case::right_order(r#"{"resourceType":"Observation","hiddenFields":["note"]},{"resourceType":"Observation"}"#, &[])]
    #[case::same_rules(r#"{"resourceType":"Task","hiddenFields":["note"]},{"resourceType":"Task","criteria":"Task?code=1","hiddenFields":["note"]}"#, &[])]
    #[case::narrower_first(r#"{"resourceType":"Task","criteria":"Task?code=1"},{"resourceType":"Task","hiddenFields":["note"]}"#, &[])]
    #[case::no_common_interaction(r#"{"resourceType":"Task","interaction":["create"]},{"resourceType":"Task","interaction":["read"],"hiddenFields":["note"]}"#, &[])]
    fn first_match_decides(#[case] entries: &str, #[case] expected: &[&str]) {
        assert_eq!(found("L12", &policy(entries)), expected);
    }
}
