//! L35: interactions that need `read`, granted without it. Source: policy-semantics 3.2, cases 7, 28.

use std::collections::HashSet;

use crate::diagnostic::Severity;
use crate::lint::rules::reach::Reach;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L35",
    slug: "interactions-without-read",
    category: Category::Interactions,
    level: Severity::Error,
    summary: "update, delete, vread or history is granted on a type that cannot be read",
    why: "\
Before a server updates, patches or deletes a resource, or shows its versions, it reads the resource as \
the member. Without `read` on the type that first step is denied, and the rest of the entry is dead: \
every such request ends with 403.

Add `read`. If the member must write what they cannot see, that needs a bot. Conditional requests \
(`If-None-Exist`, `PUT Type?…`) need `search` as well.",
    versions: "Every Medplum version with `interaction` (4.1.10 and newer), and the reference semantics.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "write only",
  "resource": [{ "resourceType": "Task", "interaction": ["create", "update"] }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "write only",
  "resource": [{ "resourceType": "Task", "interaction": ["create", "search", "read", "update"] }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "upsert",
  "resource": [{ "resourceType": "Task", "interaction": ["create", "read", "update"] }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "upsert",
  "resource": [{ "resourceType": "Task", "interaction": ["create", "search", "read", "update"] }]
}"#,
        )
        .titled("conditional requests"),
    ],
    adopts: &[],
    check,
};

const NEED_READ: [Interaction; 4] = [
    Interaction::Update,
    Interaction::Delete,
    Interaction::Vread,
    Interaction::History,
];

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        let reach = Reach::of(context, policy);
        let mut said = HashSet::new();
        for entry in &policy.entries {
            let Some(list) = &entry.interaction_list else {
                continue;
            };
            let kind = entry.resource_type.as_str();
            let readable = if entry.is_wildcard() {
                reach.allows_everywhere(Interaction::Read)
            } else {
                reach.allows(kind, Interaction::Read)
            };
            let dead: Vec<String> = NEED_READ
                .into_iter()
                .filter(|interaction| entry.allows(*interaction))
                .map(|interaction| format!("`{interaction}`"))
                .collect();
            let on = if entry.is_wildcard() {
                "every type".to_owned()
            } else {
                format!("`{kind}`")
            };
            if !readable && !dead.is_empty() {
                report
                    .find(
                        list.place(),
                        "without `read`",
                        format!(
                            "{} on {on} without `read` is always denied: the server reads first",
                            dead.join(", ")
                        ),
                    )
                    .help("add `\"read\"` to the list, or delete what cannot be used");
                continue;
            }
            let upserts = entry.allows(Interaction::Create) && entry.allows(Interaction::Update);
            let searchable = if entry.is_wildcard() {
                reach.allows_everywhere(Interaction::Search)
            } else {
                reach.allows(kind, Interaction::Search)
            };
            if upserts && !searchable && kind != "Binary" && said.insert(kind) {
                report
                    .find(
                        list.place(),
                        "without `search`",
                        format!(
                            "conditional create and update of {on} are denied without `search`"
                        ),
                    )
                    .level(Severity::Info)
                    .help("add `\"search\"` if `If-None-Exist` or `PUT Type?…` is used");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::case_7(
        r#"{"resourceType": "Patient", "interaction": ["update"]}"#,
        "error: [\"update\"]"
    )]
    #[case::delete(
        r#"{"resourceType": "Patient", "interaction": ["delete"]}"#,
        "error: [\"delete\"]"
    )]
    #[case::versions(
        r#"{"resourceType": "Patient", "interaction": ["vread"]}"#,
        "error: [\"vread\"]"
    )]
    #[case::every_type(
        r#"{"resourceType": "*", "interaction": ["history"]}"#,
        "error: [\"history\"]"
    )]
    #[case::case_28(
        r#"{"resourceType": "Patient", "interaction": ["read", "update", "create"]}"#,
        "info: [\"read\", \"update\", \"create\"]"
    )]
    fn finds(#[case] entries: &str, #[case] expected: &str) {
        assert_eq!(found("L35", &policy(entries)), [expected]);
    }

    #[rstest]
    #[case::create_alone(r#"{"resourceType": "Patient", "interaction": ["create"]}"#)]
    #[case::read_elsewhere(
        r#"{"resourceType": "Patient", "interaction": ["update"]}, {"resourceType": "Patient", "readonly": true}"#
    )]
    #[case::read_everywhere(
        r#"{"resourceType": "Patient", "interaction": ["update"]}, {"resourceType": "*", "interaction": ["read"]}"#
    )]
    fn is_silent(#[case] entries: &str) {
        assert!(found("L35", &policy(entries)).is_empty());
    }

    #[test]
    fn another_policy_of_the_member_may_grant_read() {
        let json = r#"[
            {"resourceType": "AccessPolicy", "id": "w", "resource": [{"resourceType": "Task", "interaction": ["update"]}]},
            {"resourceType": "AccessPolicy", "id": "r", "resource": [{"resourceType": "Task", "interaction": ["read"]}]},
            {"resourceType": "ProjectMembership", "profile": {"reference": "Practitioner/1"}, "access": [
                {"policy": {"reference": "AccessPolicy/w"}}, {"policy": {"reference": "AccessPolicy/r"}}]}
        ]"#;
        assert!(found("L35", json).is_empty());
    }
}
