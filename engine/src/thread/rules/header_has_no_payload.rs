//! H-01: a thread header has no payload.
//!
//! The header is the thread, not a message in it. One with a payload is listed as a message and is
//! not found as a thread by those who look for Communications without payload. Only a Communication
//! that others are part of is taken for a header here; for others see M-02.
//!
//! ```json
//! { "resourceType": "Communication", "id": "h", "payload": [{ "contentString": "Hello" }] }
//! { "resourceType": "Communication", "partOf": [{ "reference": "Communication/h" }], … }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::thread::context::Context;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "H-01",
    severity: Severity::Error,
    page: "messaging-data-model",
    summary: "a thread header has no payload",
    help: "put the text into a message of its own, whose `partOf` is the header",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for c in context.all() {
        if c.has_parts && c.has("payload") && !c.has("partOf") {
            let message = "it is a thread header (others are part of it), but has a payload";
            report.add(c.index, "/payload", message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, header, message};
    use serde_json::json;

    #[test]
    fn a_header_with_payload() {
        assert_eq!(
            found(
                &RULE,
                &[
                    header(json!({"payload": [{"contentString": "x"}]})),
                    message(json!({}))
                ]
            ),
            ["0 /payload"]
        );
    }

    #[test]
    fn a_good_thread() {
        assert_eq!(
            found(&RULE, &[header(json!({})), message(json!({}))]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_lone_payload_is_not_taken_for_a_header() {
        assert_eq!(
            found(&RULE, &[header(json!({"payload": [{}]}))]),
            Vec::<String>::new()
        );
    }
}
