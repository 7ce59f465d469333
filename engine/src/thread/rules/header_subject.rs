//! H-12: a header has a subject.
//!
//! Threads of a patient are found by their subject.
//!
//! ```json
//! { "resourceType": "Communication", "status": "in-progress", "topic": { "text": "Knee" } }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::thread::context::Context;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "H-12",
    severity: Severity::Warning,
    page: "messaging-data-model",
    summary: "a header has a subject",
    help: "give `subject`, the patient or group that the conversation is about",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for header in context.headers() {
        if !header.has("subject") {
            report.add(header.index, "", "the thread is about nobody");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, header, message};
    use serde_json::json;

    #[test]
    fn no_subject() {
        assert_eq!(found(&RULE, &[header(json!({"subject": null}))]), ["0 "]);
    }

    #[test]
    fn a_subject() {
        assert_eq!(
            found(&RULE, &[header(json!({})), message(json!({}))]),
            Vec::<String>::new()
        );
    }
}
