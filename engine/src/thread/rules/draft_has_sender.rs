//! M-09: a draft says whose it is.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Status;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-09",
    slug: "draft-has-sender",
    level: Level::Must,
    kind: Kind::Single,
    subject: Subject::Message,
    page: "message-editing-and-drafts",
    summary: "a draft says whose it is",
    why: "People load their drafts by `sender`. Without it nobody finds the draft again, and it is nobody's secret.",
    help: "give `sender` when the draft is created",
    fhirpath: Some("status = 'preparation' implies sender.exists()"),
    fails: &[(Base::Draft, r#"{"sender":null}"#)],
    passes: &[(Base::Draft, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.status() == Status::Preparation && !at.has("sender") {
        report.add("/sender", "the draft is nobody's");
    }
}
