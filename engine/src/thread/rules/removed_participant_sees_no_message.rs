//! A-04: who is no longer listed on the header cannot read its messages.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::reference::same_target;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;
use crate::thread::threads::Known;

pub(super) const RULE: Rule = Rule {
    id: "A-04",
    slug: "removed-participant-sees-no-message",
    level: Level::Must,
    kind: Kind::Permission,
    subject: Subject::Message,
    page: "thread-lifecycle-participants-access-control",
    summary: "who is no longer listed on the header cannot read its messages",
    why: "Messages keep their own recipients. Who is taken out of the header alone still reads all messages that were for them.",
    help: "take the person out of the `recipient` of each message too, where they must not read on",
    fhirpath: None,
    policies: &[(
        "Practitioner/jackie",
        r#"{"resourceType":"AccessPolicy","id":"p","resource":[{"resourceType":"Communication","criteria":"Communication?recipient=%profile"},{"resourceType":"Communication","criteria":"Communication?sender=%profile"}]}"#,
    )],
    fails: &[
        (
            Base::Header,
            r#"{"meta":{"versionId":"2","lastUpdated":"2024-04-11T09:00:00Z"}}"#,
        ),
        (
            Base::Message,
            r#"{"recipient":[{"reference":"Practitioner/alice"},{"reference":"Practitioner/jackie"}]}"#,
        ),
    ],
    passes: &[
        (
            Base::Header,
            r#"{"meta":{"versionId":"2","lastUpdated":"2024-04-11T09:00:00Z"}}"#,
        ),
        (Base::Message, r#""#),
    ],
    check,
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let header = at.header().and_then(Known::communication);
    let Some(header) = header else {
        return;
    };
    let listed = at.threads().list(header.recipients);
    for actor in at.actors {
        let who = at.threads().symbol(actor.profile);
        let takes_part = |who| listed.binary_search(&who).is_ok() || header.sender == Some(who);
        let is_listed = who.is_some_and(takes_part);
        let entry = at
            .references("recipient")
            .find(|(_, text)| same_target(text, actor.profile));
        if let Some((n, _)) = entry
            && !is_listed
            && actor.reads(at.resource)
        {
            let message = format!(
                "`{}` is no longer in the thread, but reads the message",
                actor.profile
            );
            report.add(format!("/recipient/{n}"), message);
        }
    }
}
