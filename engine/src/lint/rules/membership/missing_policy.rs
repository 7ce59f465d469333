//! L53: a membership that names a policy which is not there. Source: policy-semantics 2.1.2, case 15.

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L53",
    slug: "missing-policy",
    category: Category::Membership,
    level: Severity::Error,
    summary: "a membership names a policy that is not among the files",
    why: "\
A policy that a membership names and that does not exist locks the member out: the login itself fails. \
That happens when an attached policy is deleted, and when a policy is copied to another project under \
another id.

Policies are found by their `id`, or by `name` where the file has no id. If the policy is only on the \
server, give its file to the check as well.",
    versions: "\
Every Medplum version answers the login with 400, see https://github.com/medplum/medplum/issues/8312. The \
reference semantics: the member has no access at all.",
    examples: &[Example::new(
        r#"[
  {
    "resourceType": "AccessPolicy",
    "id": "own-tasks",
    "resource": [{ "resourceType": "Task", "criteria": "Task?owner=%profile" }]
  },
  {
    "resourceType": "ProjectMembership",
    "profile": { "reference": "Practitioner/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11" },
    "accessPolicy": { "reference": "AccessPolicy/own-task" }
  }
]"#,
        r#"[
  {
    "resourceType": "AccessPolicy",
    "id": "own-tasks",
    "resource": [{ "resourceType": "Task", "criteria": "Task?owner=%profile" }]
  },
  {
    "resourceType": "ProjectMembership",
    "profile": { "reference": "Practitioner/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11" },
    "accessPolicy": { "reference": "AccessPolicy/own-tasks" }
  }
]"#,
    )],
    adopts: &[Adopts::all("membership/no-such-policy")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for membership in context.memberships() {
        let missing: Vec<_> = membership
            .access
            .iter()
            .filter_map(|access| access.policy.as_ref())
            .filter(|reference| context.policy(&reference.text).is_none())
            .collect();
        let Some(first) = missing.first() else {
            continue;
        };
        let names = context
            .policies()
            .iter()
            .filter_map(|policy| policy.id.as_deref().or(policy.name.as_deref()));
        let wanted = first
            .text
            .strip_prefix("AccessPolicy/")
            .unwrap_or(&first.text);
        let help = match crate::words::nearest(wanted, names) {
            Some(near) => format!("did you mean `AccessPolicy/{near}`?"),
            None => "give the file of that policy to the check, or name another one".to_owned(),
        };
        report
            .find(
                membership.place(),
                "cannot sign in",
                format!(
                    "`{}`, which {} names, is not among the checked files: without it the login fails",
                    first.text.replace('`', "'"),
                    membership.title()
                ),
            )
            .also(first.place(), "no such policy")
            .help(help);
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found, lint};

    #[test]
    fn case_15() {
        let json = r#"{"resourceType": "ProjectMembership", "profile": {"reference": "Patient/1"}, "accessPolicy": {"reference": "AccessPolicy/x"}}"#;
        assert_eq!(found("L53", json), ["error: Patient/1"]);
        assert_eq!(lint(json, "").len(), 1);
    }
}
