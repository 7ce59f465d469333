//! C-04: a correction has the thread, topic, subject and recipients of the original.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "C-04",
    slug: "correction-carries-over",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Communication,
    page: "message-editing-and-drafts",
    summary: "a correction has the thread, topic, subject and recipients of the original",
    why: "Whoever could find and read the original must find and read the correction.",
    help: "copy `partOf`, `topic`, `subject` and `recipient` from the original",
    fhirpath: None,
    fails: &[
        (Base::Retracted, r#""#),
        (Base::Correction, r#"{"topic":null}"#),
    ],
    passes: &[(Base::Retracted, r#""#), (Base::Correction, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some((own, (_, original))) = at.communication().zip(at.corrected()) else {
        return;
    };
    let mut lost = |differs: bool, name: &str| {
        if differs {
            let message = format!("the correction does not have the `{name}` of the original");
            report.add(format!("/{name}"), message);
        }
    };
    lost(own.parent != original.parent, "partOf");
    lost(original.topic != 0 && own.topic != original.topic, "topic");
    lost(
        original.subject.is_some() && own.subject != original.subject,
        "subject",
    );
    lost(
        original.recipients.is_some() && own.recipients != original.recipients,
        "recipient",
    );
}
