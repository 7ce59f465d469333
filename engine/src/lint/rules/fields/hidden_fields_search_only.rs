//! L13: fields hidden behind a filter that memory does not know. Source: policy-semantics 3.3, D52.

use crate::diagnostic::Severity;
use crate::lint::server::only_in_database;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L13",
    slug: "hidden-fields-search-only",
    category: Category::Fields,
    level: Severity::Critical,
    summary: "fields are hidden by an entry that only the database can match, so they are shown",
    why: "\
What is found is found by the database; which fields to hide is decided in memory, for each result, by the \
first entry that matches there. A filter that never matches in memory (a number, a quantity, a chain, \
`_filter`, a bare id, anything on `*`) therefore finds resources and hides nothing of them.

Use a filter that both understand.",
    versions: "Every Medplum version. The reference semantics hides the fields wherever the entry grants.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "high values without notes",
  "resource": [{
    "resourceType": "Observation",
    "interaction": ["read"],
    "criteria": "Observation?value-quantity=gt70",
    "hiddenFields": ["note"]
  }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "high values without notes",
  "resource": [{
    "resourceType": "Observation",
    "interaction": ["read"],
    "criteria": "Observation?_tag=high",
    "hiddenFields": ["note"]
  }]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    let mut last = None;
    for site in context.filters() {
        let entry = site.entry;
        let Some(field) = entry.hidden_fields.first() else {
            continue;
        };
        let reads = entry.allows(Interaction::Read) || entry.allows(Interaction::Search);
        let here = std::ptr::from_ref(entry);
        // One filter is enough to say so.
        if !reads || last == Some(here) {
            continue;
        }
        let Some(reason) = only_in_database(&site) else {
            continue;
        };
        last = Some(here);
        report
            .find(
                site.criteria.at(site.filter.pair.span),
                "found, not hidden",
                format!("{reason}, and fields are hidden in memory: Medplum returns `{}`", field.path()),
            )
            .also(field.place(), "not hidden")
            .help("use a filter that memory knows: a code, a tag, a full reference, on a type of its own");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::quantity("Observation", "value-quantity=80", &["critical: value-quantity=80"])]
    #[case::bare_id("Observation", "subject=%patient.id", &["critical: subject=%patient.id"])]
    #[case::chain("Observation", "subject:Patient.name=x", &["critical: subject:Patient.name=x"])]
    #[case::filter("Observation", "_filter=status eq final", &["critical: _filter=status eq final"])]
    #[case::reference_as_id("Observation", "_id=Observation/1", &["critical: _id=Observation/1"])]
    #[case::wildcard("*", "_compartment=Organization/1", &["critical: _compartment=Organization/1"])]
    #[case::once("*", "_compartment=Organization/1&_tag=x", &["critical: _compartment=Organization/1"])]
    #[case::both_know_it("Observation", "status=final", &[])]
    #[case::full_reference("Observation", "subject=%patient", &[])]
    fn d52(#[case] kind: &str, #[case] query: &str, #[case] expected: &[&str]) {
        let json = policy(&format!(
            r#"{{"resourceType": "{kind}", "criteria": "{kind}?{query}", "hiddenFields": ["note"]}}"#
        ));
        assert_eq!(found("L13", &json), expected);
    }

    #[test]
    fn nothing_is_shown_where_nothing_is_read() {
        let json = policy(
            r#"{"resourceType": "Observation", "interaction": ["create"],
                "criteria": "Observation?value-quantity=80", "hiddenFields": ["note"]}"#,
        );
        assert!(found("L13", &json).is_empty());
    }
}
