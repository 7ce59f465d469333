//! T-03: the owner of a Task is a Practitioner.

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
    id: "T-03",
    slug: "task-has-a-person-as-owner",
    level: Level::Must,
    kind: Kind::Single,
    subject: Subject::Task,
    page: "message-response-tracking-and-routing",
    summary: "the owner of a Task is a Practitioner",
    why: "An owner is one person who answers. A team has the Task through `performerType`, without owner, until somebody claims it.",
    help: "let a Practitioner be the `owner`, or name the pool in `performerType` and leave `owner` out",
    fhirpath: None,
    fails: &[(Base::Task, r#"{"owner":{"reference":"CareTeam/knee"}}"#)],
    passes: &[
        (Base::Task, r#""#),
        (Base::Receipt, r#"{"owner":{"reference":"Patient/homer"}}"#),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if !at.is_routing() {
        return;
    }
    let kind = at.reference("owner").and_then(target_type);
    if let Some(kind) = kind.filter(|kind| *kind != "Practitioner") {
        report.add("/owner", format!("a `{kind}` owns the Task"));
    }
}
