//! T-02: a Task is for the subject of its thread.

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
    id: "T-02",
    slug: "task-is-for-the-subject",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Task,
    page: "message-response-tracking-and-routing",
    summary: "a Task is for the subject of its thread",
    why: "The work on a patient is found by `for`.",
    help: "let `for` be the header's `subject`",
    fhirpath: None,
    fails: &[
        (Base::Header, r#""#),
        (Base::Task, r#"{"for":{"reference":"Patient/bart"}}"#),
    ],
    passes: &[(Base::Header, r#""#), (Base::Task, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let subject = at
        .focus()
        .and_then(Known::communication)
        .and_then(|header| header.subject);
    let Some(subject) = subject else {
        return;
    };
    let own = at
        .reference("for")
        .and_then(|text| at.threads().symbol(text));
    if own != Some(subject) {
        let subject = at.threads().text(subject);
        let message = format!("the thread is about `{subject}`, the Task is not for them");
        report.add("/for", message);
    }
}
