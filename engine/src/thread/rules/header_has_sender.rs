//! H-09: a header's sender is who opened the thread.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-09",
    slug: "header-has-sender",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Header,
    page: "messaging-data-model",
    summary: "a header's sender is who opened the thread",
    why: "Policies and inboxes show a thread to its sender and its recipients. One that a program opened for an incoming message has often neither, and nobody's inbox lists it.",
    help: "give `sender`, whoever opened the thread; for an incoming message the person who wrote",
    fhirpath: Some("sender.exists()"),
    fails: &[(Base::Header, r#"{"sender":null}"#)],
    passes: &[(Base::Header, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if !at.has("sender") && !at.is_bare_header() {
        report.add("/sender", "the thread does not say who opened it");
    }
}
