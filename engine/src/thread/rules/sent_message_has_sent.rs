//! M-07: a sent message has a time.
//!
//! A thread is shown in the order of `sent`. There is nothing else to order it by.
//!
//! ```json
//! { "resourceType": "Communication", "status": "in-progress", "partOf": […], "payload": […] }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::thread::context::Context;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "M-07",
    severity: Severity::Warning,
    page: "messaging-data-model",
    summary: "a sent message has a time",
    help: "give `sent`, by which the messages of a thread are sorted",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for message in context.messages() {
        if message.text("status") == Some("in-progress") && !message.has("sent") {
            report.add(message.index, "", "the message is sent, but has no `sent`");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, message};
    use serde_json::json;

    #[test]
    fn no_time() {
        assert_eq!(found(&RULE, &[message(json!({"sent": null}))]), ["0 "]);
    }

    #[test]
    fn a_time_or_a_draft() {
        assert_eq!(
            found(
                &RULE,
                &[
                    message(json!({})),
                    message(json!({"sent": null, "status": "preparation"}))
                ]
            ),
            Vec::<String>::new()
        );
    }
}
