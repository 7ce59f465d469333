//! L37: `readonly` next to `interaction`. Source: policy-semantics 2.1.5, case 3.

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L37",
    slug: "readonly-next-to-interaction",
    category: Category::Interactions,
    level: Severity::Warning,
    summary: "`readonly` stands next to `interaction` and is ignored",
    why: "\
Where an entry has a list of interactions, the list alone counts. An entry with `\"readonly\": true` and \
`update` in its list can be written to, and whoever reads the policy believes the opposite.",
    versions: "Every Medplum version with `interaction` (4.1.10 and newer), and the reference semantics.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "two ways to say it",
  "resource": [
    { "resourceType": "Patient", "readonly": true, "interaction": ["search", "read", "update"] }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "two ways to say it",
  "resource": [{ "resourceType": "Patient", "interaction": ["search", "read"] }]
}"#,
    )],
    adopts: &[Adopts::all("policy/readonly-ignored")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, entry) in context.entries() {
        if !entry.readonly || entry.interaction_list.is_none() {
            continue;
        }
        let Some(readonly) = entry.node.get("readonly") else {
            continue;
        };
        let message = if entry.allows_writing() {
            format!(
                "`readonly` is ignored next to `interaction`: `{}` can be written",
                entry.resource_type
            )
        } else {
            "`readonly` is ignored next to `interaction`".to_owned()
        };
        report
            .find(readonly.place(), "has no effect", message)
            .help("delete `readonly`, and take out of the list what must not be allowed")
            .fix(readonly.removal(), "");
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found, policy};

    #[test]
    fn case_3() {
        let entry = r#"{"resourceType": "Patient", "readonly": true, "interaction": ["read", "search", "update"]}"#;
        assert_eq!(found("L37", &policy(entry)), ["warning: true"]);
    }

    #[test]
    fn alone_it_counts() {
        let entry = r#"{"resourceType": "Patient", "readonly": true}"#;
        assert!(found("L37", &policy(entry)).is_empty());
        let entry =
            r#"{"resourceType": "Patient", "readonly": false, "interaction": ["read", "search"]}"#;
        assert!(found("L37", &policy(entry)).is_empty());
    }
}
