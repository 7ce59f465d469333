//! T-10: a thread has one open Task.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "T-10",
    slug: "one-open-task",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Task,
    page: "message-response-tracking-and-routing",
    summary: "a thread has one open Task",
    why: "After a reroute by a second Task the first is cancelled. With two open ones two people answer, or each waits for the other.",
    help: "cancel the old Task when the new one is created",
    fhirpath: None,
    fails: &[
        (Base::Header, r#""#),
        (Base::Task, r#""#),
        (Base::Task, r#"{"id":"t2"}"#),
    ],
    passes: &[
        (Base::Header, r#""#),
        (Base::Task, r#"{"status":"cancelled"}"#),
        (Base::Task, r#"{"id":"t2"}"#),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let is_open = at.task().is_some_and(|task| task.status.is_open());
    if !is_open || !at.is_routing() {
        return;
    }
    let first = at.focus().and_then(|header| header.open_routing().next());
    if let Some((first, _)) = first
        && first.place != at.known.place
    {
        report.add(
            "/focus",
            format!("{} is open for the same thread", first.name()),
        );
    }
}
