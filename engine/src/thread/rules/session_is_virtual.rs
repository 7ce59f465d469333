//! E-01: a session is one Encounter with a status and the class VR.

use crate::diagnostic::Severity;
use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "E-01",
    slug: "session-is-virtual",
    level: Level::Must,
    kind: Kind::Single,
    subject: Subject::Encounter,
    page: "async-encounters",
    summary: "a session is one Encounter with a status and the class VR",
    why: "Sessions are listed by their class. A conversation by messages is virtual.",
    help: "give `status`, and `class` with the code VR of v3-ActCode",
    fhirpath: Some("status.exists() and class.exists()"),
    fails: &[
        (Base::Header, r#"{"encounter":{"reference":"Encounter/e"}}"#),
        (Base::Session, r#"{"class":null}"#),
    ],
    passes: &[
        (Base::Header, r#"{"encounter":{"reference":"Encounter/e"}}"#),
        (Base::Session, r#""#),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    for name in ["status", "class"] {
        if !at.has(name) {
            report.add(format!("/{name}"), format!("the session has no `{name}`"));
        }
    }
    let class = at
        .resource
        .get("class")
        .and_then(|class| class.get("code")?.as_str());
    if let Some(class) = class.filter(|class| *class != "VR") {
        let message = format!("the session has the class `{class}`, and not VR");
        // Nearly always, the documentation says.
        report.add_as(Severity::Warning, "/class", message);
    }
}
