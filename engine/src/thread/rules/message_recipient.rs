//! M-04: a message has a recipient.
//!
//! Unread lists and policies look for the reader among the message's recipients: without one, only
//! the sender finds it.
//!
//! ```json
//! { "partOf": [{ "reference": "Communication/h" }], "sender": { "reference": "Patient/homer" }, … }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::thread::context::Context;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "M-04",
    severity: Severity::Warning,
    page: "messaging-data-model",
    summary: "a message has a recipient",
    help: "list everyone the message is for as `recipient`",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for message in context.messages() {
        if !message.has("recipient") {
            report.add(message.index, "", "the message is for nobody");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, header, message};
    use serde_json::json;

    #[test]
    fn no_recipient() {
        assert_eq!(found(&RULE, &[message(json!({"recipient": []}))]), ["0 "]);
    }

    #[test]
    fn a_recipient() {
        assert_eq!(
            found(
                &RULE,
                &[message(json!({})), header(json!({"recipient": []}))]
            ),
            Vec::<String>::new()
        );
    }
}
