//! H-24: the recipients of a rerouted thread are those of its Task.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Repair;
use crate::thread::finding::Report;
use crate::thread::reference::is_participant;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;
use crate::thread::threads::Known;

pub(super) const RULE: Rule = Rule {
    id: "H-24",
    slug: "recipients-follow-the-task",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Header,
    page: "message-response-tracking-and-routing",
    summary: "the recipients of a rerouted thread are those of its Task",
    why: "The Task says who shall answer. If the owner is not a recipient, the thread is not in their inbox; if a pool has it again, the old owner still has it in theirs.",
    help: "after a reroute add the new owner to `recipient`, or take `recipient` away for a pool",
    fhirpath: None,
    fails: &[
        (Base::Header, r#""#),
        (
            Base::Task,
            r#"{"owner":{"reference":"Practitioner/house"}}"#,
        ),
    ],
    passes: &[
        (
            Base::Header,
            r#"{"recipient":[{"reference":"Practitioner/house"}]}"#,
        ),
        (
            Base::Task,
            r#"{"owner":{"reference":"Practitioner/house"}}"#,
        ),
    ],
    check,
    ..PLAIN
};

/// Whether the version before had an owner: a pool that never had one leaves the participants alone.
fn was_owned(task: Known<'_>) -> bool {
    let older = task.older().and_then(Known::task);
    older.is_some_and(|older| older.owner.is_some())
}

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some(header) = at.communication() else {
        return;
    };
    let listed = at.threads().list(header.recipients);
    for (known, task) in at.known.open_routing() {
        if let Some(owner) = task.owner {
            let name = at.threads().text(owner);
            if listed.binary_search(&owner).is_err() && is_participant(name) {
                let owner = name;
                let message = format!(
                    "`{owner}` owns {}, but is not among the recipients",
                    known.name()
                );
                let fix = Repair::AddReference {
                    element: "recipient",
                    reference: owner.to_owned(),
                };
                report.add_fix("/recipient", message, fix);
            }
        } else if !listed.is_empty() && was_owned(known) {
            let message = format!(
                "{} is back in its pool, but the thread still has recipients",
                known.name()
            );
            report.add("/recipient", message);
        }
    }
}
