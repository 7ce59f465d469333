//! M-16: the times of a thread's messages put them into one order.

use crate::diagnostic::Severity;
use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-16",
    slug: "messages-have-an-order",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Message,
    page: "searching-and-querying-threads",
    summary: "the times of a thread's messages put them into one order",
    why: "A thread is sorted by `sent`, and R4 has no other element for the order. A date without a time gives none; two messages of one moment stand now this way, now that way.",
    help: "give `sent` as a time with its zone, with milliseconds",
    fhirpath: None,
    fails: &[(Base::Message, r#"{"sent":"2024-04-10"}"#)],
    passes: &[
        (Base::Message, r#""#),
        (
            Base::Message,
            r#"{"id":"m2","sent":"2024-04-10T10:00:00.001Z"}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    // One of no thread has no place in it: see M-02.
    if !at.has("sent") || !at.has("partOf") {
        return;
    }
    let Some(own) = at.communication().filter(|own| own.sent.known().is_some()) else {
        report.add(
            "/sent",
            "`sent` is no moment, so the message has no place in the thread",
        );
        return;
    };
    let before = at.known.part_before().filter(|before| {
        // A copy of the message is a duplicate, and not another one of the same moment.
        let is_copy = before.record.id.is_some() && before.record.id == at.known.record.id;
        let before = before.communication();
        !is_copy && before.is_some_and(|before| before.sent == own.sent)
    });
    if let Some(before) = before {
        let message = format!("{} was sent in the same moment", before.name());
        // Both are whole messages; only their order is open.
        report.add_as(Severity::Warning, "/sent", message);
    }
}
