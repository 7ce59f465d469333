//! M-07: a sent message has a time.

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
    id: "M-07",
    slug: "sent-message-has-sent",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Message,
    page: "messaging-data-model",
    summary: "a sent message has a time",
    why: "A thread is shown in the order of `sent`. There is nothing else to order it by.",
    help: "give `sent`, by which the messages of a thread are sorted",
    fhirpath: Some("status = 'in-progress' implies sent.exists()"),
    fails: &[(Base::Message, r#"{"sent":null}"#)],
    passes: &[(Base::Message, r#""#), (Base::Draft, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.status() == Status::InProgress && !at.has("sent") {
        report.add("/sent", "the message is sent, but has no `sent`");
    }
}
