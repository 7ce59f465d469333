//! L62: policies that are stored and could not be saved again. Source: policy-semantics 1.4.

use serde_json::json;

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};
use crate::medplum::Version;
use crate::medplum::accept::refusal;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L62",
    slug: "refused-on-save",
    category: Category::Criteria,
    level: Severity::Error,
    summary: "a server refuses to save this policy, though an older version may have stored it",
    why: "\
A server checks the form of criteria when a policy is saved: the entry's type, a question mark, and pairs of \
a parameter and a value that is not empty. Policies from before that check stay in force as they are, but \
can be neither changed nor imported into another project until they are repaired. An empty value \
(`Patient?gender=`) is the one that no other rule is about: it matches nothing on tokens and everything on \
strings.",
    versions: "\
Medplum 3.2.9 and newer check the form; 5.0.3 and newer also refuse chains and `_has`. The reference \
semantics: an entry with an empty value grants nothing.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "no value",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?gender=" }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "no value",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?gender:missing=true" }]
}"#,
    )],
    adopts: &[Adopts::all("criteria/empty-value")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        let refused = policy.entries.iter().find_map(|entry| {
            let criteria = entry.criteria.as_ref()?;
            // Without a type it is the entry that is wrong.
            if entry.resource_type.is_empty() {
                return None;
            }
            // The entry alone, so that the answer is about its criteria.
            let alone = json!({
                "resourceType": "AccessPolicy",
                "resource": [{ "resourceType": entry.resource_type, "criteria": *criteria.text.text }],
            });
            // An empty value is reported where it stands, by the reader.
            let empty = entry.filters().any(|filter| {
                let value = filter.pair.value;
                value.is_some_and(|span| span.is_empty())
            });
            refusal(&alone, &Version::V5_2.features())
                .filter(|_| !empty)
                .map(|_| (entry, criteria))
        });
        let Some((entry, criteria)) = refused else {
            continue;
        };
        // What makes the criteria wrong is said by the rule for it; that the whole policy cannot be
        // saved is news to whoever migrates it.
        report
            .find(
                criteria.place(),
                format!("of entry {}", entry.number),
                "the policy cannot be saved with this criteria (invariant `axp-3` of Medplum); one stored earlier stays in force and cannot be changed",
            )
            .level(Severity::Info)
            .help("a criteria is `Type?param=value`, with the type of its entry and more filters after `&`");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::empty_value("Patient?gender=", &["error: gender="])]
    #[case::no_filter("Patient", &["info: Patient"])]
    #[case::another_type("Observation?status=final", &["info: Observation?status=final"])]
    #[case::chain("Patient?general-practitioner.name=x", &["info: Patient?general-practitioner.name=x"])]
    #[case::reverse_chain("Patient?_has:Task:owner:status=x", &["info: Patient?_has:Task:owner:status=x"])]
    #[case::accepted("Patient?gender=male", &[])]
    #[case::accepted_though_wrong("Patient?foo=bar", &[])]
    #[case::trailing_ampersand("Patient?gender=male&", &[])]
    fn section_1_4(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(found("L62", &criteria("Patient", text)), expected);
    }
}
