//! H-18: the link between thread and session is on the header.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-18",
    slug: "session-is-on-the-header",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Message,
    page: "async-encounters",
    summary: "the link between thread and session is on the header",
    why: "A session finds its thread through the header. A message with an Encounter that its header does not have belongs to a session that does not find it.",
    help: "give the header the `encounter`, and take it away from the message",
    fhirpath: None,
    fails: &[
        (Base::Header, r#""#),
        (
            Base::Message,
            r#"{"encounter":{"reference":"Encounter/e"}}"#,
        ),
    ],
    passes: &[
        (Base::Header, r#"{"encounter":{"reference":"Encounter/e"}}"#),
        (Base::Message, r#""#),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if let Some(encounter) = at.encounter_without_header() {
        let name = at.threads().text(encounter);
        report.surplus(
            "/encounter",
            format!("the header is not linked to `{name}`"),
        );
    }
}
