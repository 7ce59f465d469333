//! M-28: a read message has one recipient and a time of receipt.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Status;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-28",
    slug: "read-message-was-received",
    level: Level::Must,
    kind: Kind::Single,
    subject: Subject::Message,
    page: "read-receipts-and-message-status",
    summary: "a read message has one recipient and a time of receipt",
    why: "`completed` with `received` says that the recipient has read the message. With several recipients it says that of all when one has read, and without `received` nobody knows when.",
    help: "set `received` together with `completed`; in groups keep read states on the header or as Tasks",
    fhirpath: Some("status = 'completed' implies (recipient.count() <= 1 and received.exists())"),
    fails: &[(
        Base::Message,
        r#"{"status":"completed","received":"2024-04-10T11:00:00Z","recipient":[{"reference":"Practitioner/alice"},{"reference":"Practitioner/house"}]}"#,
    )],
    passes: &[(
        Base::Message,
        r#"{"status":"completed","received":"2024-04-10T11:00:00Z"}"#,
    )],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.status() != Status::Completed {
        return;
    }
    let count = at.items("recipient").len();
    // A state that is wrong for so many needs no time of receipt.
    if count > 1 {
        report.add(
            "/status",
            format!("the message is read for all its {count} recipients at once"),
        );
    } else if !at.has("received") {
        report.add("/status", "the message is read, but has no `received`");
    }
}
