//! L04: `:not-in` grants exactly what it should exclude. Source: policy-semantics D8, D9.

use fhirward_spec::ParamType;

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L04",
    slug: "not-in-modifier",
    category: Category::Criteria,
    level: Severity::Critical,
    summary: "`:not-in` is read as equality and grants exactly what it should exclude",
    why: "\
`:not-in` asks in FHIR whether a code is in no value of a ValueSet. Medplum reads the modifier and then \
compares for equality, so `gender:not-in=female` grants the female patients and nobody else.

To leave out some codes, write `:not` with the codes, separated by commas.",
    versions: "\
Every Medplum version: writes, references and cached reads are inverted. Search on a coded column \
(`Observation?code`) answers 400 from 5.0; on a plain one (`Patient?gender`) it is inverted as well. \
The reference semantics: such an entry grants nothing.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "all but drafts",
  "resource": [{ "resourceType": "Task", "criteria": "Task?status:not-in=draft" }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "all but drafts",
  "resource": [{ "resourceType": "Task", "criteria": "Task?status:not=draft" }]
}"#,
    )],
    adopts: &[Adopts::at_its_findings("criteria/modifier")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let Some(span) = site.filter.modifier_span() else {
            continue;
        };
        // Only these types compare for equality; a date or number with `:not-in` matches nothing.
        let equality = matches!(
            site.filter.param_type(),
            Some(ParamType::Token | ParamType::String | ParamType::Uri | ParamType::Reference)
        );
        if site.filter.modifier() != Some("not-in") || !equality {
            continue;
        }
        let code = site.filter.code();
        let value = site.criteria.text.slice(site.filter.value_span());
        let draft = report.find(
            site.criteria.at(span),
            "inverted",
            format!(
                "`{code}:not-in` is compared for equality: Medplum grants exactly `{code}={value}`"
            ),
        );
        if value.contains("://") || value.contains("ValueSet/") {
            draft.help(format!(
                "list the codes instead of the ValueSet: `{code}:not=a,b`"
            ));
        } else {
            draft
                .help(format!("write `{code}:not={value}`"))
                .fix(site.criteria.at(span), ":not");
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::code("Patient", "Patient?gender:not-in=female")]
    #[case::concept("Observation", "Observation?code:not-in=8867-4")]
    #[case::value_set("Observation", "Observation?code:not-in=http://vs")]
    #[case::reference("Task", "Task?owner:not-in=Practitioner/1")]
    #[case::on_every_type("*", "*?_tag:not-in=x")]
    fn d8_d9(#[case] kind: &str, #[case] text: &str) {
        assert_eq!(found("L04", &criteria(kind, text)), ["critical: :not-in"]);
    }

    #[rstest]
    #[case::not("Patient", "Patient?gender:not=female")]
    #[case::in_("Patient", "Patient?gender:in=female")]
    #[case::date_matches_nothing("Patient", "Patient?birthdate:not-in=2000-01-01")]
    #[case::unknown_parameter("Patient", "Patient?foo:not-in=x")]
    fn is_silent(#[case] kind: &str, #[case] text: &str) {
        assert!(found("L04", &criteria(kind, text)).is_empty());
    }
}
