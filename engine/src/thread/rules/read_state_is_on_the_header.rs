//! H-23: messages have no read state.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-23",
    slug: "read-state-is-on-the-header",
    level: Level::Must,
    kind: Kind::Single,
    subject: Subject::Message,
    page: "read-receipts-and-message-status",
    summary: "messages have no read state",
    why: "The read state of a participant is one for the whole thread and stands on the header. Nobody looks for it on messages.",
    help: "move the read state to the header",
    fhirpath: Some(
        "extension.where(url = 'https://medplum.com/fhir/StructureDefinition/thread-read-state').empty()",
    ),
    fails: &[(
        Base::Message,
        r#"{"extension":[{"url":"https://medplum.com/fhir/StructureDefinition/thread-read-state","extension":[{"url":"participant","valueReference":{"reference":"Patient/homer"}}]}]}"#,
    )],
    passes: &[
        (
            Base::Header,
            r#"{"extension":[{"url":"https://medplum.com/fhir/StructureDefinition/thread-read-state","extension":[{"url":"participant","valueReference":{"reference":"Patient/homer"}}]}]}"#,
        ),
        (Base::Message, r#""#),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    for (n, _) in at.read_states() {
        report.surplus(format!("/extension/{n}"), "the message has a read state");
    }
}
