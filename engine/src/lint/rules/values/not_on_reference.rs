//! L31: `:not` on a reference that may be absent. Source: policy-semantics 5.2, D20.

use std::collections::HashSet;

use fhirward_spec::ParamType;

use crate::diagnostic::Severity;
use crate::lint::server::repeats;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L31",
    slug: "not-on-reference",
    category: Category::Values,
    level: Severity::Warning,
    summary: "resources without the reference match `:not` in memory and not in search",
    why: "\
A resource without the reference does not point at the one that is excluded, so `:not` is true: FHIR says \
so, and memory does. The database keeps a reference that can stand only once in a column that is then \
empty, and an empty column is not unequal to anything: search leaves those resources out.

Add a second entry with `:missing=true`, if they are meant, or `:missing=false` to the criteria, if not.",
    versions: "\
Every Medplum version. A reference that can stand several times is not concerned. The reference semantics: \
`:not` is true where there is none.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "tasks of others",
  "resource": [{ "resourceType": "Task", "criteria": "Task?owner:not=%profile" }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "tasks of others",
  "resource": [{ "resourceType": "Task", "criteria": "Task?owner:not=%profile&owner:missing=false" }]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    // Where the absent ones are excluded, or have an entry of their own, nothing differs.
    let asked: HashSet<(usize, &str, &str)> = context
        .filters()
        .filter(|site| site.filter.is_missing())
        .map(|site| {
            (
                site.policy.index,
                site.entry.resource_type.as_str(),
                site.filter.code(),
            )
        })
        .collect();
    for site in context.filters() {
        let filter = site.filter;
        let Some(param) = filter
            .param()
            .filter(|p| p.param_type == ParamType::Reference)
        else {
            continue;
        };
        let kind = site.entry.resource_type.as_str();
        let code = filter.code();
        if filter.modifier() != Some("not") || code == "_compartment" || repeats(kind, param) {
            continue;
        }
        if asked.contains(&(site.policy.index, kind, code)) {
            continue;
        }
        report
            .find(
                site.criteria.at(filter.modifier_span().unwrap_or(filter.pair.span)),
                "true where there is none",
                format!("a {kind} without `{code}` matches on writes and cached reads, and is not found by search on Medplum"),
            )
            .help(format!("add `&{code}:missing=false`, or an entry with `{code}:missing=true`"));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found, policy};

    #[test]
    fn an_entry_for_the_absent_ones_settles_it() {
        let json = policy(
            r#"{"resourceType": "Task", "criteria": "Task?owner:not=%profile"},
               {"resourceType": "Task", "criteria": "Task?owner:missing=true"}"#,
        );
        assert!(found("L31", &json).is_empty());
    }

    #[rstest]
    #[case::d20("Observation?subject:not=Patient/1", &["warning: :not"])]
    #[case::organization("Patient?organization:not=Organization/1", &["warning: :not"])]
    #[case::list("Patient?general-practitioner:not=Practitioner/1", &[])]
    #[case::compartment("Patient?_compartment:not=Organization/1", &[])]
    #[case::token("Patient?gender:not=male", &[])]
    #[case::there("Observation?subject:not=Patient/1&subject:missing=false", &[])]
    fn d20(#[case] text: &str, #[case] expected: &[&str]) {
        let kind = text.split('?').next().unwrap();
        assert_eq!(found("L31", &criteria(kind, text)), expected);
    }
}
