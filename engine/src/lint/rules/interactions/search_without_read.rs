//! L36: a type that can be searched and not read, or read and not searched.
//! Source: policy-semantics 3.2, D43.

use std::collections::HashSet;

use crate::diagnostic::Severity;
use crate::lint::rules::reach::Reach;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L36",
    slug: "search-without-read",
    category: Category::Interactions,
    level: Severity::Warning,
    summary: "a type can be searched but not read, or read but not searched",
    why: "\
A search hands out whole resources, so `search` without `read` keeps nothing secret: it only breaks \
opening a resource from the list, references to it, `_include` and GraphQL. Worse, field rules of outputs \
are those of the entry that allows *reading*, so a search that no reading entry stands beside shows \
hidden fields.

`read` without `search` is sometimes meant (only who knows the id may look), but every list of the type \
in an app ends with 403.",
    versions: "\
Every Medplum version with `interaction`. Before 5.1.1 an entry for searching also opened reading by id \
when the resource was not in the cache.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "search only",
  "resource": [{ "resourceType": "Patient", "interaction": ["search"] }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "search only",
  "resource": [{ "resourceType": "Patient", "interaction": ["search", "read"] }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "read only",
  "resource": [{ "resourceType": "Patient", "interaction": ["read"] }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "read only",
  "resource": [{ "resourceType": "Patient", "interaction": ["search", "read"] }]
}"#,
        )
        .titled("the other way round"),
    ],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        let reach = Reach::of(context, policy);
        let mut said = HashSet::new();
        for entry in &policy.entries {
            let Some(list) = &entry.interaction_list else {
                continue;
            };
            let kind = entry.resource_type.as_str();
            // A Binary cannot be searched at all.
            if kind == "Binary" || !said.insert(kind) {
                continue;
            }
            let allows = |interaction| {
                if entry.is_wildcard() {
                    reach.allows_everywhere(interaction)
                } else {
                    reach.allows(kind, interaction)
                }
            };
            let on = if entry.is_wildcard() {
                "every type".to_owned()
            } else {
                format!("`{kind}`")
            };
            let (read, search) = (allows(Interaction::Read), allows(Interaction::Search));
            if search && !read && entry.allows(Interaction::Search) {
                let older = if !context.server().features().sql_honours_interaction {
                    "; this server also shows it by id where it is not cached"
                } else {
                    ""
                };
                report
                    .find(
                        list.place(),
                        "`search` without `read`",
                        format!("searching {on} shows whole resources, hidden fields included, that reading then denies{older}"),
                    )
                    .help("add `\"read\"`; to keep resources from the member, delete `\"search\"`");
            } else if read && !search && entry.allows(Interaction::Read) {
                report
                    .find(
                        list.place(),
                        "`read` without `search`",
                        format!("{on} can be read by id only: every search ends with 403"),
                    )
                    .level(Severity::Info)
                    .help("add `\"search\"` if an app lists these resources");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::case_8(
        r#"{"resourceType": "Patient", "interaction": ["search"]}"#,
        "warning: [\"search\"]"
    )]
    #[case::reverse(
        r#"{"resourceType": "Patient", "interaction": ["read"]}"#,
        "info: [\"read\"]"
    )]
    #[case::every_type(
        r#"{"resourceType": "*", "interaction": ["search"]}"#,
        "warning: [\"search\"]"
    )]
    fn finds(#[case] entries: &str, #[case] expected: &str) {
        assert_eq!(found("L36", &policy(entries)), [expected]);
    }

    #[rstest]
    #[case::both(r#"{"resourceType": "Patient", "interaction": ["search", "read"]}"#)]
    #[case::readonly(r#"{"resourceType": "Patient", "readonly": true}"#)]
    #[case::binary(r#"{"resourceType": "Binary", "interaction": ["read"]}"#)]
    #[case::create_alone(r#"{"resourceType": "Patient", "interaction": ["create"]}"#)]
    #[case::in_two_entries(
        r#"{"resourceType": "Patient", "interaction": ["search"]}, {"resourceType": "Patient", "interaction": ["read"]}"#
    )]
    fn is_silent(#[case] entries: &str) {
        assert!(found("L36", &policy(entries)).is_empty());
    }
}
