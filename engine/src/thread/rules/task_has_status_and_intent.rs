//! T-16: a Task has a status and an intent.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "T-16",
    slug: "task-has-status-and-intent",
    level: Level::Must,
    kind: Kind::Single,
    subject: Subject::Task,
    page: "hl7.org/fhir/R4",
    summary: "a Task has a status and an intent",
    why: "R4 requires both; a code it does not require.",
    help: "give `status` and `intent`, which is `order` in the documented flows",
    fhirpath: Some("status.exists() and intent.exists()"),
    fails: &[(Base::Task, r#"{"intent":null}"#)],
    passes: &[(Base::Task, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    for name in ["status", "intent"] {
        if !at.has(name) {
            report.add(format!("/{name}"), format!("the Task has no `{name}`"));
        }
    }
}
