//! L52: a membership without any policy. Source: policy-semantics 2.1.6, R.8, case 14.

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L52",
    slug: "full-access",
    category: Category::Membership,
    level: Severity::Critical,
    summary: "a membership names no policy, which is full access to the project",
    why: "\
No policy does not mean no access: it means *every* interaction on every resource of the project. An empty \
`access` list counts as none. Invitations without a policy, and scripts that take the last policy away, \
give the whole project to somebody this way.

Name a policy. Whoever must see nothing needs one without entries, or an inactive membership.",
    versions: "\
Every Medplum version, see https://github.com/medplum/medplum/issues/4203. The reference semantics agrees.",
    examples: &[Example::new(
        r#"{
  "resourceType": "ProjectMembership",
  "profile": { "reference": "Practitioner/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11" },
  "access": []
}"#,
        r#"[
  {
    "resourceType": "AccessPolicy",
    "id": "own-tasks",
    "resource": [{ "resourceType": "Task", "criteria": "Task?owner=%profile" }]
  },
  {
    "resourceType": "ProjectMembership",
    "profile": { "reference": "Practitioner/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11" },
    "access": [{ "policy": { "reference": "AccessPolicy/own-tasks" } }]
  }
]"#,
    )],
    adopts: &[Adopts::all("membership/full-access")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for membership in context.memberships() {
        if !membership.access.is_empty() {
            continue;
        }
        let what = match membership.node.get("access") {
            Some(_) => "an empty `access` counts as no policy",
            None => "it names no policy",
        };
        report
            .find(
                membership.place(),
                "full access",
                format!(
                    "{} may do everything in the project: {what}",
                    membership.title()
                ),
            )
            .help(
                "name a policy in `accessPolicy` or `access`; one without entries grants nothing",
            );
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, lint};

    #[rstest]
    #[case::case_14("")]
    #[case::empty_list(r#", "access": []"#)]
    fn is_full_access(#[case] access: &str) {
        let json = format!(
            r#"{{"resourceType": "ProjectMembership", "profile": {{"reference": "Patient/1"}}{access}}}"#
        );
        assert_eq!(found("L52", &json), ["critical: Patient/1"]);
        // Once: the assembly's own finding is the same one.
        assert_eq!(lint(&json, "").len(), 1);
    }
}
