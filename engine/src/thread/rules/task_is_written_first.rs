//! T-08: a reroute writes the Task before the header.

use crate::thread::at::At;
use crate::thread::at::MAX_VERSIONS;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Moment;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;
use crate::thread::threads::Known;

pub(super) const RULE: Rule = Rule {
    id: "T-08",
    slug: "task-is-written-first",
    level: Level::Must,
    kind: Kind::History,
    subject: Subject::Task,
    page: "message-response-tracking-and-routing",
    summary: "a reroute writes the Task before the header",
    why: "The Task is the authority. If the second write fails after the header was changed, the thread says one thing and its Task another.",
    help: "patch the Task first, then the header's `recipient`",
    fhirpath: None,
    fails: &[
        (
            Base::Task,
            r#"{"owner":{"reference":"Practitioner/cardio"},"status":"accepted","note":[{"text":"to cardiology","time":"2024-04-10T11:00:05Z"}],"meta":{"versionId":"2","lastUpdated":"2024-04-10T11:00:05Z"}}"#,
        ),
        (
            Base::Task,
            r#"{"owner":{"reference":"Practitioner/house"},"status":"accepted","meta":{"versionId":"1","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
        (
            Base::Header,
            r#"{"recipient":[{"reference":"Practitioner/cardio"}],"meta":{"versionId":"2","lastUpdated":"2024-04-10T11:00:00Z"}}"#,
        ),
        (
            Base::Header,
            r#"{"meta":{"versionId":"1","lastUpdated":"2024-04-10T09:00:00Z"}}"#,
        ),
    ],
    passes: &[
        (
            Base::Task,
            r#"{"owner":{"reference":"Practitioner/cardio"},"status":"accepted","note":[{"text":"to cardiology","time":"2024-04-10T11:00:00Z"}],"meta":{"versionId":"2","lastUpdated":"2024-04-10T11:00:00Z"}}"#,
        ),
        (
            Base::Task,
            r#"{"owner":{"reference":"Practitioner/house"},"status":"accepted","meta":{"versionId":"1","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
        (
            Base::Header,
            r#"{"recipient":[{"reference":"Practitioner/cardio"}],"meta":{"versionId":"2","lastUpdated":"2024-04-10T11:00:05Z"}}"#,
        ),
        (
            Base::Header,
            r#"{"meta":{"versionId":"1","lastUpdated":"2024-04-10T09:00:00Z"}}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some((task, older)) = at.routing_versions() else {
        return;
    };
    if task.owner == older.owner || older.owner.is_none() {
        return;
    }
    let written = at.known.record.updated;
    let before = at
        .known
        .older()
        .map_or(Moment::NONE, |older| older.record.updated);
    let follows = |header: Known<'_>| {
        let now = header.communication().and_then(|header| header.recipients);
        let then = header.older().and_then(Known::communication);
        then.is_some_and(|then| then.recipients != now)
            && at.threads().list(now) == task.owner.as_slice()
            && written.is_after(header.record.updated)
            && header.record.updated.is_after(before)
    };
    let versions = at.focus().into_iter().flat_map(Known::versions);
    if versions.take(MAX_VERSIONS).any(follows) {
        let message = "the recipients of the thread were changed before the Task";
        report.add("/owner", message);
    }
}
