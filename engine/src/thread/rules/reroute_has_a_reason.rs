//! T-09: a reroute leaves a note with its time, or a Provenance.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::has;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "T-09",
    slug: "reroute-has-a-reason",
    level: Level::Should,
    kind: Kind::History,
    subject: Subject::Task,
    page: "message-response-tracking-and-routing",
    summary: "a reroute leaves a note with its time, or a Provenance",
    why: "Who gets the Task wants to know why, and who asks later wants to know who and when.",
    help: "add a `note` with author, time and text, or write a Provenance whose target is the Task",
    fhirpath: None,
    fails: &[
        (
            Base::Task,
            r#"{"owner":{"reference":"Practitioner/cardio"},"status":"accepted","meta":{"versionId":"2","lastUpdated":"2024-04-10T11:00:00Z"}}"#,
        ),
        (
            Base::Task,
            r#"{"status":"accepted","meta":{"versionId":"1","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
    ],
    passes: &[
        (
            Base::Task,
            r#"{"owner":{"reference":"Practitioner/cardio"},"status":"accepted","note":[{"text":"to cardiology","time":"2024-04-10T11:00:00Z"}],"meta":{"versionId":"2","lastUpdated":"2024-04-10T11:00:00Z"}}"#,
        ),
        (
            Base::Task,
            r#"{"status":"accepted","meta":{"versionId":"1","lastUpdated":"2024-04-10T10:00:00Z"}}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.is_routing() {
        for (n, note) in at.items("note").iter().enumerate() {
            if !has(note, "time") {
                report.add(
                    format!("/note/{n}"),
                    "the note does not say when it was written",
                );
            }
        }
    }
    let Some((task, older)) = at.routing_versions() else {
        return;
    };
    let is_rerouted = older.owner.is_some() && task.owner != older.owner;
    if is_rerouted && task.notes <= older.notes && !at.known.has_provenance() {
        report.add("/owner", "the Task was rerouted without a reason");
    }
}
