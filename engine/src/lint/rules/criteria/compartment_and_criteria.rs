//! L16: next to `compartment`, criteria are lost to search. Source: policy-semantics 5.1, D45.

use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L16",
    slug: "compartment-and-criteria",
    category: Category::Criteria,
    level: Severity::Critical,
    summary: "next to the deprecated `compartment` of an entry, search ignores its criteria",
    why: "\
An entry's `compartment` is the old form of a `_compartment` filter. Search reads it and then does not \
look at the criteria any more: everything in the compartment is found and can be read. Writes check both.

Put the compartment into the criteria and delete `compartment`.",
    versions: "\
Every Medplum version: search and uncached reads ignore the criteria. The reference semantics: both must \
match.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "final results of a clinic",
  "resource": [{
    "resourceType": "Observation",
    "compartment": { "reference": "Organization/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11" },
    "criteria": "Observation?status=final"
  }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "final results of a clinic",
  "resource": [{
    "resourceType": "Observation",
    "criteria": "Observation?status=final&_compartment=Organization/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11"
  }]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (entry, criteria) in context.criteria() {
        let Some(compartment) = &entry.compartment else {
            continue;
        };
        if !criteria.restricts() {
            continue;
        }
        report
            .find(
                criteria.place(),
                "ignored by search",
                format!(
                    "next to `compartment`, search and uncached reads on Medplum ignore the criteria: all of `{}` is found",
                    compartment.text
                ),
            )
            .also(compartment.place(), "the only filter of search")
            .help(format!("add `&_compartment={}` to the criteria and delete `compartment`", compartment.text));
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found, policy};

    const COMPARTMENT: &str = r#""compartment": {"reference": "Organization/1"}"#;

    #[test]
    fn d45() {
        let json = policy(&format!(
            r#"{{"resourceType": "Patient", {COMPARTMENT}, "criteria": "Patient?gender=male"}}"#
        ));
        assert_eq!(found("L16", &json), ["critical: Patient?gender=male"]);
    }

    #[test]
    fn a_compartment_alone_filters() {
        let json = policy(&format!(r#"{{"resourceType": "Patient", {COMPARTMENT}}}"#));
        assert!(found("L16", &json).is_empty());
    }
}
