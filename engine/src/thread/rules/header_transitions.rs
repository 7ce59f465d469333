//! H-07: a thread goes from in-progress to completed and back, or to entered-in-error.

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
    id: "H-07",
    slug: "header-transitions",
    level: Level::Should,
    kind: Kind::History,
    subject: Subject::Header,
    page: "thread-lifecycle-participants-access-control",
    summary: "a thread goes from in-progress to completed and back, or to entered-in-error",
    why: "What was created by mistake stays a mistake; a thread that comes back from there was in use all along, and lists did not show it.",
    help: "reopen a completed thread with `in-progress`; begin a new thread instead of one that was a mistake",
    fhirpath: None,
    fails: &[
        (
            Base::Header,
            r#"{"meta":{"versionId":"2","lastUpdated":"2024-04-11T09:00:00Z"}}"#,
        ),
        (
            Base::Header,
            r#"{"status":"entered-in-error","meta":{"versionId":"1","lastUpdated":"2024-04-10T09:00:00Z"}}"#,
        ),
    ],
    passes: &[
        (
            Base::Header,
            r#"{"meta":{"versionId":"2","lastUpdated":"2024-04-11T09:00:00Z"}}"#,
        ),
        (
            Base::Header,
            r#"{"status":"completed","meta":{"versionId":"1","lastUpdated":"2024-04-10T09:00:00Z"}}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    use Status::{Completed, EnteredInError, InProgress};
    let older = at.known.older().and_then(Known::communication);
    let Some(older) = older.map(|older| older.status) else {
        return;
    };
    let known = [InProgress, Completed, EnteredInError];
    // Other states are H-05's.
    if older == at.status() || !known.contains(&older) || !known.contains(&at.status()) {
        return;
    }
    let allowed = [
        (InProgress, Completed),
        (Completed, InProgress),
        (InProgress, EnteredInError),
    ];
    if !allowed.contains(&(older, at.status())) {
        let was = if older == Completed {
            "completed"
        } else {
            "entered-in-error"
        };
        let is = at.text("status").unwrap_or_default();
        report.add("/status", format!("the thread went from `{was}` to `{is}`"));
    }
}
