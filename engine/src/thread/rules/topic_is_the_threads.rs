//! M-12: the topic of a message is its thread's.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;
use crate::thread::threads::Known;

pub(super) const RULE: Rule = Rule {
    id: "M-12",
    slug: "topic-is-the-threads",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Message,
    page: "messaging-data-model",
    summary: "the topic of a message is its thread's",
    why: "The topic may be repeated on messages, for lists and searches of messages. Another one shows the message under a title that its thread does not have.",
    help: "copy the header's `topic`, or leave it out",
    fhirpath: None,
    fails: &[
        (Base::Header, r#""#),
        (Base::Message, r#"{"topic":{"text":"Shoulder"}}"#),
    ],
    passes: &[
        (Base::Header, r#""#),
        (Base::Message, r#"{"topic":{"text":"Knee"}}"#),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let header = at.header().and_then(Known::communication);
    if let Some((own, header)) = at.communication().zip(header)
        && own.topic != 0
        && header.topic != 0
        && own.topic != header.topic
    {
        report.add("/topic", "the topic is not that of the header");
    }
}
