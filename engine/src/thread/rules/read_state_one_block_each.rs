//! H-22: read states have a participant each, and name messages of the thread.

use std::collections::HashSet;

use crate::thread::at::At;
use crate::thread::at::reference_in;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-22",
    slug: "read-state-one-block-each",
    level: Level::May,
    kind: Kind::Cross,
    subject: Subject::Header,
    page: "read-receipts-and-message-status",
    summary: "read states have a participant each, and name messages of the thread",
    why: "Each reader looks for the block with their own name. Of two, one is never updated; one without a name is nobody's; a message of another thread says nothing about this one.",
    help: "keep one block for each participant, with `participant`, and `lastRead` in this thread",
    fhirpath: None,
    fails: &[(
        Base::Header,
        r#"{"extension":[{"url":"https://medplum.com/fhir/StructureDefinition/thread-read-state","extension":[{"url":"participant","valueReference":{"reference":"Patient/homer"}}]},{"url":"https://medplum.com/fhir/StructureDefinition/thread-read-state","extension":[{"url":"participant","valueReference":{"reference":"Patient/homer"}}]}]}"#,
    )],
    passes: &[
        (
            Base::Header,
            r#"{"extension":[{"url":"https://medplum.com/fhir/StructureDefinition/thread-read-state","extension":[{"url":"participant","valueReference":{"reference":"Patient/homer"}},{"url":"lastRead","valueReference":{"reference":"Communication/m"}}]},{"url":"https://medplum.com/fhir/StructureDefinition/thread-read-state","extension":[{"url":"participant","valueReference":{"reference":"Practitioner/alice"}}]}]}"#,
        ),
        (Base::Message, r#""#),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let mut seen = HashSet::new();
    for (n, block) in at.read_states() {
        match reference_in(block, "participant") {
            None => report.add(format!("/extension/{n}"), "the read state is nobody's"),
            Some(who) if !seen.insert(who) => {
                let message = format!("`{who}` has a read state before");
                report.add(format!("/extension/{n}"), message);
            }
            Some(_) => {}
        }
        let last = reference_in(block, "lastRead").and_then(|text| at.threads().known(text));
        let elsewhere = last.filter(|last| {
            let header = last.header().map(|header| header.place);
            header != Some(at.known.place)
        });
        if let Some(last) = elsewhere {
            let message = format!("{} is no message of this thread", last.name());
            report.add(format!("/extension/{n}"), message);
        }
    }
}
