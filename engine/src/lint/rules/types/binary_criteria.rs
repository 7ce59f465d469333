//! L42: criteria on Binary. Source: policy-semantics 3.5, D49, case 73.

use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L42",
    slug: "binary-criteria",
    category: Category::Types,
    level: Severity::Critical,
    summary: "an entry for Binary has criteria or a compartment, which servers ignore",
    why: "\
A Binary has no search parameters and is in no compartment. Servers look at the type and the interaction \
and skip the rest: the entry grants every Binary of the project, that is every attachment, to whoever has \
its address.

What protects a Binary is its `securityContext`: set it to the resource that the attachment belongs to, and \
only who can read that resource gets the content.",
    versions: "\
Every Medplum version, see https://github.com/medplum/medplum/issues/4182 and \
https://github.com/medplum/medplum/issues/6695. The reference semantics: an entry with such criteria \
grants nothing.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "attachments",
  "resource": [{ "resourceType": "Binary", "criteria": "Binary?_compartment=%patient" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "attachments",
  "resource": [{ "resourceType": "Binary", "interaction": ["create", "read"] }]
}"#,
        )
        .also(&["L23"]),
    ],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, entry) in context.entries() {
        if entry.resource_type != "Binary" {
            continue;
        }
        let place = match (&entry.criteria, &entry.compartment) {
            (Some(criteria), _) if !criteria.text.text.is_empty() => criteria.place(),
            (_, Some(compartment)) => compartment.place(),
            _ => continue,
        };
        report
            .find(
                place,
                "ignored",
                "servers ignore what restricts a Binary: the entry grants every Binary of the project",
            )
            .help("leave it out, and set `Binary.securityContext` to the resource that the attachment belongs to");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::d49(r#"{"resourceType": "Binary", "criteria": "Binary?_id=x"}"#, 1)]
    #[case::compartment(
        r#"{"resourceType": "Binary", "compartment": {"reference": "Patient/1"}}"#,
        1
    )]
    #[case::plain(r#"{"resourceType": "Binary"}"#, 0)]
    #[case::another_type(
        r#"{"resourceType": "Media", "criteria": "Media?subject=%patient"}"#,
        0
    )]
    fn finds(#[case] entry: &str, #[case] expected: usize) {
        assert_eq!(found("L42", &policy(entry)).len(), expected);
    }
}
