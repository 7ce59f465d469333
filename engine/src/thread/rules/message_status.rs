//! M-06: a message is in preparation, in-progress, completed or entered-in-error.
//!
//! The documented flows know these four states. Another code of R4 is reported as a warning: it is
//! valid FHIR, but no list of messages takes it into account. Anything else is an error.
//!
//! ```json
//! { "resourceType": "Communication", "status": "stopped", "partOf": […], "payload": […] }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::thread::context::Context;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "M-06",
    severity: Severity::Error,
    page: "messaging-data-model",
    summary: "a message is in preparation, in-progress, completed or entered-in-error",
    help: "use `preparation` for a draft, `in-progress` for a sent message, `completed` for a read one, `entered-in-error` for a retracted one",
    check,
};

const STATUSES: [&str; 4] = [
    "preparation",
    "in-progress",
    "completed",
    "entered-in-error",
];

/// The other codes of R4's event status.
const OTHERS: [&str; 4] = ["not-done", "on-hold", "stopped", "unknown"];

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for message in context.messages() {
        match message.text("status") {
            None => report.add(message.index, "", "the message has no status"),
            Some(status) if STATUSES.contains(&status) => {}
            Some(status) => {
                let severity = if OTHERS.contains(&status) {
                    Severity::Warning
                } else {
                    RULE.severity
                };
                let text = format!("`{status}` is not a state of a message");
                report.add_as(severity, message.index, "/status", text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, message};
    use serde_json::json;

    #[test]
    fn other_statuses() {
        assert_eq!(
            found(
                &RULE,
                &[
                    message(json!({"status": "stopped"})),
                    message(json!({"status": "sent"})),
                    message(json!({"status": null}))
                ]
            ),
            ["0 /status", "1 /status", "2 "]
        );
    }

    #[test]
    fn a_code_of_r4_is_a_warning() {
        let message = message(json!({"status": "stopped"}));
        let findings = crate::thread::check(&[&message]);
        let severity = findings
            .iter()
            .find(|f| f.rule == "M-06")
            .map(|f| f.severity);
        assert_eq!(severity, Some(crate::diagnostic::Severity::Warning));
    }

    #[test]
    fn a_draft_and_a_sent_one() {
        assert_eq!(
            found(
                &RULE,
                &[
                    message(json!({})),
                    message(json!({"status": "preparation"}))
                ]
            ),
            Vec::<String>::new()
        );
    }
}
