//! T-12: the priority of a Task is routine, urgent, asap or stat.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "T-12",
    slug: "task-priority",
    level: Level::May,
    kind: Kind::Single,
    subject: Subject::Task,
    page: "message-response-tracking-and-routing",
    summary: "the priority of a Task is routine, urgent, asap or stat",
    why: "Lists are filtered and sorted by these four.",
    help: "use one of the four in `priority`, and `businessStatus` for a state of your own",
    fhirpath: Some(
        "priority.exists() implies priority in ('routine' | 'urgent' | 'asap' | 'stat')",
    ),
    fails: &[(Base::Task, r#"{"priority":"high"}"#)],
    passes: &[(Base::Task, r#"{"priority":"stat"}"#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let known = ["routine", "urgent", "asap", "stat"];
    if let Some(priority) = at
        .text("priority")
        .filter(|priority| !known.contains(priority))
    {
        report.add("/priority", format!("`{priority}` is no priority"));
    }
}
