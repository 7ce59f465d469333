//! M-08: a draft has no time of sending.

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
    id: "M-08",
    slug: "draft-has-no-sent",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Message,
    page: "message-editing-and-drafts",
    summary: "a draft has no time of sending",
    why: "`sent` is set when the draft is promoted. With it, a draft takes a place among sent messages.",
    help: "leave `sent` out until the draft is sent",
    fhirpath: Some("status = 'preparation' implies sent.empty()"),
    fails: &[(Base::Draft, r#"{"sent":"2024-04-10T10:00:00Z"}"#)],
    passes: &[(Base::Draft, r#""#), (Base::Message, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.status() == Status::Preparation && at.has("sent") {
        report.surplus("/sent", "the message is a draft, but has `sent`");
    }
}
