//! M-15: a reply answers an earlier message of the same thread.
//!
//! `inResponseTo` is for a Reply button, not for the order of a chat. A reply into another thread,
//! or to a message that was sent later, is shown in the wrong place or not at all.
//!
//! ```json
//! { "partOf": [{ "reference": "Communication/h" }], "inResponseTo": [{ "reference": "Communication/of-another-thread" }], … }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::resource::instant_of;
use crate::thread::context::Context;
use crate::thread::context::{Communication, same_target};
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "M-15",
    severity: Severity::Info,
    page: "messaging-data-model",
    summary: "a reply answers an earlier message of the same thread",
    help: "use `inResponseTo` only for an explicit reply to one earlier message of the thread",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for message in context.messages() {
        for (at, text) in message.references("inResponseTo") {
            let Some(answered) = context.find(text) else {
                continue;
            };
            let pointer = format!("/inResponseTo/{at}");
            let parents = || message.references("partOf").map(|(_, parent)| parent);
            let mut theirs = answered.references("partOf").map(|(_, parent)| parent);
            if !theirs.any(|theirs| parents().any(|parent| same_target(parent, theirs))) {
                let what = format!("`{text}` is no message of the same thread");
                report.add(message.index, &pointer, what);
                continue;
            }
            let sent = |c: &Communication<'_>| c.text("sent").and_then(instant_of);
            if let (Some(theirs), Some(own)) = (sent(answered), sent(message))
                && theirs > own
            {
                let what = format!("`{text}` was sent after this reply to it");
                report.add(message.index, &pointer, what);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, header, message};
    use serde_json::json;

    fn reply_to_m() -> serde_json::Value {
        message(
            json!({"sent": "2024-04-10T12:10:00+02:00", "inResponseTo": [{"reference": "Communication/m"}]}),
        )
    }

    #[test]
    fn of_another_thread() {
        assert_eq!(
            found(
                &RULE,
                &[
                    message(json!({"id": "m", "partOf": [{"reference": "Communication/other"}]})),
                    reply_to_m()
                ]
            ),
            ["1 /inResponseTo/0"]
        );
    }

    #[test]
    fn to_a_header() {
        assert_eq!(
            found(&RULE, &[header(json!({"id": "m"})), reply_to_m()]),
            ["1 /inResponseTo/0"]
        );
    }

    #[test]
    fn to_a_later_one() {
        assert_eq!(
            found(
                &RULE,
                &[
                    message(json!({"id": "m", "sent": "2024-04-10T10:30:00Z"})),
                    reply_to_m()
                ]
            ),
            ["1 /inResponseTo/0"]
        );
    }

    #[test]
    fn to_an_earlier_one() {
        assert_eq!(
            found(&RULE, &[message(json!({"id": "m"})), reply_to_m()]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn to_an_unknown_one() {
        assert_eq!(found(&RULE, &[reply_to_m()]), Vec::<String>::new());
    }
}
