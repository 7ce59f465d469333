//! L56: SMART scopes that do not limit what they should. Source: policy-semantics 2.4, cases 69 to 72.

use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L56",
    slug: "scopes-beside-interactions",
    category: Category::Scopes,
    level: Severity::Warning,
    summary: "read-only SMART scopes do not stop writing, on servers before 5.1.23",
    why: "\
An app that signs in with `patient/Observation.rs` should only read. Servers before 5.1.23 made an entry \
read-only for that by setting `readonly`, which is ignored where the entry has a list of interactions: the \
app keeps every interaction of the list. A scope for every type with criteria (`patient/*.rs?…`) put \
criteria of `*` on entries of other types, whose filter was dropped.

Update the server; or give apps a client of their own with a policy that has `readonly` and no lists. \
It is a warning and no error, because the policy is right; `--deny L56` makes it one.",
    versions: "\
Medplum before 5.1.23, see https://github.com/medplum/medplum/issues/9650. It concerns only logins with \
SMART scopes. Newer servers intersect the scope with the list.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "own record",
  "resource": [
    {
      "resourceType": "Observation",
      "criteria": "Observation?subject=%patient",
      "interaction": ["create", "search", "read", "update"]
    }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "own record",
  "resource": [
    { "resourceType": "Observation", "criteria": "Observation?subject=%patient", "readonly": true }
  ]
}"#,
    )
    .on("5.1.22")
],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    if context.server().features().smart_intersect {
        return;
    }
    for policy in context.policies() {
        // One finding: it is the server's fault, and the same for every entry.
        let first = policy
            .entries
            .iter()
            .filter(|entry| entry.allows_writing())
            .find_map(|entry| Some((entry, entry.interaction_list.as_ref()?)));
        if let Some((entry, list)) = first {
            report
                .find(
                    list.place(),
                    "kept under any scope",
                    format!(
                        "an app with the scope `patient/{}.rs` may also write, on servers before 5.1.23",
                        entry.resource_type
                    ),
                )
                .help("update the server to 5.1.23 or newer, or use `readonly` without `interaction` for apps");
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found_on, policy};

    #[rstest]
    #[case::case_69(
        r#"{"resourceType": "Patient", "interaction": ["read", "search", "update"]}"#,
        "5.0.10",
        1
    )]
    #[case::last_version(
        r#"{"resourceType": "Patient", "interaction": ["update"]}"#,
        "5.1.22",
        1
    )]
    #[case::repaired(
        r#"{"resourceType": "Patient", "interaction": ["update"]}"#,
        "5.1.23",
        0
    )]
    #[case::newest(r#"{"resourceType": "Patient", "interaction": ["update"]}"#, "", 0)]
    #[case::without_a_list(r#"{"resourceType": "Patient"}"#, "5.0.10", 0)]
    #[case::reading(r#"{"resourceType": "Patient", "interaction": ["read"]}"#, "5.0.10", 0)]
    fn by_version(#[case] entry: &str, #[case] server: &str, #[case] expected: usize) {
        assert_eq!(found_on("L56", &policy(entry), server).len(), expected);
    }
}
