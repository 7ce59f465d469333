//! H-06: closing or reopening a thread changes none of its messages.

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
    id: "H-06",
    slug: "status-moves-alone",
    level: Level::Must,
    kind: Kind::History,
    subject: Subject::Message,
    page: "thread-lifecycle-participants-access-control",
    summary: "closing or reopening a thread changes none of its messages",
    why: "The status of a message says whether it is a draft, sent, read or retracted. A client that closes the messages along with the thread marks them all as read, and nobody learns what was not.",
    help: "change the status of the header alone",
    fhirpath: None,
    fails: &[
        (
            Base::Header,
            r#"{"status":"completed","meta":{"versionId":"2","lastUpdated":"2024-04-11T09:00:00.000Z"}}"#,
        ),
        (
            Base::Header,
            r#"{"meta":{"versionId":"1","lastUpdated":"2024-04-10T09:00:00Z"}}"#,
        ),
        (
            Base::Message,
            r#"{"status":"completed","received":"2024-04-11T09:00:00Z","meta":{"versionId":"2","lastUpdated":"2024-04-11T09:00:00.120Z"}}"#,
        ),
        (
            Base::Message,
            r#"{"meta":{"versionId":"1","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
    ],
    passes: &[
        (
            Base::Header,
            r#"{"status":"completed","meta":{"versionId":"2","lastUpdated":"2024-04-11T09:00:00Z"}}"#,
        ),
        (
            Base::Header,
            r#"{"meta":{"versionId":"1","lastUpdated":"2024-04-10T09:00:00Z"}}"#,
        ),
        (
            Base::Message,
            r#"{"status":"completed","received":"2024-04-10T11:00:00Z","meta":{"versionId":"2","lastUpdated":"2024-04-10T11:00:00Z"}}"#,
        ),
        (
            Base::Message,
            r#"{"meta":{"versionId":"1","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
    ],
    check,
    ..PLAIN
};

/// Microseconds within which two writes count as one act: the resources of one transaction differ by
/// milliseconds, a person's next click does not come within a second.
const SAME_WRITE: i64 = 1_000_000;

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let older = at.known.older().and_then(Known::communication);
    let Some((own, older)) = at.communication().zip(older) else {
        return;
    };
    let together = || {
        let parent = own.parent.zip(at.known.record.updated.known());
        parent.is_some_and(|(header, when)| {
            at.threads()
                .header_became(header, own.status, when - SAME_WRITE..=when + SAME_WRITE)
        })
    };
    if own.status != older.status && together() {
        let status = at.text("status").unwrap_or_default();
        let message = format!("it became `{status}` in the moment in which its thread did");
        report.add("/status", message);
    }
}
