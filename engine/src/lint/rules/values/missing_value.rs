//! L30: `:missing` that is not read as it is written. Source: policy-semantics 4, D3, D17.

use crate::diagnostic::Severity;
use crate::lint::server::has_word_table;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L30",
    slug: "missing-value",
    category: Category::Values,
    level: Severity::Error,
    summary: "`:missing` with a value other than `true` and `false`, or on a parameter where search ignores it",
    why: "\
`:missing` is read in memory as true unless its value is exactly `false`, and in the database as false \
unless it is exactly `true`. So `False`, `no` and `0` ask for the opposite of what they say, or for both.

Names and addresses of people and places lie in tables of their own, and compartments in a column that is \
never empty: there search never finds anything by `:missing`.",
    versions: "\
Every Medplum version. The reference semantics: another value grants nothing; with `true` or `false` it \
asks whether the element is there.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "unassigned tasks",
  "resource": [{ "resourceType": "Task", "criteria": "Task?owner:missing=yes" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "unassigned tasks",
  "resource": [{ "resourceType": "Task", "criteria": "Task?owner:missing=true" }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "of no organization",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?_compartment:missing=true" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "of no organization",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?organization:missing=true" }]
}"#,
        )
        .titled("compartments"),
    ],
    adopts: &[Adopts::at_its_findings("criteria/value")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let filter = site.filter;
        if !filter.is_missing() || filter.param().is_none() {
            continue;
        }
        let code = filter.code();
        let value = site.criteria.text.slice(filter.value_span());
        if filter.pair.value.is_some_and(|value| !value.is_empty())
            && !matches!(value, "true" | "false")
        {
            let place = site.criteria.at(filter.value_span());
            let meant = match value.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Some("true"),
                "false" | "no" | "0" => Some("false"),
                _ => None,
            };
            let draft = report.find(
                place,
                "neither `true` nor `false`",
                format!("`{code}:missing={value}` is read as true by writes and cached reads on Medplum, and as false by search"),
            );
            // What was to be there is granted where it is not.
            let draft = draft.level(if meant == Some("false") {
                Severity::Critical
            } else {
                Severity::Error
            });
            match meant {
                Some(meant) => draft
                    .help(format!("write `{meant}`"))
                    .fix_text(place, meant),
                None => draft.help("write `true` for absent, `false` for there"),
            };
            continue;
        }
        let why = if code == "_compartment" {
            "every resource is in the compartment of its project"
        } else if matches!(code, "_id" | "_lastUpdated") {
            "every resource has one"
        } else if has_word_table(&site.entry.resource_type, code) {
            "names and addresses have tables of their own"
        } else {
            continue;
        };
        let span = filter.modifier_span().unwrap_or(filter.pair.span);
        report
            .find(
                site.criteria.at(span),
                "never in search",
                format!("search on Medplum never finds anything by `{code}:missing`: {why}"),
            )
            .help("ask about another element");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found, repaired};

    #[rstest]
    #[case::yes(
        "Task?owner:missing=yes",
        "error: yes",
        Some("Task?owner:missing=true")
    )]
    #[case::case(
        "Task?owner:missing=TRUE",
        "error: TRUE",
        Some("Task?owner:missing=true")
    )]
    #[case::inverted(
        "Task?owner:missing=no",
        "critical: no",
        Some("Task?owner:missing=false")
    )]
    #[case::other("Task?owner:missing=Practitioner/1", "error: Practitioner/1", None)]
    #[case::d3("Patient?_compartment:missing=true", "error: :missing", None)]
    #[case::id("Patient?_id:missing=false", "error: :missing", None)]
    #[case::d17("Patient?name:missing=true", "error: :missing", None)]
    fn d3_d17(#[case] text: &str, #[case] expected: &str, #[case] fixed: Option<&str>) {
        let kind = text.split('?').next().unwrap();
        let json = criteria(kind, text);
        assert_eq!(found("L30", &json), [expected]);
        assert_eq!(
            repaired("L30", &json),
            fixed.map(|text| criteria(kind, text))
        );
    }

    #[rstest]
    #[case::reference("Task?owner:missing=true")]
    #[case::plain_name("Organization?name:missing=false")]
    #[case::identifier("Patient?identifier:missing=true")]
    fn is_silent(#[case] text: &str) {
        let kind = text.split('?').next().unwrap();
        assert!(found("L30", &criteria(kind, text)).is_empty());
    }
}
