//! L59: `_revinclude` of types that are not granted. Source: policy-semantics 5.4.2, case 75.

use fhirward_spec::{ParamType, spec};

use crate::diagnostic::Severity;
use crate::lint::rules::reach::Reach;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L59",
    slug: "unchecked-revinclude",
    category: Category::Interactions,
    level: Severity::Warning,
    summary: "`_revinclude` shows types that the policy does not grant, on servers before 5.1.11",
    why: "\
A search with `_revinclude` also returns the resources that refer to its hits. Servers before 5.1.11 did \
not ask whether the policy grants the *type* of those resources: whoever may search Patients got their \
Observations as well, hidden fields included. Criteria on an entry of that type were applied, so only \
types without any entry are open.

Update the server. Until then, an entry that matches nothing closes a type. It is a warning and no error, \
because no policy can repair it; `--deny L59` makes it one.",
    versions: "\
Medplum before 5.1.11, see https://github.com/medplum/medplum/issues/9100. Newer servers and the \
reference semantics ask.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "patients only",
  "resource": [{ "resourceType": "Patient" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "patients only",
  "resource": [{ "resourceType": "Patient", "interaction": ["read"] }]
}"#,
        )
        .on("5.1.10"),
    ],
    adopts: &[],
    check,
};

/// Types that show most, first.
const TELLING: [&str; 6] = [
    "Observation",
    "Communication",
    "Condition",
    "DocumentReference",
    "Task",
    "ProjectMembership",
];

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    if context.server().features().revinclude_gate {
        return;
    }
    for policy in context.policies() {
        let reach = Reach::of(context, policy);
        if reach.allows_everywhere(Interaction::Search) {
            continue;
        }
        // One finding: the door is the server's, and is the same for every entry.
        let found = policy.entries.iter().find_map(|entry| {
            let open = entry.allows(Interaction::Search);
            let (kind, param) = open
                .then(|| reverse(&entry.resource_type, &reach))
                .flatten()?;
            Some((entry, kind, param))
        });
        if let Some((entry, kind, param)) = found {
            report
                .find(
                    entry.place(),
                    "can be searched",
                    format!(
                        "`{}?_revinclude={kind}:{param}` returns every `{kind}` of the hits, which no entry grants, on servers before 5.1.11",
                        entry.resource_type
                    ),
                )
                .help("update the server to 5.1.11 or newer");
        }
    }
}

/// A type without grant that refers to this one, and by which parameter.
fn reverse(target: &str, reach: &Reach) -> Option<(&'static str, &'static str)> {
    TELLING.into_iter().find_map(|kind| {
        if kind == target
            || reach.allows(kind, Interaction::Search)
            || reach.allows(kind, Interaction::Read)
        {
            return None;
        }
        let param = spec().search_params(kind).find(|param| {
            param.param_type == ParamType::Reference
                && !param.code.starts_with('_')
                && param.targets.iter().any(|name| **name == *target)
        })?;
        Some((kind, &*param.code))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found_on, policy};

    #[rstest]
    #[case::case_75("5.1.10", r#"{"resourceType": "Patient"}"#, 1)]
    #[case::a_line_is_its_first_version("5.0", r#"{"resourceType": "Patient"}"#, 1)]
    #[case::repaired("5.1.11", r#"{"resourceType": "Patient"}"#, 0)]
    #[case::newest("", r#"{"resourceType": "Patient"}"#, 0)]
    #[case::everything_is_granted("5.0", r#"{"resourceType": "*"}"#, 0)]
    #[case::no_search("5.0", r#"{"resourceType": "Patient", "interaction": ["read"]}"#, 0)]
    #[case::once(
        "5.0",
        r#"{"resourceType": "Patient"}, {"resourceType": "Practitioner"}"#,
        1
    )]
    fn by_version(#[case] server: &str, #[case] entries: &str, #[case] expected: usize) {
        assert_eq!(found_on("L59", &policy(entries), server).len(), expected);
    }
}
