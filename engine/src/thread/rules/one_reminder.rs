//! T-15: a thread with a subject has one open reminder, and it is urgent.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Purpose;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "T-15",
    slug: "one-reminder",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Task,
    page: "messaging-automations",
    summary: "a thread with a subject has one open reminder, and it is urgent",
    why: "The program that reminds looks for an open reminder before it creates one. A second one reminds twice, and a thread about nobody cannot be answered for a patient.",
    help: "create reminders with a condition, with priority `urgent`, for threads with a subject",
    fhirpath: None,
    fails: &[
        (Base::Header, r#""#),
        (Base::Reminder, r#""#),
        (Base::Reminder, r#"{"id":"r2"}"#),
    ],
    passes: &[
        (Base::Header, r#""#),
        (Base::Reminder, r#"{"status":"completed"}"#),
        (Base::Reminder, r#"{"id":"r2"}"#),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some(task) = at.task().filter(|task| task.purpose == Purpose::Reminder) else {
        return;
    };
    if at.text("priority") != Some("urgent") {
        report.add("/priority", "the reminder is not urgent");
    }
    let Some(header) = at.focus() else {
        return;
    };
    if header
        .communication()
        .is_some_and(|header| header.subject.is_none())
    {
        report.add("/focus", "the thread has no subject to be reminded of");
    }
    let first = header.open_reminders().next();
    if task.status.is_open()
        && let Some(first) = first.filter(|first| first.place != at.known.place)
    {
        report.add(
            "/focus",
            format!("{} is an open reminder of the same thread", first.name()),
        );
    }
}
