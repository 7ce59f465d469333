//! L08: a variable whose beginning is another variable. Source: policy-semantics 2.2.

use crate::diagnostic::Severity;
use crate::lint::view::AccessView;
use crate::lint::{Category, Context, Example, Report, Rule, Site};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L08",
    slug: "prefix-capture",
    category: Category::Variables,
    level: Severity::Critical,
    summary: "a variable begins with the name of another one, which takes its place",
    why: "\
Variables are replaced as text, one name after the other, in the whole policy: first the membership's \
parameters in their order, then `%profile`, then `%patient`. `%patients` becomes `Patient/123s`, and with a \
parameter `org` before `org_parent` the text `%org_parent` becomes the value of `org` with `_parent` after \
it. What the entry then compares with is another value than the one that is written.

Give parameters names that do not begin with one another, or list the longer ones first.",
    versions: "Every Medplum version. The reference semantics: the longest name wins, in any order.",
    examples: &[Example::new(
        r#"[
  {
    "resourceType": "AccessPolicy",
    "id": "clinic",
    "resource": [{ "resourceType": "Patient", "criteria": "Patient?identifier=%org_code" }]
  },
  {
    "resourceType": "ProjectMembership",
    "profile": { "reference": "Practitioner/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11" },
    "access": [{
      "policy": { "reference": "AccessPolicy/clinic" },
      "parameter": [
        { "name": "org", "valueString": "north" },
        { "name": "org_code", "valueString": "7" }
      ]
    }]
  }
]"#,
        r#"[
  {
    "resourceType": "AccessPolicy",
    "id": "clinic",
    "resource": [{ "resourceType": "Patient", "criteria": "Patient?identifier=%org_code" }]
  },
  {
    "resourceType": "ProjectMembership",
    "profile": { "reference": "Practitioner/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11" },
    "access": [{
      "policy": { "reference": "AccessPolicy/clinic" },
      "parameter": [
        { "name": "org_code", "valueString": "7" },
        { "name": "org", "valueString": "north" }
      ]
    }]
  }
]"#,
    )],
    adopts: &[
        crate::lint::Adopts::at_its_findings("criteria/parameter"),
        crate::lint::Adopts::at_its_findings("criteria/unresolved-variable"),
    ],
    check,
};

/// The built-in variable that takes the place of a longer name.
pub(super) fn captured(name: &str) -> Option<&'static str> {
    ["profile", "patient"].into_iter().find(|built_in| {
        name.strip_prefix(built_in)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    })
}

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        for variable in site.filter.variables() {
            if let Some(by) = captured(&variable.name) {
                by_built_in(
                    &site,
                    &variable.name,
                    by,
                    site.criteria.at(variable.span),
                    report,
                );
            }
        }
    }
    for membership in context.memberships() {
        for access in &membership.access {
            by_parameters(access, report);
        }
    }
}

fn by_built_in(
    site: &Site<'_>,
    name: &str,
    by: &str,
    place: crate::lint::Place<'_>,
    report: &mut Report<'_>,
) {
    // A parameter of the membership is replaced first, so its own name is safe.
    if site.policy.gives(name) {
        report.answer(place);
        return;
    }
    let rest = name.strip_prefix(by).unwrap_or_default();
    let level = if site.policy.members > 0 {
        Severity::Critical
    } else {
        Severity::Warning
    };
    let unless = if site.policy.members > 0 {
        ""
    } else {
        ", unless every membership gives it"
    };
    report
        .find(
            place,
            format!("`%{by}`, then `{rest}`"),
            format!(
                "`%{name}` becomes the value of `%{by}` with `{rest}` after it on Medplum{unless}"
            ),
        )
        .level(level)
        .help(format!(
            "write `%{by}`, or give each membership a parameter `{name}`"
        ));
}

/// Two names of which the shorter one stands first.
fn by_parameters(access: &AccessView, report: &mut Report<'_>) {
    // Sorted, a name follows the names that it begins with.
    let mut sorted: Vec<(&str, usize)> = access
        .parameters
        .iter()
        .enumerate()
        .map(|(at, parameter)| (&*parameter.name.text, at))
        .collect();
    sorted.sort_unstable();
    let mut open: Vec<(&str, usize)> = Vec::new();
    for (name, at) in sorted {
        while open
            .last()
            .is_some_and(|(shorter, _)| !name.starts_with(shorter))
        {
            open.pop();
        }
        let earlier = open
            .iter()
            .filter(|(shorter, first)| {
                !shorter.is_empty() && *first < at && shorter.len() < name.len()
            })
            .min_by_key(|(_, first)| *first);
        if let Some((shorter, first)) = earlier
            && let (Some(own), Some(other)) =
                (access.parameters.get(at), access.parameters.get(*first))
        {
            let rest = name.strip_prefix(shorter).unwrap_or_default();
            report
                .find(
                    own.name.place(),
                    "never replaced",
                    format!("`%{name}` becomes the value of `%{shorter}` with `{rest}` after it on Medplum"),
                )
                .also(other.name.place(), "replaced first")
                .help(format!("list `{name}` before `{shorter}`, or rename one of them"));
        }
        open.push((name, at));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::plural("Task?owner=%patients", &["warning: %patients"])]
    #[case::suffix("Task?owner=%profile_team", &["warning: %profile_team"])]
    #[case::itself("Task?owner=%profile", &[])]
    #[case::id("Task?owner=Practitioner/%profile.id", &[])]
    #[case::other("Task?owner=%prof", &[])]
    fn built_in_names(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(found("L08", &criteria("Task", text)), expected);
    }

    fn membership(names: &[&str]) -> String {
        let parameters: Vec<String> = names
            .iter()
            .map(|name| format!(r#"{{"name": "{name}", "valueString": "x"}}"#))
            .collect();
        format!(
            r#"{{"resourceType": "ProjectMembership", "profile": {{"reference": "Patient/1"}},
                "access": [{{"policy": {{"reference": "AccessPolicy/p"}}, "parameter": [{}]}}]}}"#,
            parameters.join(", ")
        )
    }

    #[rstest]
    #[case::shorter_first(&["org", "org_parent"], &["critical: org_parent"])]
    #[case::longer_first(&["org_parent", "org"], &[])]
    #[case::unrelated(&["org", "team"], &[])]
    #[case::three(&["a", "ab", "abc"], &["critical: ab", "critical: abc"])]
    #[case::between(&["a", "b", "ac"], &["critical: ac"])]
    fn names_of_parameters(#[case] names: &[&str], #[case] expected: &[&str]) {
        assert_eq!(found("L08", &membership(names)), expected);
    }

    #[test]
    fn a_parameter_of_the_longer_name_is_safe() {
        let json = format!(
            "[{}, {}]",
            criteria("Task", "Task?owner=%patients"),
            membership(&["patients"])
        );
        assert!(found("L08", &json).is_empty());
    }
}
