//! L15: a search hides what the entry for *reading* hides. Source: policy-semantics 3.2, case 48.

use std::collections::HashSet;

use crate::diagnostic::Severity;
use crate::lint::cover::Cover;
use crate::lint::view::FieldView;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L15",
    slug: "hidden-fields-in-search",
    category: Category::Fields,
    level: Severity::Critical,
    summary: "an entry hides fields in search, but search takes the hidden fields of entries that allow read",
    why: "\
What a search returns is stripped by the first entry that allows *read*, not by the one that allows search. \
An entry with `search` and without `read` hides nothing: the fields are in every result.

Allow `read` in the same entry, or hide the fields in the entry that allows it.",
    versions: "Every Medplum version. The reference semantics hides by the entry that allows the search.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "find, but not all of it",
  "resource": [{ "resourceType": "Observation", "interaction": ["search"], "hiddenFields": ["note"] }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "find, but not all of it",
  "resource": [{ "resourceType": "Observation", "interaction": ["read", "search"], "hiddenFields": ["note"] }]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        let cover = Cover::of(policy);
        for entry in &policy.entries {
            let searches = entry.allows(Interaction::Search) && !entry.allows(Interaction::Read);
            if entry.hidden_fields.is_empty() || !searches {
                continue;
            }
            let reader = cover
                .broader(entry)
                .into_iter()
                .find(|other| other.allows(Interaction::Read));
            let hidden: HashSet<&str> = reader
                .iter()
                .flat_map(|other| &other.hidden_fields)
                .map(FieldView::path)
                .collect();
            let Some(field) = entry
                .hidden_fields
                .iter()
                .find(|field| !hidden.contains(field.path()))
            else {
                continue;
            };
            report
                .find(
                    field.place(),
                    "in every result",
                    format!(
                        "this entry allows search and not read: search on Medplum returns `{}`",
                        field.path()
                    ),
                )
                .help("add `read` to this entry, or hide the field in the entry that allows it");
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    const SEARCH: &str =
        r#"{"resourceType": "Observation", "interaction": ["search"], "hiddenFields": ["note"]}"#;
    const READ: &str = r#"{"resourceType": "Observation", "interaction": ["read"]}"#;
    const READ_HIDDEN: &str =
        r#"{"resourceType": "Observation", "interaction": ["read"], "hiddenFields": ["note"]}"#;
    const BOTH: &str = r#"{"resourceType": "Observation", "interaction": ["read", "search"], "hiddenFields": ["note"]}"#;

    #[rstest]
    #[case::alone(&[SEARCH], &["critical: note"])]
    #[case::read_shows(&[SEARCH, READ], &["critical: note"])]
    #[case::read_hides(&[SEARCH, READ_HIDDEN], &[])]
    #[case::both(&[BOTH], &[])]
    fn case_48(#[case] entries: &[&str], #[case] expected: &[&str]) {
        assert_eq!(found("L15", &policy(&entries.join(", "))), expected);
    }
}
