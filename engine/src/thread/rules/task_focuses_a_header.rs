//! T-01: the focus of a Task is a thread header.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Role;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "T-01",
    slug: "task-focuses-a-header",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Task,
    page: "message-response-tracking-and-routing",
    summary: "the focus of a Task is a thread header",
    why: "The Task of a conversation is found by its thread. One about a message is not found there, and its owner cannot be told from the thread.",
    help: "let `focus` be the header, the message's `partOf`",
    fhirpath: None,
    fails: &[
        (Base::Header, r#""#),
        (Base::Message, r#""#),
        (Base::Task, r#"{"focus":{"reference":"Communication/m"}}"#),
    ],
    passes: &[(Base::Header, r#""#), (Base::Task, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let focus = at.focus();
    if focus.is_some_and(|focus| !focus.has_role(Role::Header) && !focus.has_parts()) {
        report.add("/focus", "the Task is about a message, not about a thread");
    }
}
