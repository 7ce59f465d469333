//! L60: types that tell what other entries withhold. Source: R.4, and what the
//! types of R4 refer to.

use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L60",
    slug: "telling-type",
    category: Category::Types,
    level: Severity::Warning,
    summary: "all of a type is readable whose resources tell what other entries withhold",
    why: "\
An AuditEvent names the resource that somebody looked at, and the patient. A Provenance names what was \
written, and by whom. A Bundle *contains* other resources. Where a policy restricts the clinical types and \
grants one of these without criteria, the restriction is only half: the member sees that a resource exists, \
whose it is, or the resource itself.",
    versions: "Every server: these are resources like any other.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "own patients and the log",
  "resource": [
    { "resourceType": "Patient", "criteria": "Patient?general-practitioner=%profile" },
    { "resourceType": "AuditEvent", "interaction": ["search", "read"] }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "own patients and the log",
  "resource": [
    { "resourceType": "Patient", "criteria": "Patient?general-practitioner=%profile" },
    {
      "resourceType": "AuditEvent",
      "criteria": "AuditEvent?agent=%profile",
      "interaction": ["search", "read"]
    }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

/// The types, and what each tells.
const TELLING: [(&str, &str); 3] = [
    (
        "AuditEvent",
        "names every resource that anybody has touched",
    ),
    (
        "Provenance",
        "names every resource that was written, and its author",
    ),
    ("Bundle", "contains other resources"),
];

/// Types about people, whose restriction is what is told.
fn is_about_people(kind: &str) -> bool {
    let patient = fhirward_spec::spec().compartment("Patient");
    let told = TELLING.iter().any(|(telling, _)| *telling == kind);
    !told && (kind == "Patient" || patient.is_some_and(|all| !all.params(kind).is_empty()))
}

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        let withheld = policy.entries.iter().find(|entry| {
            !entry.is_unrestricted()
                && !entry.is_wildcard()
                && is_about_people(&entry.resource_type)
        });
        let Some(withheld) = withheld else { continue };
        for entry in &policy.entries {
            let Some((kind, what)) = TELLING
                .iter()
                .find(|(kind, _)| entry.resource_type == *kind)
            else {
                continue;
            };
            let reads = entry.allows(Interaction::Read) || entry.allows(Interaction::Search);
            if reads && entry.is_unrestricted() {
                report
                    .find(
                        entry.place(),
                        "all of them",
                        format!(
                            "every `{kind}` is readable, and {what}; `{}` is restricted",
                            withheld.resource_type
                        ),
                    )
                    .help("restrict it as well, or leave it to those who may see everything");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    const OWN: &str =
        r#"{"resourceType": "Patient", "criteria": "Patient?general-practitioner=%profile"}"#;

    #[rstest]
    #[case::log(r#"{"resourceType": "AuditEvent", "readonly": true}"#, 1)]
    #[case::bundles(r#"{"resourceType": "Bundle"}"#, 1)]
    #[case::writing_alone(r#"{"resourceType": "Bundle", "interaction": ["create"]}"#, 0)]
    #[case::restricted(
        r#"{"resourceType": "AuditEvent", "criteria": "AuditEvent?agent=%profile"}"#,
        0
    )]
    fn beside_a_restriction(#[case] entry: &str, #[case] expected: usize) {
        let json = policy(&format!("{OWN}, {entry}"));
        assert_eq!(found("L60", &json).len(), expected);
    }

    #[test]
    fn nothing_is_withheld() {
        let json = policy(r#"{"resourceType": "Patient"}, {"resourceType": "AuditEvent"}"#);
        assert!(found("L60", &json).is_empty());
    }
}
