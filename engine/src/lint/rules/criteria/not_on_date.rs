//! L06: `:not` on a date is always true in memory. Source: policy-semantics 4, D27.

use fhirward_spec::ParamType;

use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L06",
    slug: "not-on-date",
    category: Category::Criteria,
    level: Severity::Critical,
    summary: "`:not` on a date is true for every resource",
    why: "\
Medplum keeps the modifier of a date as a comparison that it does not know: no date compares so, and \
because the modifier also negates, *every* resource matches, the one with that very date included. \
Whoever holds the policy may write every resource of the type and read it while it is cached.

Say what is meant with prefixes: `ne`, or `lt` and `gt` in two entries.",
    versions: "\
From 5.0 on: writes, references and cached reads match every resource, while search compares as written. \
4.5 ignores the modifier and matches the date itself. The reference semantics: every resource without \
that date.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "not that day",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?birthdate:not=1990-06-15" }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "not that day",
  "resource": [
    { "resourceType": "Patient", "criteria": "Patient?birthdate=lt1990-06-15" },
    { "resourceType": "Patient", "criteria": "Patient?birthdate=gt1990-06-15" }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let Some(span) = site.filter.modifier_span() else {
            continue;
        };
        if site.filter.modifier() != Some("not")
            || site.filter.param_type() != Some(ParamType::Date)
        {
            continue;
        }
        let code = site.filter.code();
        let (effect, level) = if !context.server().features().ordered_modifiers {
            (
                "Medplum before 5.0 ignores `:not` and grants that very date",
                Severity::Critical,
            )
        } else {
            (
                "writes and cached reads on Medplum match every resource of the type",
                Severity::Critical,
            )
        };
        report
            .find(
                site.criteria.at(span),
                "always true",
                format!("`{code}:not` is no comparison of dates: {effect}"),
            )
            .level(level)
            .help(format!(
                "write `{code}=lt…` and `{code}=gt…` in two entries, or `{code}=ne…`"
            ));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::date("Patient?birthdate:not=1990-06-15")]
    #[case::moment("Observation?date:not=2024-03-10")]
    #[case::on_every_type("*?_lastUpdated:not=2024-03-10")]
    fn d27(#[case] text: &str) {
        let kind = text.split('?').next().unwrap();
        assert_eq!(found("L06", &criteria(kind, text)), ["critical: :not"]);
    }

    #[rstest]
    #[case::prefix("Patient?birthdate=ne1990-06-15")]
    #[case::token("Patient?gender:not=male")]
    #[case::missing("Patient?birthdate:missing=true")]
    fn is_silent(#[case] text: &str) {
        assert!(found("L06", &criteria("Patient", text)).is_empty());
    }
}
