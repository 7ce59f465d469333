//! L61: policies and memberships so large that every request gets slow. Source: policy-semantics 9.

use std::collections::HashMap;

use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L61",
    slug: "large-policy",
    category: Category::Membership,
    level: Severity::Warning,
    summary: "a policy has hundreds of entries for one type, or a membership hundreds of policies",
    why: "\
Every entry of a type becomes one more `OR` in the condition of every search of that type, and all policies \
of a membership are loaded and put together on every login. With hundreds of them searches take seconds.

List values in one entry (`_compartment=Organization/a,Organization/b`), or give the resources an account \
and filter by that.",
    versions: "\
Every Medplum version; see https://github.com/medplum/medplum/issues/5144, \
https://github.com/medplum/medplum/issues/7857 and https://github.com/medplum/medplum/issues/8457.",
    examples: &[Example::new(LARGE, SMALL)],
    adopts: &[],
    check,
};

/// Entries of one type in one policy.
const MAX_OF_A_TYPE: usize = 100;
/// Entries of `ProjectMembership.access`.
const MAX_ACCESS: usize = 100;

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for entry in &policy.entries {
            let count = counts.entry(&entry.resource_type).or_insert(0);
            *count += 1;
            // Where the limit is passed, once.
            if *count == MAX_OF_A_TYPE + 1 {
                let kind = entry.resource_type.as_str();
                let all = policy.entries.iter().filter(|e| e.resource_type == kind);
                report
                    .find(
                        entry.place(),
                        format!("the {}th of this type", *count),
                        format!("{} entries for `{kind}`: each is one more condition in every search of the type", all.count()),
                    )
                    .help("list the values in one entry, separated by commas, or filter by an account");
            }
        }
    }
    for membership in context.memberships() {
        let count = membership.access.len();
        if count > MAX_ACCESS {
            report
                .find(
                    membership.place(),
                    "many policies",
                    format!(
                        "{} has {count} policies, which are all put together for every login",
                        membership.title()
                    ),
                )
                .help("give resources an account, and filter by that in one policy");
        }
    }
}

/// As short as a policy over the limit can be.
const LARGE: &str = concat!(
    "{\n  \"resourceType\": \"AccessPolicy\",\n  \"name\": \"one entry each\",\n  \"resource\": [\n",
    include_str!("large_policy.txt"),
    "  ]\n}"
);

const SMALL: &str = r#"{
  "resourceType": "AccessPolicy",
  "name": "one entry for all",
  "resource": [
    {
      "resourceType": "Task",
      "criteria": "Task?owner=Practitioner/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11,Practitioner/6a0d8f6e-93c4-44a9-8d68-4f0e7d3b1c22"
    }
  ]
}"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testing::{found, policy};

    #[test]
    fn one_finding_for_a_type_over_the_limit() {
        let entry = r#"{"resourceType": "Task", "criteria": "Task?owner=%profile"}"#;
        let at = policy(&vec![entry; MAX_OF_A_TYPE].join(","));
        assert!(found("L61", &at).is_empty());
        let over = policy(&vec![entry; MAX_OF_A_TYPE + 50].join(","));
        assert_eq!(found("L61", &over), ["warning: \"Task\""]);
    }

    #[test]
    fn many_policies_of_one_member() {
        let access =
            vec![r#"{"policy": {"reference": "AccessPolicy/p"}}"#; MAX_ACCESS + 1].join(",");
        let json = format!(
            r#"[{{"resourceType": "AccessPolicy", "id": "p", "resource": []}},
            {{"resourceType": "ProjectMembership", "profile": {{"reference": "Practitioner/1"}}, "access": [{access}]}}]"#
        );
        assert_eq!(found("L61", &json), ["warning: Practitioner/1"]);
    }
}
