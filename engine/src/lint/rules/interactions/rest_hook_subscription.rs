//! L50: creating subscriptions of any kind. Source: policy-semantics 3.6, 5.4.11.

use crate::criteria::syntax::Piece;
use crate::diagnostic::Severity;
use crate::lint::view::EntryView;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L50",
    slug: "rest-hook-subscription",
    category: Category::Interactions,
    level: Severity::Critical,
    summary: "a member may create a Subscription of the type rest-hook, which gets around the policy",
    why: "\
A server filters what it sends to a *websocket* subscription by the policy of the member who made it. \
For a *rest-hook* it does not: whatever matches the subscription's criteria in the whole project is \
posted to the address that the member chose. To let a member create such a subscription is close to \
letting them read everything.

Allow websockets only: `Subscription?type=websocket&author=%profile`.",
    versions: "\
Every Medplum version so far: the denial is only logged, see \
https://github.com/medplum/medplum/issues/8807 and https://github.com/medplum/medplum/issues/9750.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "live chat",
  "resource": [
    { "resourceType": "Communication", "criteria": "Communication?recipient=%profile" },
    { "resourceType": "Communication", "criteria": "Communication?sender=%profile" },
    { "resourceType": "Subscription", "criteria": "Subscription?author=%profile" }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "live chat",
  "resource": [
    { "resourceType": "Communication", "criteria": "Communication?recipient=%profile" },
    { "resourceType": "Communication", "criteria": "Communication?sender=%profile" },
    { "resourceType": "Subscription", "criteria": "Subscription?type=websocket&author=%profile" }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, entry) in context.entries() {
        let writes = [Interaction::Create, Interaction::Update]
            .into_iter()
            .find(|interaction| entry.allows(*interaction));
        let Some(interaction) = writes.filter(|_| entry.resource_type == "Subscription") else {
            continue;
        };
        if only_websockets(entry) || has_constraint_on_channel(entry) {
            continue;
        }
        let place = match &entry.criteria {
            Some(criteria) => criteria.place(),
            None => entry.place(),
        };
        report
            .find(
                place,
                "any channel",
                format!("`{interaction}` of a rest-hook Subscription is allowed: Medplum posts to it whatever matches in the project, whether the member may see it or not"),
            )
            .help("allow websockets only: `Subscription?type=websocket&author=%profile`");
    }
}

/// Whether a filter lets websockets through and nothing else.
fn only_websockets(entry: &EntryView) -> bool {
    entry.filters().any(|filter| {
        filter.code() == "type"
            && filter.modifier().is_none()
            && !filter.pair.alternatives.is_empty()
            && filter.pair.alternatives.iter().all(|alternative| {
                matches!(alternative.pieces.last(), Some(Piece::Text(text)) if text == "websocket")
            })
    })
}

/// Whether a write constraint speaks of the channel: what it says is not judged here.
fn has_constraint_on_channel(entry: &EntryView) -> bool {
    let mut constraints = entry.write_constraints.iter();
    constraints.any(|constraint| constraint.text.contains("channel"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::no_criteria(r#"{"resourceType": "Subscription"}"#, &["critical: \"Subscription\""])]
    #[case::own_ones(
        r#"{"resourceType": "Subscription", "criteria": "Subscription?author=%profile"}"#,
        &["critical: Subscription?author=%profile"]
    )]
    #[case::not_rest_hook_is_not_enough(
        r#"{"resourceType": "Subscription", "criteria": "Subscription?type=websocket,rest-hook"}"#,
        &["critical: Subscription?type=websocket,rest-hook"]
    )]
    #[case::websockets(
        r#"{"resourceType": "Subscription", "criteria": "Subscription?type=websocket"}"#, &[]
    )]
    #[case::readable(r#"{"resourceType": "Subscription", "readonly": true}"#, &[])]
    #[case::everything_is_readable_anyway(r#"{"resourceType": "*"}"#, &[])]
    fn finds(#[case] entry: &str, #[case] expected: &[&str]) {
        assert_eq!(found("L50", &policy(entry)), expected);
    }
}
