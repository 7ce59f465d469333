//! L48: an own entry in place of a default one. Source: policy-semantics 2.1.7, case 63.

use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L48",
    slug: "own-default-entry",
    category: Category::Types,
    level: Severity::Info,
    summary: "an own entry for SearchParameter or StructureDefinition replaces the readable default",
    why: "\
Every policy may read `SearchParameter` and `StructureDefinition`, because applications need them to show \
anything. An entry of your own for one of the two replaces that: with criteria or without `read`, forms \
and searches of an application break in places that do not look like access.",
    versions: "Every Medplum version, and the reference semantics.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "own profiles",
  "resource": [
    { "resourceType": "StructureDefinition", "criteria": "StructureDefinition?name=Foo" }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "own profiles",
  "resource": [
    { "resourceType": "StructureDefinition", "interaction": ["search", "read"] },
    { "resourceType": "StructureDefinition", "criteria": "StructureDefinition?name=Foo" }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        for kind in ["SearchParameter", "StructureDefinition"] {
            let own = || policy.entries.iter().filter(|e| e.resource_type == kind);
            let whole = |interaction| {
                let entries = policy.entries.iter();
                entries
                    .filter(|entry| entry.covers(kind))
                    .any(|entry| entry.is_unrestricted() && entry.allows(interaction))
            };
            let Some(first) = own().next() else { continue };
            if whole(Interaction::Read) && whole(Interaction::Search) {
                continue;
            }
            report
                .find(
                    first.place(),
                    "replaces the default",
                    format!("the own entry replaces the default that lets everybody read `{kind}`, and is narrower"),
                )
                .help(format!(
                    "add `{{\"resourceType\": \"{kind}\", \"interaction\": [\"search\", \"read\"]}}` unless this is meant"
                ));
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::case_63(
        r#"{"resourceType": "StructureDefinition", "criteria": "StructureDefinition?name=foo"}"#,
        1
    )]
    #[case::no_search(r#"{"resourceType": "SearchParameter", "interaction": ["read"]}"#, 1)]
    #[case::as_wide(r#"{"resourceType": "SearchParameter", "readonly": true}"#, 0)]
    #[case::none(r#"{"resourceType": "Patient"}"#, 0)]
    #[case::beside_everything(
        r#"{"resourceType": "*"}, {"resourceType": "StructureDefinition", "criteria": "StructureDefinition?name=foo"}"#,
        0
    )]
    fn finds(#[case] entries: &str, #[case] expected: usize) {
        assert_eq!(found("L48", &policy(entries)).len(), expected);
    }
}
