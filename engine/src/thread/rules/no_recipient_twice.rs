//! H-11: no recipient of a header is listed twice.
//!
//! Whoever takes a participant out of the thread removes one entry. With a second one, they stay.
//!
//! ```json
//! { "recipient": [{ "reference": "Patient/homer" }, { "reference": "Patient/homer" }] }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::thread::context::Context;
use crate::thread::context::same_target;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "H-11",
    severity: Severity::Warning,
    page: "thread-lifecycle-participants-access-control",
    summary: "no recipient of a header is listed twice",
    help: "list each participant once; removing one entry of two would leave them in the thread",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for header in context.headers() {
        let mut seen: Vec<&str> = Vec::new();
        for (at, text) in header.references("recipient") {
            if seen.iter().any(|other| same_target(other, text)) {
                let message = format!("`{text}` is listed before");
                report.add(header.index, &format!("/recipient/{at}"), message);
            }
            seen.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, header};
    use serde_json::json;

    #[test]
    fn twice() {
        assert_eq!(
            found(
                &RULE,
                &[header(
                    json!({"recipient": [{"reference": "Patient/homer"}, {"reference": "Practitioner/alice"}, {"reference": "https://h/Patient/homer"}]})
                )]
            ),
            ["0 /recipient/2"]
        );
    }

    #[test]
    fn once_each() {
        assert_eq!(found(&RULE, &[header(json!({}))]), Vec::<String>::new());
    }
}
