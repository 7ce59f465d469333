//! E-03: the session of one patient has a subject.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "E-03",
    slug: "session-has-subject",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Encounter,
    page: "async-encounters",
    summary: "the session of one patient has a subject",
    why: "It is found in the patient's record by its subject. That of several patients has an Encounter within for each.",
    help: "give `subject`, or one Encounter for each patient whose `partOf` is the session",
    fhirpath: None,
    fails: &[
        (Base::Header, r#"{"encounter":{"reference":"Encounter/e"}}"#),
        (Base::Session, r#"{"subject":null}"#),
    ],
    passes: &[
        (Base::Header, r#"{"encounter":{"reference":"Encounter/e"}}"#),
        (Base::Session, r#"{"subject":null}"#),
        (
            Base::Session,
            r#"{"id":"i","partOf":{"reference":"Encounter/e"},"type":[{"coding":[{"code":"medical-encounter"}]}]}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let has_inner = at.known.inner_encounters().next().is_some();
    if at.is_session() && !at.has("subject") && !has_inner {
        report.add("/subject", "the session is about nobody");
    }
}
