//! H-02: a thread header is part of nothing.
//!
//! Headers are found by `part-of:missing=true`. A header with `partOf` is not found as a thread.
//! Only a Communication that others are part of is taken for a header here; for others see M-01.
//!
//! ```json
//! { "resourceType": "Communication", "id": "h", "partOf": [{ "reference": "Communication/other" }] }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::thread::context::Context;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "H-02",
    severity: Severity::Error,
    page: "messaging-data-model",
    summary: "a thread header is part of nothing",
    help: "take `partOf` away from the header, or give a message its payload",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for c in context.all() {
        if c.has_parts && c.has("partOf") && !c.has("payload") {
            let message = "it is a thread header (others are part of it), but has `partOf`";
            report.add(c.index, "/partOf", message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, header, message};
    use serde_json::json;

    #[test]
    fn a_header_with_part_of() {
        assert_eq!(
            found(
                &RULE,
                &[
                    header(json!({"partOf": [{"reference": "Communication/x"}]})),
                    message(json!({}))
                ]
            ),
            ["0 /partOf"]
        );
    }

    #[test]
    fn a_good_thread() {
        assert_eq!(
            found(&RULE, &[header(json!({})), message(json!({}))]),
            Vec::<String>::new()
        );
    }
}
