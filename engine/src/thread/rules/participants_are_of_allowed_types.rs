//! M-30: senders and recipients are of the types that R4 allows.

use fhirward_spec::spec;

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
    id: "M-30",
    slug: "participants-are-of-allowed-types",
    level: Level::May,
    kind: Kind::Single,
    subject: Subject::Communication,
    page: "messaging-data-model",
    summary: "senders and recipients are of the types that R4 allows",
    why: "A team may be a recipient: an Organization, a CareTeam, a Group. A CareTeam or a Group cannot send.",
    help: "let a person of the team be the `sender`",
    fhirpath: None,
    fails: &[(Base::Message, r#"{"sender":{"reference":"CareTeam/knee"}}"#)],
    passes: &[(
        Base::Message,
        r#"{"recipient":[{"reference":"CareTeam/knee"}]}"#,
    )],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some(communication) = spec().resource("Communication") else {
        return;
    };
    for name in ["sender", "recipient"] {
        let targets = communication.element(name).map(|(_, kind)| &kind.targets);
        let is_list = at.resource.get(name).is_some_and(|value| value.is_array());
        for (n, text) in at.references(name) {
            let kind = target_type(text);
            let allowed = |kind: &str| {
                targets.is_none_or(|targets| targets.iter().any(|target| **target == *kind))
            };
            if let Some(kind) = kind.filter(|kind| !allowed(kind)) {
                let pointer = if is_list {
                    format!("/{name}/{n}")
                } else {
                    format!("/{name}")
                };
                report.add(pointer, format!("a `{kind}` cannot be a {name}"));
            }
        }
    }
}
