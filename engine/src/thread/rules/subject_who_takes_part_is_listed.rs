//! H-13: a patient who gets messages of the thread is among its recipients.

use crate::thread::at::At;
use crate::thread::at::writes_unlisted;
use crate::thread::example::Base;
use crate::thread::finding::Repair;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-13",
    slug: "subject-who-takes-part-is-listed",
    level: Level::May,
    kind: Kind::Cross,
    subject: Subject::Header,
    page: "creating-your-first-thread",
    summary: "a patient who gets messages of the thread is among its recipients",
    why: "The subject says whom the thread is about, not who takes part. A patient who is written to but is not a recipient of the header finds the messages without the thread.",
    help: "add the patient to the header's `recipient`, if they take part",
    fhirpath: None,
    fails: &[
        (
            Base::Header,
            r#"{"recipient":[{"reference":"Practitioner/alice"}],"meta":{"versionId":"2","lastUpdated":"2024-04-11T09:00:00Z"}}"#,
        ),
        (
            Base::Message,
            r#"{"sender":{"reference":"Practitioner/alice"},"recipient":[{"reference":"Patient/homer"}]}"#,
        ),
    ],
    passes: &[
        (Base::Header, r#""#),
        (
            Base::Message,
            r#"{"sender":{"reference":"Practitioner/alice"},"recipient":[{"reference":"Patient/homer"}]}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some(header) = at.communication() else {
        return;
    };
    let listed = at.threads().list(header.recipients);
    let Some(subject) = header
        .subject
        .filter(|subject| listed.binary_search(subject).is_err())
    else {
        return;
    };
    let name = at.threads().text(subject);
    if listed.is_empty() || at.is_rerouted() || !name.starts_with("Patient/") {
        return;
    }
    // Who writes without being listed is H-10's.
    if writes_unlisted(at.known, subject) {
        return;
    }
    let takes_part = at.known.messages().find(|message| {
        let recipients = message.communication().and_then(|m| m.recipients);
        at.threads()
            .list(recipients)
            .binary_search(&subject)
            .is_ok()
    });
    if let Some(message) = takes_part {
        let message = format!(
            "{} is for the subject `{name}`, who is not among the recipients",
            message.name()
        );
        let fix = Repair::AddReference {
            element: "recipient",
            reference: name.to_owned(),
        };
        report.add_fix("/recipient", message, fix);
    }
}
