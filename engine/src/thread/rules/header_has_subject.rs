//! H-12: a header has a subject.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-12",
    slug: "header-has-subject",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Header,
    page: "messaging-data-model",
    summary: "a header has a subject",
    why: "Threads of a patient are found by their subject.",
    help: "give `subject`, the patient or group that the conversation is about",
    fhirpath: Some("subject.exists()"),
    fails: &[(Base::Header, r#"{"subject":null}"#)],
    passes: &[(Base::Header, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if !at.has("subject") && !at.is_bare_header() {
        report.add("/subject", "the thread is about nobody");
    }
}
