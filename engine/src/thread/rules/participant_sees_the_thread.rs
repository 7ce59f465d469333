//! A-01: whom a header lists can read it.

use crate::diagnostic::Severity;
use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::reference::same_target;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "A-01",
    slug: "participant-sees-the-thread",
    level: Level::Must,
    kind: Kind::Permission,
    subject: Subject::Header,
    page: "thread-lifecycle-participants-access-control",
    summary: "whom a header lists can read it",
    why: "Recipients say who is meant; policies say who sees. Who is listed but has no policy for it is not told that there is a thread. A policy by compartment shows a patient the threads about them that they have no part in, which is a warning.",
    help: "give the participant a policy that covers the thread, such as `Communication?recipient=%profile`",
    fhirpath: None,
    policies: &[(
        "Practitioner/house",
        r#"{"resourceType":"AccessPolicy","id":"p","resource":[{"resourceType":"Communication","criteria":"Communication?sender=%profile"}]}"#,
    )],
    fails: &[(
        Base::Header,
        r#"{"recipient":[{"reference":"Practitioner/alice"},{"reference":"Practitioner/house"}]}"#,
    )],
    passes: &[(
        Base::Header,
        r#"{"sender":{"reference":"Practitioner/house"},"recipient":[{"reference":"Practitioner/house"}]}"#,
    )],
    check,
};

/// What to do about a subject who reads what they have no part in.
const NOT_FOR_THE_SUBJECT: &str = "if they shall not read it, let their policy name participants, such as `Communication?recipient=%profile`, and not the compartment; if they shall, add them to `recipient`";

fn check(at: &At<'_>, report: &mut Report<'_>) {
    for actor in at.actors {
        let is_actor = |text: &str| same_target(text, actor.profile);
        let listed = at.references("recipient").find(|(_, text)| is_actor(text));
        let (is_sender, is_subject) = (
            at.reference("sender").is_some_and(is_actor),
            at.reference("subject").is_some_and(is_actor),
        );
        let reads = actor.reads(at.resource);
        match listed {
            Some((n, _)) if !reads => {
                let message = format!("`{}` is listed, but cannot read the thread", actor.profile);
                report.add(format!("/recipient/{n}"), message);
            }
            // By a compartment, perhaps meant so; perhaps it is a thread of clinicians.
            None if reads && is_subject && !is_sender => {
                let message = format!(
                    "`{}` does not take part, but reads the thread as its subject",
                    actor.profile
                );
                report.add_with_help(Severity::Warning, "/subject", message, NOT_FOR_THE_SUBJECT);
            }
            _ => {}
        }
    }
}
