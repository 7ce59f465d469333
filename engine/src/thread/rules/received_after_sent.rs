//! M-29: a message is not received before it is sent.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-29",
    slug: "received-after-sent",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Message,
    page: "read-receipts-and-message-status",
    summary: "a message is not received before it is sent",
    why: "One of the two clocks is wrong, or one of the two times.",
    help: "set `sent` when the message is sent and `received` when it arrives",
    fhirpath: Some("(sent.exists() and received.exists()) implies received >= sent"),
    fails: &[(Base::Message, r#"{"received":"2024-04-10T09:00:00Z"}"#)],
    passes: &[(Base::Message, r#"{"received":"2024-04-10T12:00:00+02:00"}"#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.moment("sent").is_after(at.moment("received")) {
        report.add("/received", "the message was received before it was sent");
    }
}
