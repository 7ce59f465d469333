//! M-02: a message is part of one Communication, its header.
//!
//! `partOf` is what puts a message into a thread. A payload without it is in no thread, and is
//! listed among the headers.
//!
//! ```json
//! { "resourceType": "Communication", "payload": [{ "contentString": "Hello" }] }
//! ```

use super::Rule;
use crate::diagnostic::Severity;
use crate::resource::{Literal, literal};
use crate::thread::context::Context;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "M-02",
    severity: Severity::Error,
    page: "messaging-data-model",
    summary: "a message is part of one Communication, its header",
    help: "let `partOf` have one entry, the header's reference",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for c in context.all() {
        // Others are part of it, so it is a header: see H-01.
        if !c.has("payload") || (c.has_parts && !c.has("partOf")) {
            continue;
        }
        match c.items("partOf").len() {
            0 => report.add(c.index, "", "it has a payload, but is part of no thread"),
            1 => {}
            n => report.add(c.index, "/partOf", format!("it is part of {n} resources")),
        }
        for (at, text) in c.references("partOf") {
            if let Literal::Resource { type_name, .. } = literal(text)
                && type_name != "Communication"
            {
                let message = format!("it is part of a `{type_name}`, not of a Communication");
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
    fn no_header() {
        assert_eq!(found(&RULE, &[message(json!({"partOf": []}))]), ["0 "]);
    }

    #[test]
    fn two_headers() {
        assert_eq!(
            found(
                &RULE,
                &[message(
                    json!({"partOf": [{"reference": "Communication/a"}, {"reference": "Communication/b"}]})
                )]
            ),
            ["0 /partOf"]
        );
    }

    #[test]
    fn part_of_another_type() {
        assert_eq!(
            found(
                &RULE,
                &[message(json!({"partOf": [{"reference": "Encounter/e"}]}))]
            ),
            ["0 /partOf/0"]
        );
    }

    #[test]
    fn one_header() {
        assert_eq!(
            found(&RULE, &[header(json!({})), message(json!({}))]),
            Vec::<String>::new()
        );
    }
}
