//! T-13: a read receipt is owned by a participant, and is requested until they have read.

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
use crate::thread::threads::Known;

pub(super) const RULE: Rule = Rule {
    id: "T-13",
    slug: "receipt-is-a-readers",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Task,
    page: "read-receipts-and-message-status",
    summary: "a read receipt is owned by a participant, and is requested until they have read",
    why: "Unread counts are the receipts of a reader that are `requested`. One without owner, of somebody outside, or in another state is counted for nobody.",
    help: "let each recipient own one, with status `requested`, and set `completed` when they have read",
    fhirpath: None,
    fails: &[
        (Base::Header, r#""#),
        (
            Base::Receipt,
            r#"{"owner":{"reference":"Practitioner/house"}}"#,
        ),
    ],
    passes: &[
        (Base::Header, r#""#),
        (Base::Receipt, r#""#),
        (Base::Receipt, r#"{"id":"r2","status":"completed"}"#),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some(task) = at.task().filter(|task| task.purpose == Purpose::Receipt) else {
        return;
    };
    if !at.has("owner") {
        report.add("", "the receipt is nobody's");
    }
    if matches!(task.status, TaskStatus::Accepted | TaskStatus::Other) {
        let status = at.text("status").unwrap_or_default();
        report.add("/status", format!("`{status}` is neither read nor unread"));
    }
    let header = at.focus().and_then(Known::communication);
    let listed = at
        .threads()
        .list(header.and_then(|header| header.recipients));
    if let Some(owner) = task
        .owner
        .filter(|owner| !listed.is_empty() && listed.binary_search(owner).is_err())
    {
        let owner = at.threads().text(owner);
        let message = format!("`{owner}` is not among the thread's recipients");
        report.add("/owner", message);
    }
}
