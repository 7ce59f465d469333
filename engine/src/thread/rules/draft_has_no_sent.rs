//! M-08: a draft has no time of sending.
//!
//! `sent` is set when the draft is promoted. With it, a draft takes a place among sent messages.
//!
//! ```json
//! { "resourceType": "Communication", "status": "preparation", "sent": "2024-04-10T10:00:00Z", … }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::thread::context::Context;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "M-08",
    severity: Severity::Warning,
    page: "message-editing-and-drafts",
    summary: "a draft has no time of sending",
    help: "leave `sent` out until the draft is sent",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for message in context.messages() {
        if message.text("status") == Some("preparation") && message.has("sent") {
            report.add(
                message.index,
                "/sent",
                "the message is a draft, but has `sent`",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, message};
    use serde_json::json;

    #[test]
    fn a_draft_with_a_time() {
        assert_eq!(
            found(&RULE, &[message(json!({"status": "preparation"}))]),
            ["0 /sent"]
        );
    }

    #[test]
    fn a_draft_and_a_sent_one() {
        assert_eq!(
            found(
                &RULE,
                &[
                    message(json!({"sent": null, "status": "preparation"})),
                    message(json!({}))
                ]
            ),
            Vec::<String>::new()
        );
    }
}
