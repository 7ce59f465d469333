//! L54: parameters that are not used, and variables that not every member has. Source:
//! policy-semantics 2.2.

use std::collections::HashSet;

use crate::diagnostic::Severity;
use crate::lint::view::{AccessView, MembershipView, PolicyView};
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L54",
    slug: "membership-parameters",
    category: Category::Membership,
    level: Severity::Warning,
    summary: "a membership gives a parameter that the policy does not use, or lacks one that it uses",
    why: "\
A parameter of a membership is a value for `%name` in the policy. One that the policy never mentions does \
nothing, and usually is a misspelt name: then the variable that was meant has no value. Where some members \
give a parameter and others do not, the policy works for the first and is broken for the others.",
    versions: "\
Every Medplum version: a variable without a value stays in the criteria as text, and under `:not` it \
matches everything. The reference semantics: the entry grants nothing.",
    examples: &[Example::new(
        r#"[
  {
    "resourceType": "AccessPolicy",
    "id": "tenant",
    "resource": [
      { "resourceType": "Task", "criteria": "Task?owner=%profile" }
    ]
  },
  {
    "resourceType": "ProjectMembership",
    "profile": { "reference": "Practitioner/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11" },
    "access": [
      {
        "policy": { "reference": "AccessPolicy/tenant" },
        "parameter": [{ "name": "clinic", "valueString": "north" }]
      }
    ]
  }
]"#,
        r#"[
  {
    "resourceType": "AccessPolicy",
    "id": "tenant",
    "resource": [
      { "resourceType": "Task", "criteria": "Task?owner=%profile" }
    ]
  },
  {
    "resourceType": "ProjectMembership",
    "profile": { "reference": "Practitioner/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11" },
    "access": [{ "policy": { "reference": "AccessPolicy/tenant" } }]
  }
]"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for membership in context.memberships() {
        for access in &membership.access {
            let policy = access.policy.as_ref().and_then(|p| context.policy(&p.text));
            let Some(policy) = policy else { continue };
            unused(access, policy, report);
            lacking(membership, access, policy, report);
        }
    }
}

fn unused(access: &AccessView, policy: &PolicyView, report: &mut Report<'_>) {
    // Servers replace text in the whole policy, so any mention is a use.
    let text = policy.node.source().slice(policy.node.place().span);
    for parameter in &access.parameters {
        let name = &*parameter.name.text;
        if text.contains(&format!("%{name}")) {
            continue;
        }
        if let Some(plain) = name.strip_prefix('%') {
            report
                .find(
                    parameter.name.place(),
                    "with a sign",
                    format!("the name of a parameter has no `%`: this one gives `%{name}` a value"),
                )
                .help(format!("write `{plain}`"))
                .fix_text(parameter.name.place(), plain);
            continue;
        }
        report
            .find(
                parameter.name.place(),
                "not used",
                format!("the policy does not use `%{name}`"),
            )
            .help("delete the parameter, or use its name in the policy");
    }
}

fn lacking(
    membership: &MembershipView,
    access: &AccessView,
    policy: &PolicyView,
    report: &mut Report<'_>,
) {
    let given: HashSet<&str> = access
        .parameters
        .iter()
        .map(|parameter| &*parameter.name.text)
        .collect();
    let mut said: HashSet<&str> = HashSet::new();
    for entry in &policy.entries {
        for variable in entry.criteria.iter().flat_map(|c| c.variables()) {
            let name = variable.name.as_str();
            // A variable that nobody gives is no matter of this member.
            let by_others = policy.variables.get(name).is_some_and(|variable| {
                !variable.built_in && variable.references + variable.texts > 0
            });
            if !by_others || given.contains(name) || !said.insert(name) {
                continue;
            }
            report
                .find(
                    access
                        .policy
                        .as_ref()
                        .map_or_else(|| access.node.place(), |p| p.place()),
                    format!("without `{name}`"),
                    format!(
                        "{} gives no `{name}`, which this policy uses and other members give",
                        membership.title()
                    ),
                )
                .help(format!("add a parameter `{name}` to this access"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found;

    fn members(second: &str) -> String {
        format!(
            r#"[
            {{"resourceType": "AccessPolicy", "id": "p", "resource": [{{"resourceType": "Task", "criteria": "Task?owner=%boss"}}]}},
            {{"resourceType": "ProjectMembership", "profile": {{"reference": "Patient/1"}}, "access": [
                {{"policy": {{"reference": "AccessPolicy/p"}}, "parameter": [{{"name": "boss", "valueReference": {{"reference": "Practitioner/2"}}}}]}}]}},
            {{"resourceType": "ProjectMembership", "profile": {{"reference": "Patient/3"}}, "access": [
                {{"policy": {{"reference": "AccessPolicy/p"}}{second}}}]}}
        ]"#
        )
    }

    #[test]
    fn one_member_lacks_it() {
        assert_eq!(found("L54", &members("")), ["warning: AccessPolicy/p"]);
    }

    #[test]
    fn a_misspelt_one_is_both() {
        let second = r#", "parameter": [{"name": "bos", "valueString": "x"}]"#;
        // `%bos` is the beginning of `%boss`, which a server that replaces text would replace.
        assert_eq!(found("L54", &members(second)), ["warning: AccessPolicy/p"]);
        let second = r#", "parameter": [{"name": "chief", "valueString": "x"}]"#;
        assert_eq!(
            found("L54", &members(second)),
            ["warning: AccessPolicy/p", "warning: chief"]
        );
    }

    #[test]
    fn everybody_gives_it() {
        let second = r#", "parameter": [{"name": "boss", "valueReference": {"reference": "Practitioner/4"}}]"#;
        assert!(found("L54", &members(second)).is_empty());
    }
}
