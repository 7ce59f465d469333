//! A-02: whoever sent or gets a message can read it.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Status;
use crate::thread::reference::same_target;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "A-02",
    slug: "participant-sees-the-message",
    level: Level::Should,
    kind: Kind::Permission,
    subject: Subject::Message,
    page: "thread-lifecycle-participants-access-control",
    summary: "whoever sent or gets a message can read it",
    why: "The usual policy has two entries, one by recipient and one by sender. With one of them alone people lose sight of half of the conversation; with both in one entry of nearly all of it.",
    help: "give the policy two entries, `Communication?recipient=%profile` and `Communication?sender=%profile`",
    fhirpath: None,
    policies: &[(
        "Practitioner/alice",
        r#"{"resourceType":"AccessPolicy","id":"p","resource":[{"resourceType":"Communication","criteria":"Communication?sender=%profile"}]}"#,
    )],
    fails: &[(Base::Message, r#""#)],
    passes: &[(
        Base::Message,
        r#"{"sender":{"reference":"Practitioner/alice"},"recipient":[{"reference":"Patient/homer"}]}"#,
    )],
    check,
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.status() == Status::Preparation {
        return;
    }
    for actor in at.actors {
        let mut all = at.references("sender").chain(at.references("recipient"));
        let takes_part = all.any(|(_, text)| same_target(text, actor.profile));
        if takes_part && !actor.reads(at.resource) {
            let message = format!(
                "`{}` takes part, but cannot read the message",
                actor.profile
            );
            report.add("", message);
        }
    }
}
