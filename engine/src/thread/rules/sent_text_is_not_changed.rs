//! C-07: the text of a sent message is not changed.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Status;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;
use crate::thread::threads::Known;

pub(super) const RULE: Rule = Rule {
    id: "C-07",
    slug: "sent-text-is-not-changed",
    level: Level::May,
    kind: Kind::History,
    subject: Subject::Message,
    page: "message-editing-and-drafts",
    summary: "the text of a sent message is not changed",
    why: "Where no rules forbid it, a text may be changed in place. The old one is then in the history alone, and who has read it is not told.",
    help: "retract the message and send a correction, where the record matters",
    fhirpath: None,
    fails: &[
        (
            Base::Message,
            r#"{"payload":[{"contentString":"Goodbye"}],"meta":{"versionId":"2","lastUpdated":"2024-04-10T11:00:00Z"}}"#,
        ),
        (
            Base::Message,
            r#"{"meta":{"versionId":"1","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
    ],
    passes: &[
        (
            Base::Draft,
            r#"{"payload":[{"contentString":"Goodbye"}],"meta":{"versionId":"2","lastUpdated":"2024-04-10T11:00:00Z"}}"#,
        ),
        (
            Base::Draft,
            r#"{"meta":{"versionId":"1","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let older = at.known.older().and_then(Known::communication);
    let Some((own, older)) = at.communication().zip(older) else {
        return;
    };
    let was_sent = matches!(older.status, Status::InProgress | Status::Completed);
    // One without any payload is M-01's.
    if own.payload == 0 {
        return;
    }
    if was_sent && own.status != Status::EnteredInError && own.payload != older.payload {
        report.add(
            "/payload",
            "the text was changed after the message was sent",
        );
    }
}
