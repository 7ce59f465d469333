//! M-27: a message is not linked to the session itself.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-27",
    slug: "message-has-no-encounter",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Message,
    page: "async-encounters",
    summary: "a message is not linked to the session itself",
    why: "The link stands on the header, and messages reach it through `partOf`. A second link is forgotten when the thread moves to another session. One that the header does not have is H-18's.",
    help: "take `encounter` away from the message",
    fhirpath: Some("encounter.empty()"),
    fails: &[
        (Base::Header, r#"{"encounter":{"reference":"Encounter/e"}}"#),
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
    // A Communication of no thread may well belong to an Encounter: see M-02.
    if at.has("partOf") && at.has("encounter") && at.encounter_without_header().is_none() {
        report.surplus("/encounter", "the message is linked to a session");
    }
}
