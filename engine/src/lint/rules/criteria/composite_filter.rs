//! L22: composite and special parameters break every request. Source: policy-semantics 1.2, D48.

use fhirward_spec::ParamType;

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L22",
    slug: "composite-filter",
    category: Category::Criteria,
    level: Severity::Error,
    summary: "a composite or special parameter makes every request on the type fail",
    why: "\
Medplum cannot read a composite (`code-value-quantity`) or special (`near`) parameter in criteria: it \
throws while parsing. Every request on the type answers 400, even where another entry would allow it.

Name the components one by one, or use a token or reference parameter.",
    versions: "Every Medplum version. The reference semantics: such an entry grants nothing.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "heart rates",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?code-value-concept=8867-4$LA1" }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "heart rates",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?code=8867-4&value-concept=LA1" }]
}"#,
    )],
    adopts: &[Adopts::all("criteria/unsupported-parameter")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let (Some(param), Some(kind)) = (site.filter.param(), site.filter.param_type()) else {
            continue;
        };
        if !matches!(kind, ParamType::Composite | ParamType::Special) || site.filter.is_missing() {
            continue;
        }
        let code = site.filter.code();
        let components: Vec<String> = param
            .components
            .iter()
            .map(|c| format!("`{}`", c.code))
            .collect();
        let help = if components.is_empty() {
            "use a token, reference, string, uri or date parameter".to_owned()
        } else {
            format!(
                "name the components one by one: {}",
                components.join(" and ")
            )
        };
        report
            .find(
                site.criteria.at(site.filter.pair.param.span),
                "cannot be read",
                format!(
                    "`{code}` is a {} parameter: Medplum answers 400 to every request on the type",
                    kind.code()
                ),
            )
            .help(help);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::composite(
        "Observation",
        "Observation?code-value-quantity=8867-4$80",
        "error: code-value-quantity"
    )]
    #[case::special("Location", "Location?near=1|2", "error: near")]
    fn s1_2(#[case] kind: &str, #[case] text: &str, #[case] expected: &str) {
        assert_eq!(found("L22", &criteria(kind, text)), [expected]);
    }

    #[test]
    fn is_silent_about_plain_parameters() {
        assert!(found("L22", &criteria("Observation", "Observation?code=1")).is_empty());
    }
}
