//! T-05: a Task goes from requested to accepted to completed, or to cancelled.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::TaskStatus;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "T-05",
    slug: "task-transitions",
    level: Level::Must,
    kind: Kind::History,
    subject: Subject::Task,
    page: "message-response-tracking-and-routing",
    summary: "a Task goes from requested to accepted to completed, or to cancelled",
    why: "Who waits for an answer reads the state. One that comes back from its end, or skips the claim, says nothing reliable. A reroute goes back from accepted to requested.",
    help: "claim with `accepted`, end with `completed` or `cancelled`, and begin a new Task for new work",
    fhirpath: None,
    fails: &[
        (
            Base::Task,
            r#"{"status":"requested","meta":{"versionId":"2","lastUpdated":"2024-04-11T09:00:00Z"}}"#,
        ),
        (
            Base::Task,
            r#"{"status":"cancelled","meta":{"versionId":"1","lastUpdated":"2024-04-10T09:00:00Z"}}"#,
        ),
    ],
    passes: &[
        (
            Base::Task,
            r#"{"status":"accepted","meta":{"versionId":"2","lastUpdated":"2024-04-11T09:00:00Z"}}"#,
        ),
        (
            Base::Task,
            r#"{"meta":{"versionId":"1","lastUpdated":"2024-04-10T09:00:00Z"}}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    use TaskStatus::{Accepted, Cancelled, Completed, Requested};
    let Some((task, older)) = at.routing_versions() else {
        return;
    };
    let allowed = [
        (Requested, Accepted),
        (Requested, Cancelled),
        (Accepted, Requested),
        (Accepted, Completed),
        (Accepted, Cancelled),
    ];
    if task.status != older.status && !allowed.contains(&(older.status, task.status)) {
        let was = match older.status {
            Requested => "requested",
            Accepted => "accepted",
            Completed => "completed",
            Cancelled => "cancelled",
            TaskStatus::Other => "another status",
        };
        let status = at.text("status").unwrap_or_default();
        report.add("/status", format!("the Task went from {was} to `{status}`"));
    }
}
