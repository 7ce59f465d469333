//! L41: a type that does not exist. Source: policy-semantics 1.4, case 12.

use fhirward_spec::spec;

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};
use crate::words::nearest;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L41",
    slug: "unknown-type",
    category: Category::Types,
    level: Severity::Error,
    summary: "an entry is for a resource type that does not exist",
    why: "\
Types are compared letter by letter. `patient`, `Patients` and `CodeSet` (which even documentation has \
used) are stored without complaint and never match a resource: the entry grants nothing.",
    versions: "Every Medplum version, and the reference semantics.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "lower case",
  "resource": [{ "resourceType": "patient", "interaction": ["search", "read"] }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "lower case",
  "resource": [{ "resourceType": "Patient", "interaction": ["search", "read"] }]
}"#,
    )],
    adopts: &[Adopts::all("policy/unknown-type")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, entry) in context.entries() {
        let kind = entry.resource_type.as_str();
        if kind.is_empty() || kind == "*" || spec().resource(kind).is_some() {
            continue;
        }
        let meant = match kind {
            "CodeSet" => Some("CodeSystem"),
            _ => nearest(kind, spec().resource_types()),
        };
        let draft = report.find(
            entry.place(),
            "no such type",
            format!(
                "there is no resource type `{}`: the entry grants nothing, and servers store it",
                kind.replace('`', "'")
            ),
        );
        let Some(meant) = meant else {
            draft.help("types are those of FHIR R4 and Medplum's own, in their exact case");
            continue;
        };
        let draft = draft.help(format!("did you mean `{meant}`?"));
        // Another case is the same word; a similar word may be another type. Criteria would have to
        // follow.
        if meant.eq_ignore_ascii_case(kind) && entry.criteria.is_none() {
            draft.fix(entry.place(), format!("\"{meant}\""));
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::lower_case("patient", true)]
    #[case::documented_mistake("CodeSet", true)]
    #[case::plural("Patients", true)]
    #[case::nonsense("Foo", true)]
    #[case::r4("Patient", false)]
    #[case::medplum("Bot", false)]
    #[case::every_type("*", false)]
    fn case_12(#[case] kind: &str, #[case] expected: bool) {
        let json = policy(&format!(r#"{{"resourceType": "{kind}"}}"#));
        assert_eq!(found("L41", &json).len(), usize::from(expected));
    }
}
