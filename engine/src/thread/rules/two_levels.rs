//! H-03: a thread has two levels: a message is part of a header.
//!
//! A message that is part of another message is in no thread: nothing lists it.
//!
//! ```json
//! { "resourceType": "Communication", "partOf": [{ "reference": "Communication/a-message" }], … }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::thread::context::Context;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "H-03",
    severity: Severity::Error,
    page: "messaging-data-model",
    summary: "a thread has two levels: a message is part of a header",
    help: "let `partOf` be the header, and name the message that is answered in `inResponseTo`",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for c in context.all() {
        for (at, text) in c.references("partOf") {
            if context
                .find(text)
                .is_some_and(|parent| parent.has("partOf"))
            {
                let message = format!("`{text}` is itself part of something, so it is no header");
                report.add(c.index, &format!("/partOf/{at}"), message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, header, message};
    use serde_json::json;

    #[test]
    fn a_message_of_a_message() {
        assert_eq!(
            found(
                &RULE,
                &[
                    header(json!({})),
                    message(json!({"id": "m"})),
                    message(json!({"partOf": [{"reference": "Communication/m"}]}))
                ]
            ),
            ["2 /partOf/0"]
        );
    }

    #[test]
    fn two_levels() {
        assert_eq!(
            found(&RULE, &[header(json!({})), message(json!({}))]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn an_unknown_target() {
        assert_eq!(found(&RULE, &[message(json!({}))]), Vec::<String>::new());
    }
}
