//! L38: words that are no interaction, and a list without any. Source: policy-semantics 1.4, case 4.

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};
use crate::policy::Interaction;
use crate::words::nearest;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L38",
    slug: "unknown-interaction",
    category: Category::Interactions,
    level: Severity::Error,
    summary: "`interaction` is empty or holds a word that is no interaction",
    why: "\
A list of interactions allows what it names and nothing else. An empty list, and a word that a policy does \
not know, allow nothing; servers store both without complaint. The words are `create`, `read`, `update`, \
`delete`, `search`, `history` and `vread`: `update` covers patch, and there is no word for all writing.",
    versions: "\
Every Medplum version with `interaction` (4.1.10 and newer): the word is stored and never matches. The \
reference semantics: the entry grants nothing.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "REST words",
  "resource": [{ "resourceType": "Task", "interaction": ["read", "search-type"] }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "REST words",
  "resource": [{ "resourceType": "Task", "interaction": ["read", "search"] }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "nothing allowed",
  "resource": [{ "resourceType": "Task", "interaction": [] }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "nothing allowed",
  "resource": [{ "resourceType": "Task", "interaction": ["search", "read"] }]
}"#,
        )
        .titled("an empty list"),
    ],
    adopts: &[
        Adopts::all("policy/unknown-interaction"),
        Adopts::all("policy/no-interaction"),
    ],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, entry) in context.entries() {
        let Some(list) = &entry.interaction_list else {
            continue;
        };
        let items = entry.node.items("interaction");
        if items.is_empty() && list.value().is_array() {
            report
                .find(
                    list.place(),
                    "allows nothing",
                    "`interaction` is empty: the entry allows nothing, and servers store it",
                )
                .help("leave it out to allow every interaction, or name some");
        }
        for item in &items {
            let Some(word) = item.value().as_str() else {
                continue;
            };
            if Interaction::POLICY_CODES.contains(&word) {
                continue;
            }
            let meant = meant(word);
            let draft = report.find(
                item.place(),
                "allows nothing",
                format!(
                    "`{}` is no interaction of a policy: it allows nothing, and servers store it",
                    word.replace('`', "'")
                ),
            );
            let draft = match meant {
                Some(meant) => draft.help(format!("write `{meant}`")),
                None => draft.help(match word {
                    "write" => "name `create`, `update`, `delete`".to_owned(),
                    _ => format!(
                        "the interactions are {}",
                        Interaction::POLICY_CODES.join(", ")
                    ),
                }),
            };
            if let Some(meant) = meant {
                draft.fix(item.place(), format!("\"{meant}\""));
            }
        }
    }
}

/// The interaction that a word of the REST API, or a misspelt one, stands for.
fn meant(word: &str) -> Option<&'static str> {
    match word {
        "search-type" | "search-system" | "list" => Some("search"),
        "patch" => Some("update"),
        "history-instance" | "history-type" => Some("history"),
        _ => nearest(word, Interaction::POLICY_CODES),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, lint, policy};

    #[rstest]
    #[case::case_4("[]", &["error: []"])]
    #[case::rest_word("[\"search-type\", \"read\"]", &["error: \"search-type\""])]
    #[case::patch("[\"patch\"]", &["error: \"patch\""])]
    #[case::write("[\"write\"]", &["error: \"write\""])]
    #[case::case("[\"Read\"]", &["error: \"Read\""])]
    #[case::known("[\"read\", \"search\"]", &[])]
    fn finds(#[case] list: &str, #[case] expected: &[&str]) {
        let entry = format!(r#"{{"resourceType": "Task", "interaction": {list}}}"#);
        assert_eq!(found("L38", &policy(&entry)), expected);
    }

    #[test]
    fn writing_as_a_whole_has_no_mechanical_repair() {
        let findings = lint(
            &policy(r#"{"resourceType": "Task", "interaction": ["write"]}"#),
            "",
        );
        let finding = findings.iter().find(|f| f.id() == "L38").unwrap();
        assert_eq!(finding.diagnostic.fix, None);
    }
}
