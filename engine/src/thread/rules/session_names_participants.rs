//! E-02: a session names those who take part.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "E-02",
    slug: "session-names-participants",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Encounter,
    page: "async-encounters",
    summary: "a session names those who take part",
    why: "Clinicians find their sessions by `participant`.",
    help: "list the clinicians, and the family if they take part, as `participant`",
    fhirpath: Some("participant.exists()"),
    fails: &[
        (Base::Header, r#"{"encounter":{"reference":"Encounter/e"}}"#),
        (Base::Session, r#"{"participant":null}"#),
    ],
    passes: &[
        (Base::Header, r#"{"encounter":{"reference":"Encounter/e"}}"#),
        (Base::Session, r#""#),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.is_session() && !at.has("participant") {
        report.add("/participant", "nobody takes part in the session");
    }
}
