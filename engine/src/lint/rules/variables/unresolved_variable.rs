//! L07: variables without a value. Source: policy-semantics 2.2, D50.

use crate::criteria::syntax::Variable;
use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule, Site};
use crate::words::nearest;

use super::prefix_capture;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L07",
    slug: "unresolved-variable",
    category: Category::Variables,
    level: Severity::Critical,
    summary: "a variable that has no value stays in the criteria as text",
    why: "\
The variables of a criteria are `%profile`, `%profile.id`, `%patient`, `%patient.id` and the parameters that \
the membership gives. Anything else stays as it is written: the filter compares with the text `%nope`, which \
no resource has, so the entry grants nothing. Under `:not` that is true of every resource, and the entry \
grants everything.",
    versions: "\
Every Medplum version. The reference semantics: an entry with a variable without a value grants nothing.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "tasks of others",
  "resource": [{ "resourceType": "Task", "criteria": "Task?code:not=%profle" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "tasks of others",
  "resource": [{ "resourceType": "Task", "criteria": "Task?code:not=%profile" }]
}"#,
        ),
        Example::new(
            r#"[
  {
    "resourceType": "AccessPolicy",
    "id": "care-team",
    "resource": [{ "resourceType": "Patient", "criteria": "Patient?organization=%clinic" }]
  },
  {
    "resourceType": "ProjectMembership",
    "profile": { "reference": "Practitioner/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11" },
    "access": [{ "policy": { "reference": "AccessPolicy/care-team" } }]
  }
]"#,
            r#"[
  {
    "resourceType": "AccessPolicy",
    "id": "care-team",
    "resource": [{ "resourceType": "Patient", "criteria": "Patient?organization=%clinic" }]
  },
  {
    "resourceType": "ProjectMembership",
    "profile": { "reference": "Practitioner/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11" },
    "access": [{
      "policy": { "reference": "AccessPolicy/care-team" },
      "parameter": [{
        "name": "clinic",
        "valueReference": { "reference": "Organization/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11" }
      }]
    }]
  }
]"#,
        )
        .titled("a parameter that a membership does not give"),
    ],
    adopts: &[
        Adopts::all_as("criteria/unresolved-variable", Severity::Error),
        Adopts::all_as("criteria/parameter", Severity::Info),
    ],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        for variable in site.filter.variables() {
            look_at(&site, variable, report);
        }
    }
}

fn look_at(site: &Site<'_>, variable: &Variable, report: &mut Report<'_>) {
    let name = variable.name.as_str();
    let place = site.criteria.at(variable.span);
    if prefix_capture::captured(name).is_some() {
        // What becomes of it is another rule's matter.
        return;
    }
    if site.policy.gives(name) {
        report.answer(place);
        return;
    }
    let negated = site.filter.is_negated();
    let effect = if negated {
        "Medplum compares with the text itself, and every resource matches"
    } else {
        "Medplum compares with the text itself, and nothing matches"
    };
    if name.contains('.') {
        // `%profile.reference`, `%user.id`: the compiler says what is meant. Only the effect of a
        // negation is more than an entry that grants nothing.
        if negated {
            report.find(
                place,
                "not a variable",
                format!("`%{name}` has no value: {effect}"),
            );
        }
        return;
    }
    let near = nearest(name, ["profile", "patient"]);
    let given: usize = site
        .policy
        .variables
        .get(name)
        .map_or(0, |variable| variable.references + variable.texts);
    let suffix = if variable.id { ".id" } else { "" };
    if site.policy.members > 0 {
        let who = match given {
            0 => "no membership gives it".to_owned(),
            _ => format!(
                "{} of {} memberships do not give it",
                site.policy.members.saturating_sub(given),
                site.policy.members
            ),
        };
        let draft = report
            .find(
                place,
                "has no value",
                format!("`%{name}{suffix}` has no value, {who}: {effect}"),
            )
            .level(if negated {
                Severity::Critical
            } else {
                Severity::Error
            });
        let _ = match near {
            Some(near) => draft.help(format!("did you mean `%{near}`?")),
            None => draft.help(format!("give each membership a parameter `{name}`")),
        };
    } else if let Some(near) = near {
        // Nothing is known of any membership, but this is no name that somebody chooses.
        report
            .find(
                place,
                "has no value of its own",
                format!("`%{name}{suffix}` has no value unless every membership gives a parameter of that name: {effect}"),
            )
            .level(if negated { Severity::Critical } else { Severity::Error })
            .help(format!("did you mean `%{near}{suffix}`?"))
            .fix_text(place, format!("%{near}{suffix}"));
    } else if negated {
        report
            .find(
                place,
                "has no value of its own",
                format!("`%{name}{suffix}` must be a parameter of every membership that uses this policy: without it every resource matches on Medplum"),
            )
            .level(Severity::Warning);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found, repaired};

    #[rstest]
    #[case::parameter("Task?owner=%team", &["info: %team"])]
    #[case::negated_parameter("Task?owner:not=%team", &["warning: %team"])]
    #[case::slip("Task?owner=%profle", &["error: %profle"])]
    #[case::slip_negated("Task?owner:not=%pateint.id", &["critical: %pateint.id"])]
    #[case::user("Task?owner=%user.reference", &["error: %user.reference"])]
    #[case::user_negated("Task?owner:not=%user.reference", &["critical: %user.reference"])]
    #[case::text_after("Task?owner=%profile.reference", &["error: %profile.reference"])]
    #[case::built_in("Task?owner=%profile,%patient", &[])]
    #[case::captured("Task?owner=%patients", &[])]
    fn d50(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(found("L07", &criteria("Task", text)), expected);
    }

    fn with_memberships(text: &str, parameters: &[&str]) -> String {
        let policy = criteria("Task", text);
        let memberships: Vec<String> = parameters
            .iter()
            .map(|parameter| format!(
                r#"{{"resourceType": "ProjectMembership", "profile": {{"reference": "Patient/1"}},
                    "access": [{{"policy": {{"reference": "AccessPolicy/p"}}, "parameter": [{parameter}]}}]}}"#
            ))
            .collect();
        format!("[{policy}, {}]", memberships.join(", "))
    }

    const GIVEN: &str = r#"{"name": "team", "valueReference": {"reference": "Organization/1"}}"#;

    #[rstest]
    #[case::all_give_it("Task?owner=%team", &[GIVEN, GIVEN], &[])]
    #[case::one_does_not("Task?owner=%team", &[GIVEN, ""], &["error: %team"])]
    #[case::nobody_does("Task?owner:not=%team", &[""], &["critical: %team"])]
    fn memberships_decide(
        #[case] text: &str,
        #[case] parameters: &[&str],
        #[case] expected: &[&str],
    ) {
        assert_eq!(found("L07", &with_memberships(text, parameters)), expected);
    }

    #[test]
    fn a_slip_is_repaired() {
        let fixed = repaired("L07", &criteria("Task", "Task?owner=%profle.id"));
        assert_eq!(fixed, Some(criteria("Task", "Task?owner=%profile.id")));
    }
}
