//! L33: the same parameter twice is *and*. Source: policy-semantics 1.1.

use std::collections::HashMap;

use fhirward_spec::ParamType;

use crate::diagnostic::Severity;
use crate::lint::view::{CriteriaView, FilterView};
use crate::lint::{Adopts, Category, Context, Example, Place, Report, Rule};
use crate::source::Span;
use crate::values::Prefix;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L33",
    slug: "repeated-filter",
    category: Category::Values,
    level: Severity::Info,
    summary: "a parameter that stands twice must match twice",
    why: "\
Filters are joined by *and*, also those of one parameter: `status=draft&status=ready` matches no resource, \
because a status is one or the other. *Or* is a comma in the value, or a second entry. The very same filter \
twice changes nothing.",
    versions: "Every version of every server. The reference semantics agrees.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "drafts and ready tasks",
  "resource": [{ "resourceType": "Task", "criteria": "Task?status=draft&status=ready" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "drafts and ready tasks",
  "resource": [{ "resourceType": "Task", "criteria": "Task?status=draft,ready" }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "twice the same",
  "resource": [{ "resourceType": "Task", "criteria": "Task?owner=%profile&owner=%profile" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "twice the same",
  "resource": [{ "resourceType": "Task", "criteria": "Task?owner=%profile" }]
}"#,
        )
        .titled("the same filter twice"),
    ],
    adopts: &[Adopts::all("criteria/repeated-filter")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, criteria) in context.criteria() {
        let mut written: HashMap<&str, &FilterView> = HashMap::new();
        let mut asked: HashMap<&str, &FilterView> = HashMap::new();
        for filter in &criteria.filters {
            let text = criteria.text.slice(filter.pair.span);
            if let Some(first) = written.get(text) {
                report
                    .find(
                        criteria.at(filter.pair.span),
                        "changes nothing",
                        "the same filter stands twice",
                    )
                    .also(criteria.at(first.pair.span), "first")
                    .help("delete one")
                    .fix_text(with_ampersand(criteria, filter.pair.span), "");
                continue;
            }
            written.insert(text, filter);
            if !is_equality(filter) {
                continue;
            }
            let code = filter.code();
            if let Some(first) = asked.get(code) {
                report
                    .find(
                        criteria.at(filter.pair.span),
                        "and this one",
                        format!("`{code}` stands twice: both filters must match"),
                    )
                    .also(criteria.at(first.pair.span), "this one")
                    .help("for either value write them with a comma, or two entries");
            } else {
                asked.insert(code, filter);
            }
        }
    }
}

/// Whether the filter asks for a value; ranges are rightly made of two filters.
fn is_equality(filter: &FilterView) -> bool {
    let range = matches!(
        filter.param_type(),
        Some(ParamType::Date | ParamType::Number | ParamType::Quantity)
    ) && filter.prefix() != Some(Prefix::Equal);
    filter.modifier().is_none() && !range && filter.param().is_some()
}

/// A filter with the `&` before it.
fn with_ampersand(criteria: &CriteriaView, span: Span) -> Place<'_> {
    criteria.at(Span::new(span.start.saturating_sub(1), span.end))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found, repaired};

    #[rstest]
    #[case::both("Task?status=draft&status=ready", &["info: status=ready"])]
    #[case::same("Task?status=draft&code=1&status=draft", &["info: status=draft"])]
    #[case::three("Task?code=1&code=2&code=3", &["info: code=2", "info: code=3"])]
    #[case::range("Task?authored-on=ge2024-01-01&authored-on=lt2025-01-01", &[])]
    #[case::excluded("Task?status:not=draft&status:not=ready", &[])]
    #[case::list("Task?status=draft,ready", &[])]
    fn s1_1(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(found("L33", &criteria("Task", text)), expected);
    }

    #[test]
    fn one_of_the_same_goes() {
        let json = criteria("Task", "Task?status=draft&code=1&status=draft");
        let expected = criteria("Task", "Task?status=draft&code=1");
        assert_eq!(repaired("L33", &json), Some(expected));
    }
}
