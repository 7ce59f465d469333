//! L39: `readonly` and `compartment` of entries. Source: the FHIR definition of AccessPolicy.

use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L39",
    slug: "deprecated-element",
    category: Category::Interactions,
    level: Severity::Info,
    summary: "an entry uses `readonly` or `compartment`, which are deprecated",
    why: "\
`interaction` says what `readonly` says and more, and a `_compartment` filter says what an entry's \
`compartment` says. Both old elements still work, but are the ones that newer features forget: \
`readonly` is ignored as soon as a list stands beside it, and a `compartment` next to criteria is not part \
of a search.",
    versions: "Medplum 4.1.10 and newer know `interaction`; both old elements work in every version so far.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "the old way",
  "resource": [{ "resourceType": "Patient", "readonly": true }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "the old way",
  "resource": [{ "resourceType": "Patient", "interaction": ["search", "read", "history", "vread"] }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a compartment",
  "resource": [
    {
      "resourceType": "Observation",
      "compartment": { "reference": "Patient/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11" }
    }
  ]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a compartment",
  "resource": [
    {
      "resourceType": "Observation",
      "criteria": "Observation?_compartment=Patient/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11"
    }
  ]
}"#,
        )
        .titled("a compartment"),
    ],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, entry) in context.entries() {
        if let Some(readonly) = entry.node.get("readonly").filter(|_| entry.readonly)
            && entry.interaction_list.is_none()
        {
            report
                .find(
                    readonly.member_place(),
                    "deprecated",
                    "`readonly` is deprecated: `interaction` says which reading is meant",
                )
                .help("write `\"interaction\": [\"search\", \"read\", \"history\", \"vread\"]`")
                .fix(
                    readonly.member_place(),
                    "\"interaction\": [\"search\", \"read\", \"history\", \"vread\"]",
                );
        }
        // Next to criteria it is worse than old, which another rule says.
        if let (Some(compartment), None, Some(old)) = (
            &entry.compartment,
            &entry.criteria,
            entry.node.get("compartment"),
        ) {
            report
                .find(
                    old.key_place(),
                    "deprecated",
                    "`compartment` of an entry is deprecated: a `_compartment` filter says the same",
                )
                .help(format!(
                    "write `\"criteria\": \"{}?_compartment={}\"`",
                    entry.resource_type,
                    compartment.text.replace('`', "'")
                ));
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::readonly(r#"{"resourceType": "Patient", "readonly": true}"#, &["info: \"readonly\": true"])]
    #[case::not_readonly(r#"{"resourceType": "Patient", "readonly": false}"#, &[])]
    #[case::with_a_list(
        r#"{"resourceType": "Patient", "readonly": true, "interaction": ["read", "search"]}"#, &[]
    )]
    #[case::compartment(
        r#"{"resourceType": "Patient", "compartment": {"reference": "Organization/1"}}"#,
        &["info: \"compartment\""]
    )]
    fn finds(#[case] entry: &str, #[case] expected: &[&str]) {
        assert_eq!(found("L39", &policy(entry)), expected);
    }
}
