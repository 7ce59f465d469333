//! E-04: in a session of several patients each has an Encounter of their own, and the thread stays with the session.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "E-04",
    slug: "one-encounter-a-patient",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Encounter,
    page: "async-encounters",
    summary: "in a session of several patients each has an Encounter of their own, and the thread stays with the session",
    why: "Reasons and diagnoses belong into the record of one patient. The thread belongs to all of them, so to the session.",
    help: "give each inner Encounter its `subject`, move `reasonCode` and `diagnosis` there, and let the header's `encounter` be the session",
    fhirpath: None,
    fails: &[
        (Base::Header, r#"{"encounter":{"reference":"Encounter/e"}}"#),
        (Base::Session, r#""#),
        (
            Base::Session,
            r#"{"id":"i","partOf":{"reference":"Encounter/e"},"subject":null,"type":[{"coding":[{"code":"medical-encounter"}]}]}"#,
        ),
    ],
    passes: &[
        (Base::Header, r#"{"encounter":{"reference":"Encounter/e"}}"#),
        (Base::Session, r#""#),
        (
            Base::Session,
            r#"{"id":"i","partOf":{"reference":"Encounter/e"},"subject":{"reference":"Patient/bart"},"type":[{"coding":[{"code":"medical-encounter"}]}]}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.is_session() {
        if at.has("partOf") {
            let message = "a thread is linked to the Encounter of one patient, not to the session";
            report.add("/partOf", message);
        }
        if at.known.inner_encounters().next().is_some() {
            for name in ["reasonCode", "diagnosis"]
                .into_iter()
                .filter(|name| at.has(name))
            {
                let message = format!("the session of several patients has a `{name}`");
                report.add(format!("/{name}"), message);
            }
        }
    } else if !at.has("subject") {
        report.add(
            "/subject",
            "the Encounter within the session is about nobody",
        );
    }
}
