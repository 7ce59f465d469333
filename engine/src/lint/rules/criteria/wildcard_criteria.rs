//! L20: criteria on `*` are read by search alone. Source: policy-semantics 4, D36, D37.

use fhirward_spec::spec;

use crate::diagnostic::Severity;
use crate::lint::view::FilterSubject;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L20",
    slug: "wildcard-criteria",
    category: Category::Criteria,
    level: Severity::Warning,
    summary: "criteria on `*` work for search and uncached reads only",
    why: "\
In memory a criteria's type must be the resource's type, and `*` never is. So an entry `*` with criteria \
shows resources in searches, and then every write, every reference to them and every field of GraphQL is \
denied; its hidden fields are not hidden. Where a type lacks the parameter, every search on that type \
fails with 400, other entries or not.

Write one entry for each type. If it must be `*`, use only what every type has: `_id`, `_lastUpdated`, \
`_tag`, `_security`, `_profile`, `_source`, `_compartment`.",
    versions: "\
Every Medplum version since such criteria can be saved. The reference semantics evaluates the criteria \
with the type of the resource, on every path; types that lack a parameter do not match.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "all of an organization",
  "resource": [{ "resourceType": "*", "criteria": "*?_compartment=%organization" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "all of an organization",
  "resource": [
    { "resourceType": "Patient", "criteria": "Patient?_compartment=%organization" },
    { "resourceType": "Observation", "criteria": "Observation?_compartment=%organization" }
  ]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "all about one patient",
  "resource": [{ "resourceType": "*", "criteria": "*?subject=%patient" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "all about one patient",
  "resource": [
    { "resourceType": "Observation", "criteria": "Observation?subject=%patient" },
    { "resourceType": "Condition", "criteria": "Condition?subject=%patient" }
  ]
}"#,
        )
        .titled("a parameter that some types lack"),
    ],
    adopts: &[
        Adopts::all_as("criteria/no-such-type", Severity::Error),
        Adopts::all("criteria/not-every-type"),
    ],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (entry, criteria) in context.criteria() {
        if !entry.is_wildcard()
            || criteria.parsed.resource_type.text != "*"
            || !criteria.restricts()
        {
            continue;
        }
        report
            .find(
                criteria.at(criteria.parsed.resource_type.span),
                "search and uncached reads only",
                "criteria on `*` never match in memory: Medplum shows what search finds and denies every write and reference",
            )
            .help("write one entry for each resource type");
        for filter in &criteria.filters {
            let somewhere = || {
                let code = filter.code();
                spec()
                    .resource_types()
                    .any(|kind| spec().search_param(kind, code).is_some())
            };
            if matches!(filter.subject, FilterSubject::Unknown) && somewhere() {
                let code = filter.code();
                report
                    .find(
                        criteria.at(filter.pair.param.span),
                        "not on every type",
                        format!("some types have no `{code}`: every search on them answers 400 on Medplum"),
                    )
                    .level(Severity::Error)
                    .help("on `*` use `_id`, `_lastUpdated`, `_tag`, `_security`, `_profile`, `_source` or `_compartment`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::compartment("*", "*?_compartment=Organization/1", &["warning: *"])]
    #[case::some_types("*", "*?gender=female", &["warning: *", "error: gender"])]
    #[case::no_type("*", "*?nonsense=1", &["warning: *"])]
    #[case::typed("Patient", "Patient?gender=female", &[])]
    #[case::wrong("Patient", "*?gender=female", &[])]
    #[case::no_filter("*", "*?_count=1", &[])]
    fn d36_d37(#[case] kind: &str, #[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(found("L20", &criteria(kind, text)), expected);
    }
}
