//! M-03: a message has a sender.

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
    id: "M-03",
    slug: "message-has-sender",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Message,
    page: "creating-your-first-thread",
    summary: "a message has a sender",
    why: "Readers want to know who wrote, and the policy of participants shows a message to its sender.",
    help: "give `sender`, whoever wrote the message",
    fhirpath: Some("status != 'preparation' implies sender.exists()"),
    fails: &[(Base::Message, r#"{"sender":null}"#)],
    passes: &[(Base::Message, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if !at.has("sender") && at.status() != Status::Preparation {
        report.add("/sender", "the message does not say who sent it");
    }
}
