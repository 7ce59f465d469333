//! H-10: a header's recipients are all participants, its sender included.
//!
//! Inboxes and access policies look for the person among the header's recipients. Who sends but is
//! not listed there loses the thread from their own inbox.
//!
//! ```json
//! { "sender": { "reference": "Practitioner/alice" }, "recipient": [{ "reference": "Patient/homer" }] }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::thread::context::Context;
use crate::thread::context::same_target;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "H-10",
    severity: Severity::Warning,
    page: "thread-lifecycle-participants-access-control",
    summary: "a header's recipients are all participants, its sender included",
    help: "add the participant to the header's `recipient`",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for header in context.headers() {
        let mut missing: Vec<&str> = Vec::new();
        let own = header.references("sender").map(|(_, s)| (s, None));
        let others = context.messages_of(header).flat_map(|message| {
            let senders = message.references("sender");
            senders.map(move |(_, sender)| (sender, Some(message.name())))
        });
        for (sender, message) in own.chain(others) {
            let mut listed = header.references("recipient").map(|(_, text)| text);
            let is_listed = listed.any(|text| same_target(text, sender));
            if is_listed || missing.iter().any(|known| same_target(known, sender)) {
                continue;
            }
            missing.push(sender);
            let what = match message {
                None => format!("the sender `{sender}` is not among the recipients"),
                Some(message) => {
                    format!("`{sender}`, who sent {message}, is not among the recipients")
                }
            };
            let pointer = if header.has("recipient") {
                "/recipient"
            } else {
                ""
            };
            report.add(header.index, pointer, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, header, message};
    use serde_json::json;

    #[test]
    fn the_sender_is_missing() {
        assert_eq!(
            found(
                &RULE,
                &[header(
                    json!({"recipient": [{"reference": "Patient/homer"}]})
                )]
            ),
            ["0 /recipient"]
        );
    }

    #[test]
    fn the_sender_of_a_message_is_missing() {
        assert_eq!(
            found(
                &RULE,
                &[
                    header(json!({})),
                    message(json!({"sender": {"reference": "Practitioner/house"}})),
                    message(json!({"sender": {"reference": "Practitioner/house"}}))
                ]
            ),
            ["0 /recipient"]
        );
    }

    #[test]
    fn no_recipients_at_all() {
        assert_eq!(found(&RULE, &[header(json!({"recipient": []}))]), ["0 "]);
    }

    #[test]
    fn everybody_is_listed() {
        assert_eq!(
            found(&RULE, &[header(json!({})), message(json!({}))]),
            Vec::<String>::new()
        );
    }
}
