//! M-13: the subject of a message is its thread's.

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
    id: "M-13",
    slug: "subject-is-the-threads",
    level: Level::May,
    kind: Kind::Cross,
    subject: Subject::Message,
    page: "creating-your-first-thread",
    summary: "the subject of a message is its thread's",
    why: "The subject may be repeated on messages, for searches and profiles. Another one puts the message into the record of another patient.",
    help: "copy the header's `subject`, or leave it out",
    fhirpath: None,
    fails: &[
        (Base::Header, r#""#),
        (Base::Message, r#"{"subject":{"reference":"Patient/bart"}}"#),
    ],
    passes: &[
        (Base::Header, r#""#),
        (
            Base::Message,
            r#"{"subject":{"reference":"Patient/homer"}}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let header = at.header().and_then(Known::communication);
    let subjects = at.communication().zip(header);
    if let Some((own, theirs)) = subjects.and_then(|(m, h)| m.subject.zip(h.subject))
        && own != theirs
    {
        let (own, theirs) = (at.threads().text(own), at.threads().text(theirs));
        let message = format!("the message is about `{own}`, its thread about `{theirs}`");
        report.add("/subject", message);
    }
}
