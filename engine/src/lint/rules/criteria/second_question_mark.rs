//! L03: what stands after a second `?` is lost. Source: policy-semantics 1.1, D41.

use fhirward_spec::spec;

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};
use crate::source::Span;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L03",
    slug: "second-question-mark",
    category: Category::Criteria,
    level: Severity::Critical,
    summary: "everything after a second `?` in a criteria is ignored",
    why: "\
A criteria is cut at its question marks, and only the first two pieces are used. Filters after a second \
`?` are dropped without a word, so the entry grants what they should have excluded.

Join filters by `&`. A question mark that belongs to a value, such as a URL with a query, is written \
`%3F`.",
    versions: "\
Every Medplum version, on every path. The reference semantics: such an entry grants nothing.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "two questions",
  "resource": [{ "resourceType": "Task", "criteria": "Task?status=requested?owner=%profile" }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "two questions",
  "resource": [{ "resourceType": "Task", "criteria": "Task?status=requested&owner=%profile" }]
}"#,
    )],
    adopts: &[Adopts::all("criteria/second-question-mark")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, criteria) in context.criteria() {
        let text = &*criteria.text.text;
        let Some(first) = text.find('?') else {
            continue;
        };
        let query = text.get(first + 1..).unwrap_or_default();
        let Some(second) = query.find('?') else {
            continue;
        };
        let at = first + 1 + second;
        let rest = text.get(at..).unwrap_or_default();
        let draft = report
            .find(
                criteria.at(Span::new(at, text.len())),
                "ignored",
                format!("a second `?`: Medplum ignores `{rest}` and grants more than is written"),
            )
            .help("filters are joined by `&`; a question mark in a value is written `%3F`");
        // In a URL the question mark may well belong to the value.
        if query.contains("://") {
            continue;
        }
        let mark = criteria.at(Span::new(at, at + 1));
        let after = rest.get(1..).unwrap_or_default();
        // `…&Patient?name=x`: a second whole search.
        let before = text.get(..at).unwrap_or_default();
        let word = before
            .rsplit(['&', '?', '=', ' '])
            .next()
            .unwrap_or_default();
        if spec().resource(word).is_some() {
            let from = at - word.len();
            let joined = before.get(..from).is_some_and(|start| start.ends_with('&'));
            if joined && word == criteria.parsed.resource_type.text && is_filter(after) {
                draft.fix_text(criteria.at(Span::new(from, at + 1)), "");
            }
        } else if after.starts_with('&') {
            draft.fix_text(mark, "");
        } else if is_filter(after) {
            draft.fix_text(mark, "&");
        }
    }
}

fn is_filter(text: &str) -> bool {
    let name = text.split('=').next().unwrap_or_default();
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
    text.contains('=') && !name.is_empty() && name.chars().all(word)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found, repaired};

    #[rstest]
    #[case::filter(
        "Task?status=draft?code=x",
        "?code=x",
        Some("Task?status=draft&code=x")
    )]
    #[case::with_ampersand(
        "Task?status=draft?&code=x",
        "?&code=x",
        Some("Task?status=draft&code=x")
    )]
    #[case::whole_search(
        "Patient?gender=male&Patient?name=x",
        "?name=x",
        Some("Patient?gender=male&name=x")
    )]
    #[case::search_of_another_type("Patient?gender=male&Task?status=x", "?status=x", None)]
    #[case::search_in_a_value("Patient?name=Patient?gender=male", "?gender=male", None)]
    #[case::in_a_value("Patient?name=Alice?x", "?x", None)]
    #[case::in_a_url("Questionnaire?url=http://x/q?v=1", "?v=1", None)]
    fn d41(#[case] text: &str, #[case] lost: &str, #[case] fixed: Option<&str>) {
        let kind = text.split('?').next().unwrap();
        let json = criteria(kind, text);
        assert_eq!(found("L03", &json), [format!("critical: {lost}")]);
        assert_eq!(
            repaired("L03", &json),
            fixed.map(|text| criteria(kind, text))
        );
    }

    #[rstest]
    #[case::one("Patient?name=Alice")]
    #[case::escaped("Patient?name=Alice%3Fx")]
    fn is_silent(#[case] text: &str) {
        assert!(found("L03", &criteria("Patient", text)).is_empty());
    }
}
