//! M-04: a sent message has a recipient.

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
    id: "M-04",
    slug: "message-has-recipient",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Message,
    page: "messaging-data-model",
    summary: "a sent message has a recipient",
    why: "Unread lists and policies look for the reader among the message's recipients: without one, only the sender finds it. A draft needs none.",
    help: "list everyone the message is for as `recipient`",
    fhirpath: Some("status != 'preparation' implies recipient.exists()"),
    fails: &[(Base::Message, r#"{"recipient":null}"#)],
    passes: &[
        (Base::Message, r#""#),
        (Base::Draft, r#"{"recipient":null}"#),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if !at.has("recipient") && at.status() != Status::Preparation {
        report.add("/recipient", "the message is for nobody");
    }
}
