//! W03: one criteria that asks the same member to have two roles. Source: policy-semantics R.1, R.5.

use crate::criteria::syntax::Piece;
use crate::diagnostic::Severity;
use crate::lint::view::FilterView;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "W03",
    slug: "anded-roles",
    category: Category::Messaging,
    level: Severity::Warning,
    summary: "one criteria asks that the same member has two roles, where either was meant",
    why: "\
Filters joined by `&` must all match. `Communication?sender=%profile&recipient=%profile` grants messages \
that somebody has sent *to themselves*, and nothing else. To grant messages that the member has sent and \
messages that they have received takes two entries: entries add up.",
    versions: "Every Medplum version, and the reference semantics.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "my messages",
  "resource": [
    {
      "resourceType": "Communication",
      "criteria": "Communication?sender=%profile&recipient=%profile"
    }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "my messages",
  "resource": [
    { "resourceType": "Communication", "criteria": "Communication?sender=%profile" },
    { "resourceType": "Communication", "criteria": "Communication?recipient=%profile" }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

/// Search parameters that say what somebody is to a resource.
const ROLES: [&str; 16] = [
    "sender",
    "recipient",
    "owner",
    "requester",
    "performer",
    "author",
    "asserter",
    "recorder",
    "participant",
    "practitioner",
    "general-practitioner",
    "attester",
    "authenticator",
    "informer",
    "responder",
    "actor",
];

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (entry, criteria) in context.criteria() {
        let roles: Vec<(&FilterView, String)> = criteria
            .filters
            .iter()
            .filter_map(|filter| Some((filter, member(filter)?)))
            .collect();
        let pair = roles.iter().enumerate().find_map(|(at, (second, who))| {
            let (first, _) = roles
                .iter()
                .take(at)
                .find(|(first, other)| other == who && first.code() != second.code())?;
            Some((*first, *second, who))
        });
        let Some((first, second, who)) = pair else {
            continue;
        };
        report
            .find(
                criteria.at(second.pair.span),
                "and this",
                format!(
                    "this grants a `{}` only if `{who}` is `{}` *and* `{}` of it",
                    entry.resource_type,
                    first.code(),
                    second.code()
                ),
            )
            .also(criteria.at(first.pair.span), "this")
            .help(format!(
                "for either role write two entries, one with `{}` and one with `{}`",
                criteria.text.slice(first.pair.span).replace('`', "'"),
                criteria.text.slice(second.pair.span).replace('`', "'")
            ));
    }
}

/// The variable that a filter asks a role for.
fn member(filter: &FilterView) -> Option<String> {
    if filter.modifier().is_some() || !ROLES.contains(&filter.code()) {
        return None;
    }
    match filter.pair.alternatives.as_slice() {
        [one] => match one.pieces.as_slice() {
            [Piece::Variable(variable)] => Some(format!("%{}", variable.name)),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::both("Communication", "sender=%profile&recipient=%profile", &["warning: recipient=%profile"])]
    #[case::reversed("Communication", "recipient=%profile&sender=%profile", &["warning: sender=%profile"])]
    #[case::tasks("Task", "owner=%profile&requester=%profile", &["warning: requester=%profile"])]
    #[case::two_people("Communication", "sender=%profile&recipient=%patient", &[])]
    #[case::complement("Communication", "sender=%profile&recipient:not=%profile", &[])]
    #[case::another_filter("Communication", "sender=%profile&status=completed", &[])]
    fn finds(#[case] kind: &str, #[case] query: &str, #[case] expected: &[&str]) {
        assert_eq!(
            found("W03", &criteria(kind, &format!("{kind}?{query}"))),
            expected
        );
    }
}
