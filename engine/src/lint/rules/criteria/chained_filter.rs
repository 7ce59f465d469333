//! L24: chains, `_has` and `_filter` work in search alone. Source: policy-semantics D33, D34.

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L24",
    slug: "chained-filter",
    category: Category::Criteria,
    level: Severity::Error,
    summary: "a chain, `_has` or `_filter` works in search only",
    why: "\
A criteria is asked of one resource. A chain (`subject:Patient.name`), `_has` and `_filter` need other \
resources or a database: search follows them, and everything else is denied: writes, references, GraphQL, \
cached reads. The target of a chain is not checked against the policy, and fields that the entry hides are \
shown.

Put on the resource what decides: a reference, a tag, or an account, which `_compartment` can ask for.",
    versions: "\
Every Medplum version. Chains and `_has` can no longer be saved since 5.0.3, but stay where they were; \
`_filter` can be saved today. The documentation says that chains are not supported. The reference \
semantics: such an entry grants nothing.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "patients of my practice",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?subject:Patient.organization=%organization" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "patients of my practice",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?_compartment=%organization" }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a filter in a filter",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?_filter=gender eq female" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a filter in a filter",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?gender=female" }]
}"#,
        )
        .titled("`_filter`"),
    ],
    adopts: &[
        Adopts::all("criteria/chain"),
        Adopts::at_its_findings("criteria/unsupported-parameter"),
    ],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let key = site.criteria.text.slice(site.filter.key_span());
        if site.filter.subject.is_chain()
            && let Some(plain) = key.strip_suffix(".reference")
        {
            let place = site.criteria.at(site.filter.key_span());
            report
                .find(
                    place,
                    "a chain",
                    format!("`{plain}` already is the reference: `.reference` makes a chain of it, which finds nothing"),
                )
                .help(format!("write `{plain}`"))
                .fix_text(place, plain);
            continue;
        }
        let (what, help) = if site.filter.code() == "_has" {
            (
                "`_has` asks about other resources",
                "let a reference, a tag or an account on the resource itself decide; `_compartment` asks for accounts",
            )
        } else if site.filter.subject.is_chain() {
            (
                "a chained parameter asks about another resource",
                "let a reference, a tag or an account on the resource itself decide; `_compartment` asks for accounts",
            )
        } else if site.filter.code() == "_filter" {
            (
                "`_filter` is evaluated by the database",
                "write its conditions as filters, joined by `&`, or as several entries",
            )
        } else {
            continue;
        };
        report
            .find(
                site.criteria.at(site.filter.key_span()),
                "search only",
                format!("{what}: search on Medplum follows it, writes, references and cached reads are denied"),
            )
            .help(help);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::typed_chain(
        "Observation?subject:Patient.name=Alice",
        "error: subject:Patient.name"
    )]
    #[case::plain_chain("Observation?subject.name=Alice", "error: subject.name")]
    #[case::element(
        "Communication?recipient.reference=%profile",
        "error: recipient.reference"
    )]
    #[case::has(
        "Patient?_has:Observation:subject:status=final",
        "error: _has:Observation:subject:status"
    )]
    #[case::filter("Patient?_filter=gender eq female", "error: _filter")]
    fn d33_d34(#[case] text: &str, #[case] expected: &str) {
        let kind = text.split('?').next().unwrap();
        assert_eq!(found("L24", &criteria(kind, text)), [expected]);
    }

    #[test]
    fn is_silent_about_modifiers() {
        assert!(
            found(
                "L24",
                &criteria("Observation", "Observation?subject:not=Patient/1")
            )
            .is_empty()
        );
    }
}
