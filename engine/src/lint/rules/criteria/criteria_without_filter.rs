//! L02: a criteria that filters nothing. Source: policy-semantics 1.1, D40.

use crate::diagnostic::Severity;
use crate::lint::view::{CriteriaView, EntryView, FilterSubject};
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};
use crate::source::Span;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L02",
    slug: "criteria-without-filter",
    category: Category::Criteria,
    level: Severity::Critical,
    summary: "a criteria filters nothing, so its entry grants every resource of the type",
    why: "\
`Patient`, `Patient?`, an empty text, and criteria of nothing but result parameters (`_count`, `_sort`, \
`_include`, `_type`, …) look like a restriction and are none: servers read them as an entry without \
criteria. Only whoever expects the whole type should get it.

If the whole type is meant, leave `criteria` out: then it can be seen. If not, write the filter. A \
result parameter next to a real filter is ignored; delete it.",
    versions: "\
Every Medplum version: the entry is unrestricted on every path. `Patient` and `Patient?` can no longer be \
saved since 3.2.9, but stay where they were; result parameters can be saved today. The reference \
semantics: such an entry grants nothing.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a type is no filter",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a type is no filter",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?general-practitioner=%profile" }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "ten at a time",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?status=final&_count=10" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "ten at a time",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?status=final" }]
}"#,
        )
        .titled("a result parameter"),
    ],
    adopts: &[
        Adopts::all("criteria/no-question-mark"),
        Adopts::all("criteria/no-filter"),
        Adopts::all("criteria/result-parameter"),
    ],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (entry, criteria) in context.criteria() {
        if unreadable_include(criteria, report) {
            continue;
        }
        if criteria.restricts() {
            beside_filters(criteria, report);
        } else {
            alone(entry, criteria, report);
        }
    }
}

/// `_include` and `_revinclude` filter nothing, but their value is read: true where it cannot be.
fn unreadable_include(criteria: &CriteriaView, report: &mut Report<'_>) -> bool {
    let bad = criteria.filters.iter().find(|filter| {
        let value = filter
            .pair
            .value
            .map_or("", |span| criteria.text.slice(span));
        matches!(filter.code(), "_include" | "_revinclude")
            && !matches!(value.split(':').count(), 2 | 3)
    });
    if let Some(filter) = bad {
        report
            .find(
                criteria.at(filter.pair.span),
                "cannot be read",
                format!(
                    "`{}` wants `Type:parameter`: Medplum answers 400 to every request on the type",
                    filter.code()
                ),
            )
            .level(Severity::Error)
            .help("delete it; criteria include nothing");
    }
    bad.is_some()
}

fn alone(entry: &EntryView, criteria: &CriteriaView, report: &mut Report<'_>) {
    let text = &*criteria.text.text;
    let kind = entry.resource_type.as_str();
    // Another type before the question mark is a matter of `criteria-names-another-type`.
    if kind.is_empty() || !(text.is_empty() || criteria.parsed.resource_type.text == kind) {
        return;
    }
    // `?&` and the like: the pairs are reported as what they are.
    let nothing =
        text.is_empty() || text == kind || text.trim_end_matches('&') == format!("{kind}?");
    if !nothing && criteria.filters.is_empty() {
        return;
    }
    let what = if kind == "*" {
        "every type".to_owned()
    } else {
        format!("`{kind}`")
    };
    let message = match criteria.filters.as_slice() {
        [] => "the criteria has no filter".to_owned(),
        [one] => format!("`{}` shapes a result and filters nothing", one.code()),
        _ => "the criteria has only parameters that shape a result".to_owned(),
    };
    report
        .find(
            criteria.place(),
            "no filter",
            format!("{message}: Medplum grants every resource of {what} in the project"),
        )
        .help("write a filter, or leave `criteria` out to grant the whole type on purpose");
}

fn beside_filters(criteria: &CriteriaView, report: &mut Report<'_>) {
    for filter in &criteria.filters {
        if !matches!(filter.subject, FilterSubject::Result) {
            continue;
        }
        let span = filter.pair.span;
        let text = &*criteria.text.text;
        let after = text
            .get(span.end..)
            .is_some_and(|rest| rest.starts_with('&'));
        let cut = if after {
            Span::new(span.start, span.end + 1)
        } else {
            Span::new(span.start.saturating_sub(1), span.end)
        };
        report
            .find(
                criteria.at(filter.pair.param.span),
                "no filter",
                format!(
                    "`{}` shapes a result and filters nothing: Medplum ignores it",
                    filter.code()
                ),
            )
            .level(Severity::Error)
            .help("delete it")
            .fix_text(criteria.at(cut), "");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::type_alone("Patient", "Patient", "critical: Patient")]
    #[case::nothing_after("Patient", "Patient?", "critical: Patient?")]
    #[case::empty("Patient", "", "critical: \"\"")]
    #[case::count("Patient", "Patient?_count=1", "critical: Patient?_count=1")]
    #[case::sort("Patient", "Patient?_sort=name", "critical: Patient?_sort=name")]
    #[case::underscore("Patient", "Patient?_=1", "critical: Patient?_=1")]
    #[case::other_types(
        "Patient",
        "Patient?_type=Observation",
        "critical: Patient?_type=Observation"
    )]
    #[case::wildcard("*", "*?_count=1", "critical: *?_count=1")]
    #[case::unreadable("Patient", "Patient?gender=male&_include=x", "error: _include=x")]
    #[case::beside("Patient", "Patient?_count=1&gender=male", "error: _count")]
    #[case::last(
        "Patient",
        "Patient?gender=male&_include=Patient:organization",
        "error: _include"
    )]
    fn d40(#[case] kind: &str, #[case] text: &str, #[case] expected: &str) {
        assert_eq!(found("L02", &criteria(kind, text)), [expected]);
    }

    #[rstest]
    #[case::a_filter("Patient", "Patient?gender=male")]
    #[case::unknown_parameters_are_filters("Patient", "Patient?foo=bar")]
    #[case::another_type("Patient", "Observation")]
    fn is_silent(#[case] kind: &str, #[case] text: &str) {
        assert!(found("L02", &criteria(kind, text)).is_empty());
    }
}
