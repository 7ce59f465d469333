//! L43: creating in a compartment that nothing puts resources into. Source: policy-semantics 2.1.4,
//! 2.6, case 30.

use crate::diagnostic::Severity;
use crate::lint::view::{FilterView, PolicyView};
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L43",
    slug: "untagged-create",
    category: Category::Types,
    level: Severity::Warning,
    summary: "resources may be created in a compartment that nothing puts them into",
    why: "\
A `_compartment` filter asks for `meta.compartment`, which the server computes. The patient of a resource \
is put in by itself; any other compartment, an organisation above all, has to be an *account* of the \
resource. What a member creates gets the account that `AccessPolicy.compartment` names, and none without \
it, so the new resource does not match the entry and the create is denied.

Set `AccessPolicy.compartment` to the same reference. A member with several policies gets only the \
compartment of the last one that has one.",
    versions: "\
Every Medplum version, see https://github.com/medplum/medplum/issues/3668 and \
https://github.com/medplum/medplum/issues/5124. Resources that refer to a patient inherit the patient's \
accounts, and such creates succeed.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "tenant",
  "resource": [
    {
      "resourceType": "Patient",
      "criteria": "Patient?_compartment=Organization/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11"
    }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "tenant",
  "compartment": { "reference": "Organization/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11" },
  "resource": [
    {
      "resourceType": "Patient",
      "criteria": "Patient?_compartment=Organization/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11"
    }
  ]
}"#,
    )],
    adopts: &[Adopts::all("membership/several-accounts")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        if policy.compartment.is_some() || companion_tags(context, policy) {
            continue;
        }
        for entry in &policy.entries {
            if !entry.allows(Interaction::Create) {
                continue;
            }
            let Some(criteria) = &entry.criteria else {
                continue;
            };
            let Some(filter) = entry.filters().find(|filter| in_an_account(filter)) else {
                continue;
            };
            report
                .find(
                    criteria.at(filter.pair.span),
                    "nothing puts a new resource here",
                    format!(
                        "`{}` created under this entry gets no account, so it does not match and is denied",
                        entry.resource_type
                    ),
                )
                .help("set `AccessPolicy.compartment` to the same reference, or take `create` from the entry");
        }
    }
    several_compartments(context, report);
}

/// Whether the filter asks for a compartment that is certainly no patient's.
fn in_an_account(filter: &FilterView) -> bool {
    filter.code() == "_compartment"
        && filter.modifier().is_none()
        && filter
            .literals()
            .any(|(text, _)| text.starts_with("Organization/"))
}

/// Whether another policy of some member names an account.
fn companion_tags(context: &Context<'_>, policy: &PolicyView) -> bool {
    context
        .members_of(policy)
        .iter()
        .flat_map(|(membership, _)| &membership.access)
        .filter_map(|access| context.policy(&access.policy.as_ref()?.text))
        .any(|other| other.compartment.is_some())
}

fn several_compartments(context: &Context<'_>, report: &mut Report<'_>) {
    for membership in context.memberships() {
        let mut last: Option<&str> = None;
        for access in &membership.access {
            let Some(reference) = &access.policy else {
                continue;
            };
            let compartment = context
                .policy(&reference.text)
                .and_then(|policy| policy.compartment.as_ref())
                // With a parameter in it, each access has its own value.
                .filter(|compartment| !compartment.text.contains('%'));
            let Some(compartment) = compartment else {
                continue;
            };
            if let Some(before) = last
                && before != &*compartment.text
            {
                report
                    .find(
                        reference.place(),
                        "the last one counts",
                        format!(
                            "of several policies with a `compartment` the last one wins: what this member creates goes to `{}`, never to `{before}`",
                            compartment.text
                        ),
                    )
                    .help("give one of the policies no `compartment`, or use two memberships");
                report.answer(membership.place());
            }
            last = Some(&compartment.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found, policy};

    #[test]
    fn case_30() {
        let json = criteria("Patient", "Patient?_compartment=Organization/o");
        assert_eq!(
            found("L43", &json),
            ["warning: _compartment=Organization/o"]
        );
    }

    #[rstest]
    #[case::a_patient("Observation?_compartment=Patient/p")]
    #[case::a_variable("Observation?_compartment=%patient")]
    #[case::outside("Observation?_compartment:not=Organization/o")]
    fn is_silent(#[case] text: &str) {
        assert!(found("L43", &criteria("Observation", text)).is_empty());
    }

    #[test]
    fn without_create_nothing_is_missing() {
        let entry = r#"{"resourceType": "Patient", "interaction": ["read", "search"], "criteria": "Patient?_compartment=Organization/o"}"#;
        assert!(found("L43", &policy(entry)).is_empty());
    }

    #[test]
    fn the_last_compartment_wins() {
        let json = r#"[
            {"resourceType": "AccessPolicy", "id": "a", "compartment": {"reference": "Organization/a"}, "resource": []},
            {"resourceType": "AccessPolicy", "id": "b", "compartment": {"reference": "Organization/b"}, "resource": []},
            {"resourceType": "ProjectMembership", "profile": {"reference": "Practitioner/1"}, "access": [
                {"policy": {"reference": "AccessPolicy/a"}}, {"policy": {"reference": "AccessPolicy/b"}}]}
        ]"#;
        assert_eq!(found("L43", json), ["warning: AccessPolicy/b"]);
    }
}
