//! W04: a policy that shows one side of a conversation. Source: policy-semantics 3.2.

use crate::criteria::syntax::Piece;
use crate::diagnostic::Severity;
use crate::lint::view::{EntryView, PolicyView};
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "W04",
    slug: "one-side-of-messages",
    category: Category::Messaging,
    level: Severity::Warning,
    summary: "the member sees the messages sent to them or those they have sent, not both",
    why: "\
With `Communication?recipient=%profile` alone, a member cannot send: the message that they create names \
the others as recipients, does not match the entry, and is denied with 403, unless they list themselves \
as well. With `Communication?sender=%profile` alone they see no answer. A conversation needs both, as two \
entries.",
    versions: "Every Medplum version, and the reference semantics.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "messages to me",
  "resource": [
    { "resourceType": "Communication", "criteria": "Communication?recipient=%profile" }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "messages to me",
  "resource": [
    { "resourceType": "Communication", "criteria": "Communication?recipient=%profile" },
    { "resourceType": "Communication", "criteria": "Communication?sender=%profile" }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

/// A role of a member in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Sender,
    Recipient,
}

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        // What the other policies of a member grant is not looked into.
        if context.is_one_of_several(policy) {
            continue;
        }
        look_at(policy, report);
    }
}

fn look_at(policy: &PolicyView, report: &mut Report<'_>) {
    let entries = || policy.entries.iter().filter(|e| e.covers("Communication"));
    let Some(sides) = entries().map(side).collect::<Option<Vec<Side>>>() else {
        // An entry that asks something else may grant the other side too.
        return;
    };
    let (Some(first), Some(entry)) = (sides.first(), entries().next()) else {
        return;
    };
    if sides.iter().any(|side| side != first) {
        return;
    }
    let Some(criteria) = &entry.criteria else {
        return;
    };
    match first {
        Side::Recipient if entries().any(|e| e.allows(Interaction::Create)) => {
            report
                .find(
                    criteria.place(),
                    "messages to the member",
                    "the member may create only messages that list themselves as recipient: any other is denied with 403",
                )
                .help("add an entry with `Communication?sender=%profile`");
        }
        Side::Recipient => {}
        Side::Sender => {
            report
                .find(
                    criteria.place(),
                    "messages by the member",
                    "the member sees the messages they have sent and no answer to them",
                )
                .help("add an entry with `Communication?recipient=%profile`");
        }
    }
}

/// The role that an entry asks for, where it asks for one by the member's own reference.
fn side(entry: &EntryView) -> Option<Side> {
    let mut sides = entry.filters().filter_map(|filter| {
        let side = match filter.code() {
            "sender" => Side::Sender,
            "recipient" => Side::Recipient,
            _ => return None,
        };
        let own = filter.modifier().is_none()
            && matches!(
                filter.pair.alternatives.as_slice(),
                [one] if matches!(one.pieces.as_slice(), [Piece::Variable(v)] if v.name == "profile" || v.name == "patient")
            );
        own.then_some(side)
    });
    let side = sides.next()?;
    // Both at once is another rule's matter.
    sides.next().is_none().then_some(side)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    fn of(queries: &[&str]) -> Vec<String> {
        let entries: Vec<String> = queries
            .iter()
            .map(|query| {
                format!(
                    r#"{{"resourceType": "Communication", "criteria": "Communication?{query}"}}"#
                )
            })
            .collect();
        found("W04", &policy(&entries.join(",")))
    }

    #[rstest]
    #[case::recipient(&["recipient=%profile"], 1)]
    #[case::sender(&["sender=%profile"], 1)]
    #[case::with_more(&["recipient=%profile&status=completed"], 1)]
    #[case::both(&["recipient=%profile", "sender=%profile"], 0)]
    #[case::by_compartment(&["_compartment=%patient"], 0)]
    #[case::and_something_else(&["recipient=%profile", "subject=%patient"], 0)]
    #[case::anded(&["recipient=%profile&sender=%profile"], 0)]
    fn finds(#[case] queries: &[&str], #[case] expected: usize) {
        assert_eq!(of(queries).len(), expected);
    }

    #[test]
    fn who_only_reads_is_not_denied() {
        let entry = r#"{"resourceType": "Communication", "criteria": "Communication?recipient=%profile", "readonly": true}"#;
        assert!(found("W04", &policy(entry)).is_empty());
    }

    #[test]
    fn everything_is_granted() {
        let entries = r#"{"resourceType": "*"}, {"resourceType": "Communication", "criteria": "Communication?sender=%profile"}"#;
        assert!(found("W04", &policy(entries)).is_empty());
    }
}
