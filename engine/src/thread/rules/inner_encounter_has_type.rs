//! E-05: an Encounter within a session has a type.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "E-05",
    slug: "inner-encounter-has-type",
    level: Level::May,
    kind: Kind::Single,
    subject: Subject::Encounter,
    page: "async-encounters",
    summary: "an Encounter within a session has a type",
    why: "The type tells the Encounters of patients from their session in lists by class.",
    help: "give `type`, for example medical-encounter",
    fhirpath: None,
    fails: &[
        (Base::Header, r#"{"encounter":{"reference":"Encounter/e"}}"#),
        (Base::Session, r#""#),
        (
            Base::Session,
            r#"{"id":"i","partOf":{"reference":"Encounter/e"}}"#,
        ),
    ],
    passes: &[
        (Base::Header, r#"{"encounter":{"reference":"Encounter/e"}}"#),
        (Base::Session, r#""#),
        (
            Base::Session,
            r#"{"id":"i","partOf":{"reference":"Encounter/e"},"type":[{"coding":[{"code":"medical-encounter"}]}]}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if !at.is_session() && !at.has("type") {
        report.add("/type", "nothing tells it from a session");
    }
}
