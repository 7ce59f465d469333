//! L46: a write constraint on an entry that allows deleting. Source: policy-semantics 3.4, case 59.

use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L46",
    slug: "constraint-beside-delete",
    category: Category::Interactions,
    level: Severity::Warning,
    summary: "an entry with `writeConstraint` allows deleting, which no constraint stops",
    why: "\
Constraints are evaluated when something is created or updated. Deleting is not asked: a resource that \
the constraint protects from every change can be deleted by the same entry.

Name the interactions, without `delete`.",
    versions: "\
Every Medplum version, see https://github.com/medplum/medplum/issues/2860. The reference semantics agrees.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "final is final",
  "resource": [
    {
      "resourceType": "Observation",
      "writeConstraint": [
        {
          "language": "text/fhirpath",
          "expression": "%before.exists().not() or %before.status != 'final'"
        }
      ]
    }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "final is final",
  "resource": [
    {
      "resourceType": "Observation",
      "interaction": ["create", "search", "read", "update"],
      "writeConstraint": [
        {
          "language": "text/fhirpath",
          "expression": "%before.exists().not() or %before.status != 'final'"
        }
      ]
    }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, entry) in context.entries() {
        let Some(constraint) = entry.node.get("writeConstraint") else {
            continue;
        };
        if entry.write_constraints.is_empty() || !entry.allows(Interaction::Delete) {
            continue;
        }
        report
            .find(
                constraint.key_place(),
                "not asked on delete",
                format!(
                    "`writeConstraint` does not stop deleting, which this entry allows on `{}`",
                    entry.resource_type
                ),
            )
            .help("name the interactions in `interaction`, without `delete`");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::every_interaction("", &["warning: \"writeConstraint\""])]
    #[case::named(r#""interaction": ["delete", "read", "search"],"#, &["warning: \"writeConstraint\""])]
    #[case::without_delete(r#""interaction": ["update", "read", "search"],"#, &[])]
    #[case::readonly(r#""readonly": true,"#, &[])]
    fn case_59(#[case] allowed: &str, #[case] expected: &[&str]) {
        let entry = format!(
            r#"{{"resourceType": "Observation", {allowed} "writeConstraint": [{{"language": "text/fhirpath", "expression": "status = 'final'"}}]}}"#
        );
        assert_eq!(found("L46", &policy(&entry)), expected);
    }
}
