//! M-01: a message has a payload.
//!
//! A Communication with `partOf` is listed as a message of that thread. Without payload it is empty.
//! One that others are part of is taken for a header: see H-02.
//!
//! ```json
//! { "resourceType": "Communication", "partOf": [{ "reference": "Communication/h" }] }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::thread::context::Context;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "M-01",
    severity: Severity::Error,
    page: "messaging-data-model",
    summary: "a message has a payload",
    help: "give the content as `payload`; a thread header has no `partOf`",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for c in context.all() {
        if c.has("partOf") && !c.has("payload") && !c.has_parts {
            report.add(c.index, "", "the message has no payload");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, header, message};
    use serde_json::json;

    #[test]
    fn no_payload() {
        assert_eq!(
            found(&RULE, &[header(json!({})), message(json!({"payload": []}))]),
            ["1 "]
        );
    }

    #[test]
    fn a_payload() {
        assert_eq!(
            found(&RULE, &[header(json!({})), message(json!({}))]),
            Vec::<String>::new()
        );
    }
}
