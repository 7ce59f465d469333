//! M-01: a message has a payload.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Role;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-01",
    slug: "message-has-payload",
    level: Level::Must,
    kind: Kind::Single,
    subject: Subject::Communication,
    page: "messaging-data-model",
    summary: "a message has a payload",
    why: "A Communication with `partOf` is listed as a message of that thread. Without payload it is empty. One that others are part of is taken for a header: see H-02.",
    help: "give the content as `payload`; a thread header has no `partOf`",
    fhirpath: Some("partOf.exists() implies payload.exists()"),
    fails: &[(Base::Message, r#"{"payload":null}"#)],
    passes: &[(Base::Message, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.has_role(Role::Empty) && !at.known.has_parts() {
        report.add("/payload", "the message has no payload");
    }
}
