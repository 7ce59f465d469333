//! H-26: a header has a topic, a subject or recipients.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-26",
    slug: "header-says-something",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Header,
    page: "messaging-data-model",
    summary: "a header has a topic, a subject or recipients",
    why: "A Communication with none of them, no payload and no `partOf` is a thread by its form alone: nothing finds it and nobody sees it.",
    help: "give the header `topic`, `subject` and `recipient`, or delete it",
    fhirpath: Some("topic.exists() or subject.exists() or recipient.exists()"),
    fails: &[(
        Base::Header,
        r#"{"topic":null,"subject":null,"sender":null,"recipient":null}"#,
    )],
    passes: &[(Base::Header, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.is_bare_header() {
        report.add("", "the thread has no topic, no subject and no recipients");
    }
}
