//! M-11: a draft that is sent becomes in-progress, with the topic and subject of its thread.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Status;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;
use crate::thread::threads::Known;

pub(super) const RULE: Rule = Rule {
    id: "M-11",
    slug: "promoted-draft-is-complete",
    level: Level::Must,
    kind: Kind::History,
    subject: Subject::Message,
    page: "message-editing-and-drafts",
    summary: "a draft that is sent becomes in-progress, with the topic and subject of its thread",
    why: "What a draft may lack, a message needs. The time and the recipients are asked for by M-07 and M-04.",
    help: "set `status` to `in-progress`, and fill in `sent`, `recipient`, `topic` and `subject`",
    fhirpath: None,
    fails: &[
        (Base::Header, r#""#),
        (
            Base::Draft,
            r#"{"status":"in-progress","sent":"2024-04-10T10:00:00Z","meta":{"versionId":"2","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
        (
            Base::Draft,
            r#"{"meta":{"versionId":"1","lastUpdated":"2024-04-10T09:00:00Z"}}"#,
        ),
    ],
    passes: &[
        (Base::Header, r#""#),
        (
            Base::Draft,
            r#"{"status":"in-progress","sent":"2024-04-10T10:00:00Z","topic":{"text":"Knee"},"subject":{"reference":"Patient/homer"},"meta":{"versionId":"2","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
        (
            Base::Draft,
            r#"{"meta":{"versionId":"1","lastUpdated":"2024-04-10T09:00:00Z"}}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let older = at.known.older().and_then(Known::communication);
    let Some((own, older)) = at.communication().zip(older) else {
        return;
    };
    let is_over = matches!(own.status, Status::Preparation | Status::EnteredInError);
    if older.status != Status::Preparation || is_over {
        return;
    }
    if own.status != Status::InProgress {
        let status = at.text("status").unwrap_or_default();
        report.add(
            "/status",
            format!("the draft became `{status}`, not `in-progress`"),
        );
    }
    if let Some(header) = at.header().and_then(Known::communication) {
        if own.topic == 0 && header.topic != 0 {
            report.add(
                "/topic",
                "the draft was sent without the topic of its thread",
            );
        }
        if own.subject.is_none() && header.subject.is_some() {
            report.add(
                "/subject",
                "the draft was sent without the subject of its thread",
            );
        }
    }
}
