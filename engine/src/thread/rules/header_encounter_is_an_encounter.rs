//! H-17: a header's encounter is a reference to an Encounter.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::reference::target_type;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-17",
    slug: "header-encounter-is-an-encounter",
    level: Level::May,
    kind: Kind::Single,
    subject: Subject::Header,
    page: "async-encounters",
    summary: "a header's encounter is a reference to an Encounter",
    why: "The thread of a session is found by `encounter=Encounter/…`. A name instead of a reference is not found.",
    help: "let `encounter.reference` be `Encounter/…`",
    fhirpath: Some("encounter.exists() implies encounter.reference.exists()"),
    fails: &[(Base::Header, r#"{"encounter":{"display":"Video call"}}"#)],
    passes: &[(Base::Header, r#"{"encounter":{"reference":"Encounter/e"}}"#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let is_encounter = |text: &str| target_type(text).is_none_or(|name| name == "Encounter");
    if at.has("encounter") && !at.reference("encounter").is_some_and(is_encounter) {
        report.add("/encounter", "the session is no reference to an Encounter");
    }
}
