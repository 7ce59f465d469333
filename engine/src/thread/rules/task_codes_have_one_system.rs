//! T-14: the code of receipts and of reminders stands under one system.

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
    id: "T-14",
    slug: "task-codes-have-one-system",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Task,
    page: "read-receipts-and-message-status",
    summary: "the code of receipts and of reminders stands under one system",
    why: "Searches ask for `system|code`. What stands under another system is not found, so receipts stay unread and reminders are created twice.",
    help: "use one system for the codes of Tasks in the whole project, in a namespace of your own",
    fhirpath: None,
    fails: &[
        (Base::Receipt, r#""#),
        (
            Base::Receipt,
            r#"{"id":"r2","code":{"coding":[{"system":"http://example.com/task-codes","code":"read-receipt"}]}}"#,
        ),
    ],
    passes: &[(Base::Receipt, r#""#), (Base::Receipt, r#"{"id":"r2"}"#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some(task) = at.task().filter(|task| task.purpose != Purpose::Routing) else {
        return;
    };
    let count = at.threads().systems_of(task.purpose);
    if count > 1 {
        report.add(
            "/code",
            format!("its code stands under {count} systems in this input"),
        );
    }
}
