//! T-04: an open Task has an owner, or is requested of a pool.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Purpose;
use crate::thread::record::TaskStatus;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "T-04",
    slug: "task-has-owner-or-pool",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Task,
    page: "message-response-tracking-and-routing",
    summary: "an open Task has an owner, or is requested of a pool",
    why: "A Task with neither is in nobody's list; a new one with both is in two.",
    help: "name the pool in `performerType` and leave `owner` out until somebody claims it, or name the `owner` alone",
    fhirpath: Some("status = 'requested' implies (owner.exists() xor performerType.exists())"),
    fails: &[(Base::Task, r#"{"owner":null}"#)],
    passes: &[
        (Base::Task, r#""#),
        (
            Base::PoolTask,
            r#"{"id":"claimed","status":"accepted","owner":{"reference":"Practitioner/alice"},"focus":{"reference":"Communication/other"}}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some(task) = at.task().filter(|task| task.purpose == Purpose::Routing) else {
        return;
    };
    match (at.has("owner"), task.is_pool, task.status) {
        (false, false, status) if status.is_open() => {
            report.add("", "the Task has neither an owner nor a pool");
        }
        (false, true, TaskStatus::Accepted | TaskStatus::Completed) => {
            let status = at.text("status").unwrap_or_default();
            report.add(
                "/status",
                format!("the Task of a pool is `{status}`, but nobody's"),
            );
        }
        // Whoever claims a Task leaves its pool in place.
        (true, true, TaskStatus::Requested) => {
            report.add(
                "/performerType",
                "the Task has both an owner and a pool, and nobody claimed it",
            );
        }
        _ => {}
    }
}
