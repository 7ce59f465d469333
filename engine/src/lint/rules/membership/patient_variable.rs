//! L55: `%patient` for a member who is no patient. Source: policy-semantics 2.2.

use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L55",
    slug: "patient-variable",
    category: Category::Membership,
    level: Severity::Warning,
    summary: "`%patient` is used for a member who is no patient",
    why: "\
`%patient` is the member's profile under another name, unless the membership gives a parameter `patient`. \
For a practitioner it is `Practitioner/…`, and criteria like `Observation?subject=%patient` match nothing. \
Caregivers and staff need the parameter, one access for each patient.",
    versions: "Every Medplum version, and the reference semantics.",
    examples: &[Example::new(
        r#"[
  {
    "resourceType": "AccessPolicy",
    "id": "record",
    "resource": [{ "resourceType": "Observation", "criteria": "Observation?subject=%patient" }]
  },
  {
    "resourceType": "ProjectMembership",
    "profile": { "reference": "RelatedPerson/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11" },
    "access": [{ "policy": { "reference": "AccessPolicy/record" } }]
  }
]"#,
        r#"[
  {
    "resourceType": "AccessPolicy",
    "id": "record",
    "resource": [{ "resourceType": "Observation", "criteria": "Observation?subject=%patient" }]
  },
  {
    "resourceType": "ProjectMembership",
    "profile": { "reference": "RelatedPerson/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11" },
    "access": [
      {
        "policy": { "reference": "AccessPolicy/record" },
        "parameter": [
          {
            "name": "patient",
            "valueReference": { "reference": "Patient/6a0d8f6e-93c4-44a9-8d68-4f0e7d3b1c22" }
          }
        ]
      }
    ]
  }
]"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for membership in context.memberships() {
        let Some(profile) = &membership.profile else {
            continue;
        };
        if profile.text.starts_with("Patient/") {
            continue;
        }
        let uses = membership.access.iter().find(|access| {
            let policy = access.policy.as_ref().and_then(|p| context.policy(&p.text));
            let given = access.parameters.iter().any(|p| &*p.name.text == "patient");
            let used = policy.is_some_and(|policy| {
                let mut criteria = policy.entries.iter().filter_map(|e| e.criteria.as_ref());
                criteria.any(|criteria| criteria.variables().any(|v| v.name == "patient"))
            });
            used && !given
        });
        if let Some(access) = uses {
            let draft = report.find(
                membership.place(),
                "no patient",
                format!(
                    "the policy uses `%patient`, which for this member is `{}`",
                    profile.text.replace('`', "'")
                ),
            );
            let draft = match &access.policy {
                Some(policy) => draft.also(policy.place(), "uses `%patient`"),
                None => draft,
            };
            draft.help("give this access a parameter `patient` with a reference to the patient, or use `%profile`");
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::found;

    #[rstest]
    #[case::practitioner("Practitioner/1", "Task?subject=%patient", 1)]
    #[case::patient("Patient/1", "Task?subject=%patient", 0)]
    #[case::profile("Practitioner/1", "Task?owner=%profile", 0)]
    fn by_profile(#[case] profile: &str, #[case] criteria: &str, #[case] expected: usize) {
        let json = format!(
            r#"[
            {{"resourceType": "AccessPolicy", "id": "p", "resource": [{{"resourceType": "Task", "criteria": "{criteria}"}}]}},
            {{"resourceType": "ProjectMembership", "profile": {{"reference": "{profile}"}}, "accessPolicy": {{"reference": "AccessPolicy/p"}}}}
        ]"#
        );
        assert_eq!(found("L55", &json).len(), expected);
    }
}
