//! H-08: a header has a topic with text.
//!
//! The topic's text is the title that lists of threads show.
//!
//! ```json
//! { "resourceType": "Communication", "topic": { "coding": [{ "code": "158965000" }] } }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::thread::context::Context;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "H-08",
    severity: Severity::Warning,
    page: "messaging-data-model",
    summary: "a header has a topic with text",
    help: "give `topic.text`, the title of the thread",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for header in context.headers() {
        let topic = header.resource.get("topic");
        if topic.and_then(|t| t.get("text")).is_none() {
            let pointer = if topic.is_some() { "/topic" } else { "" };
            report.add(header.index, pointer, "the thread has no title");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, header, message};
    use serde_json::json;

    #[test]
    fn no_topic() {
        assert_eq!(
            found(
                &RULE,
                &[
                    header(json!({"topic": null})),
                    header(json!({"topic": {"coding": []}}))
                ]
            ),
            ["0 /topic", "1 /topic"]
        );
    }

    #[test]
    fn a_topic() {
        assert_eq!(
            found(&RULE, &[header(json!({})), message(json!({}))]),
            Vec::<String>::new()
        );
    }
}
