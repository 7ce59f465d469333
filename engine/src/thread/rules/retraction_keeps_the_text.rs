//! C-02: a retracted message keeps its payload, and is not deleted.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Role;
use crate::thread::record::Status;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;
use crate::thread::threads::Known;

pub(super) const RULE: Rule = Rule {
    id: "C-02",
    slug: "retraction-keeps-the-text",
    level: Level::Must,
    kind: Kind::History,
    subject: Subject::Communication,
    page: "message-editing-and-drafts",
    summary: "a retracted message keeps its payload, and is not deleted",
    why: "Retraction says that something was wrong, and leaves to see what. A changed or deleted text is lost to the record.",
    help: "change nothing but `status` to `entered-in-error`",
    fhirpath: None,
    fails: &[
        (
            Base::Retracted,
            r#"{"payload":[{"contentString":"(removed)"}],"meta":{"versionId":"2","lastUpdated":"2024-04-10T11:00:00Z"}}"#,
        ),
        (
            Base::Retracted,
            r#"{"status":"in-progress","meta":{"versionId":"1","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
    ],
    passes: &[
        (
            Base::Retracted,
            r#"{"meta":{"versionId":"2","lastUpdated":"2024-04-10T11:00:00Z"}}"#,
        ),
        (
            Base::Retracted,
            r#"{"status":"in-progress","meta":{"versionId":"1","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some(own) = at.communication() else {
        return;
    };
    let older = at.known.older().and_then(Known::communication);
    if let Some(older) = older
        && own.status == Status::EnteredInError
        && older.status != Status::EnteredInError
        && older.payload != own.payload
    {
        report.add(
            "/payload",
            "the text was changed when the message was retracted",
        );
    }
    let id = at.known.record.id;
    let is_deleted = id.is_some_and(|id| at.threads().is_deleted(id));
    // Drafts were never sent; a purge may delete them.
    let is_sent = own.role == Role::Message && own.status != Status::Preparation;
    if is_deleted && is_sent && at.known.is_newest() {
        report.add("", "the message was deleted, not retracted");
    }
}
