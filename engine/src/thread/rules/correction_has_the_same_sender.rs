//! C-05: a correction is sent by who sent the original.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "C-05",
    slug: "correction-has-the-same-sender",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Communication,
    page: "message-editing-and-drafts",
    summary: "a correction is sent by who sent the original",
    why: "Somebody else's words in the place of a message are not its correction.",
    help: "let the sender of the original send the correction, or send an ordinary message",
    fhirpath: None,
    fails: &[
        (Base::Retracted, r#""#),
        (
            Base::Correction,
            r#"{"sender":{"reference":"Practitioner/house"}}"#,
        ),
    ],
    passes: &[(Base::Retracted, r#""#), (Base::Correction, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some((own, (original, theirs))) = at.communication().zip(at.corrected()) else {
        return;
    };
    if theirs.sender.is_some() && own.sender != theirs.sender {
        let message = format!("{} has another sender", original.name());
        report.add("/sender", message);
    }
}
