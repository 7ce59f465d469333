//! L21: numbers and quantities are compared by search alone. Source: policy-semantics 4, D32.

use fhirward_spec::ParamType;

use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L21",
    slug: "number-filter",
    category: Category::Criteria,
    level: Severity::Warning,
    summary: "a number or quantity is compared by search and uncached reads only",
    why: "\
In memory a number or a quantity never matches, not even negated. An entry with such a filter finds and \
shows resources, but no write, no reference and no field of GraphQL works, and its hidden fields are not \
hidden. The unit of a quantity is ignored.

Let a code, a tag or a status say what the number decides.",
    versions: "Every Medplum version. The reference semantics compares as R4 does, on every path.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "high values",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?value-quantity=gt70" }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "high values",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?_tag=high" }]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let kind = match site.filter.param_type() {
            Some(ParamType::Number) => "number",
            Some(ParamType::Quantity) => "quantity",
            _ => continue,
        };
        if site.filter.is_missing() {
            continue;
        }
        let code = site.filter.code();
        report
            .find(
                site.criteria.at(site.filter.pair.param.span),
                format!("a {kind}"),
                format!("`{code}` is compared by search alone: Medplum denies every write and reference through this entry"),
            )
            .help("use a token, reference, string, uri or date parameter");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::quantity("Observation", "Observation?value-quantity=80", &["warning: value-quantity"])]
    #[case::number("RiskAssessment", "RiskAssessment?probability=gt0.8", &["warning: probability"])]
    #[case::missing("Observation", "Observation?value-quantity:missing=false", &[])]
    #[case::token("Observation", "Observation?code=1", &[])]
    fn d32(#[case] kind: &str, #[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(found("L21", &criteria(kind, text)), expected);
    }
}
