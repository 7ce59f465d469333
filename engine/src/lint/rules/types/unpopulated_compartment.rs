//! L44: compartments that no server fills. Source: policy-semantics 2.6.

use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L44",
    slug: "unpopulated-compartment",
    category: Category::Types,
    level: Severity::Warning,
    summary: "a `_compartment` filter names a type whose compartments are not filled by themselves",
    why: "\
R4 defines compartments of Patient, Practitioner, RelatedPerson, Encounter and Device, but a server fills \
only the patient's by itself. A resource is in another compartment only where somebody has set it as an \
account (`meta.accounts`, or `AccessPolicy.compartment` of who created it). Without that the filter matches \
nothing.

Filter by the search parameter of the type instead: `Task?owner=%profile`, \
`Encounter?participant=%profile`.",
    versions: "Every Medplum version.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "my tasks",
  "resource": [
    {
      "resourceType": "Task",
      "criteria": "Task?_compartment=Practitioner/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11"
    }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "my tasks",
  "resource": [
    {
      "resourceType": "Task",
      "criteria": "Task?owner=Practitioner/2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11"
    }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

const NEVER_FILLED: [&str; 6] = [
    "Practitioner/",
    "PractitionerRole/",
    "RelatedPerson/",
    "Encounter/",
    "Device/",
    "Location/",
];

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        if site.filter.code() != "_compartment" || site.filter.is_missing() {
            continue;
        }
        let account = site.policy.compartment.as_ref().map(|text| &*text.text);
        for (text, span) in site.filter.literals() {
            let Some(kind) = NEVER_FILLED.iter().find(|kind| text.starts_with(**kind)) else {
                continue;
            };
            if account == Some(text) {
                continue;
            }
            report
                .find(
                    site.criteria.at(span),
                    "filled by hand only",
                    format!(
                        "no server puts resources into the compartment of a `{}` by itself: this matches only what has it as an account",
                        kind.trim_end_matches('/')
                    ),
                )
                .help("filter by a search parameter that refers to it, or set it as account of what is meant");
        }
        by_profile(context, &site, report);
    }
}

/// `%profile` is such a compartment for members that are not patients.
fn by_profile(context: &Context<'_>, site: &crate::lint::Site<'_>, report: &mut Report<'_>) {
    let Some(variable) = site.filter.variables().find(|v| v.name == "profile") else {
        return;
    };
    let members = context.members_of(site.policy);
    let other = members
        .iter()
        .filter_map(|(membership, _)| membership.profile.as_ref())
        .find(|profile| {
            NEVER_FILLED
                .iter()
                .any(|kind| profile.text.starts_with(kind))
        });
    if let Some(profile) = other {
        report
            .find(
                site.criteria.at(variable.span),
                "filled for patients only",
                format!(
                    "for the member `{}` this is a compartment that no server fills by itself",
                    profile.text
                ),
            )
            .help("filter by a search parameter that refers to the member, like `owner=%profile`");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::practitioner("Practitioner/1", 1)]
    #[case::encounter("Encounter/1", 1)]
    #[case::one_of_two("Patient/1,Location/2", 1)]
    #[case::patient("Patient/1", 0)]
    #[case::organisations_are_accounts("Organization/1", 0)]
    #[case::profile_of_nobody_known("%profile", 0)]
    fn finds(#[case] value: &str, #[case] expected: usize) {
        let json = criteria("Task", &format!("Task?_compartment={value}"));
        assert_eq!(found("L44", &json).len(), expected);
    }

    #[test]
    fn a_practitioner_is_no_compartment() {
        let json = r#"[
            {"resourceType": "AccessPolicy", "id": "p", "resource": [{"resourceType": "Task", "criteria": "Task?_compartment=%profile"}]},
            {"resourceType": "ProjectMembership", "profile": {"reference": "Practitioner/1"}, "accessPolicy": {"reference": "AccessPolicy/p"}}
        ]"#;
        assert_eq!(found("L44", json), ["warning: %profile"]);
    }
}
