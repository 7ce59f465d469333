//! H-05: a header is in-progress, completed or entered-in-error.
//!
//! The thread's life has these three states; lists of open and closed threads expect no others.
//!
//! ```json
//! { "resourceType": "Communication", "status": "on-hold", "topic": { "text": "Knee" } }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::thread::context::Context;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "H-05",
    severity: Severity::Warning,
    page: "thread-lifecycle-participants-access-control",
    summary: "a header is in-progress, completed or entered-in-error",
    help: "use `in-progress` for an open thread, `completed` for a closed one, `entered-in-error` for a mistake",
    check,
};

const STATUSES: [&str; 3] = ["in-progress", "completed", "entered-in-error"];

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for header in context.headers() {
        if let Some(status) = header.text("status").filter(|s| !STATUSES.contains(s)) {
            let message = format!("`{status}` is not a state of a thread");
            report.add(header.index, "/status", message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, header, message};
    use serde_json::json;

    #[test]
    fn another_status() {
        assert_eq!(
            found(&RULE, &[header(json!({"status": "on-hold"}))]),
            ["0 /status"]
        );
    }

    #[test]
    fn open_and_closed() {
        assert_eq!(
            found(
                &RULE,
                &[header(json!({})), header(json!({"status": "completed"}))]
            ),
            Vec::<String>::new()
        );
    }

    #[test]
    fn messages_have_their_own_rule() {
        assert_eq!(
            found(&RULE, &[message(json!({"status": "on-hold"}))]),
            Vec::<String>::new()
        );
    }
}
