//! T-06: a claim sets status and owner together.

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
    id: "T-06",
    slug: "claim-is-one-act",
    level: Level::Must,
    kind: Kind::History,
    subject: Subject::Task,
    page: "message-response-tracking-and-routing",
    summary: "a claim sets status and owner together",
    why: "Between two writes the Task is accepted by nobody, or owned and still offered to the pool, and a second person claims it.",
    help: "set `status` to `accepted` and `owner` in one patch",
    fhirpath: None,
    fails: &[
        (
            Base::PoolTask,
            r#"{"owner":{"reference":"Practitioner/alice"},"status":"accepted","meta":{"versionId":"3","lastUpdated":"2024-04-10T11:00:00Z"}}"#,
        ),
        (
            Base::PoolTask,
            r#"{"status":"accepted","meta":{"versionId":"2","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
        (
            Base::PoolTask,
            r#"{"meta":{"versionId":"1","lastUpdated":"2024-04-10T09:00:00Z"}}"#,
        ),
    ],
    passes: &[
        (
            Base::PoolTask,
            r#"{"owner":{"reference":"Practitioner/alice"},"status":"accepted","meta":{"versionId":"2","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
        (
            Base::PoolTask,
            r#"{"meta":{"versionId":"1","lastUpdated":"2024-04-10T09:00:00Z"}}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some((task, older)) = at.routing_versions() else {
        return;
    };
    let became_accepted =
        task.status == TaskStatus::Accepted && older.status == TaskStatus::Requested;
    if became_accepted && task.owner.is_none() {
        report.add("/status", "the Task was accepted without an owner");
    }
    let became_owned = task.owner.is_some() && older.owner.is_none();
    if became_owned && task.is_pool && task.status == TaskStatus::Requested {
        report.add(
            "/owner",
            "the Task got an owner, but stayed requested of its pool",
        );
    }
}
