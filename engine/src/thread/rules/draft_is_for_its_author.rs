//! M-10: nobody but its author can read a draft.

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
    id: "M-10",
    slug: "draft-is-for-its-author",
    level: Level::Must,
    kind: Kind::Permission,
    subject: Subject::Message,
    page: "message-editing-and-drafts",
    summary: "nobody but its author can read a draft",
    why: "A draft whose recipients are filled in already is readable by them under the policy of participants, before it was meant for them.",
    help: "leave `recipient` out until the draft is sent, or let the policy exclude `status=preparation` for all but the sender",
    fhirpath: None,
    policies: &[(
        "Patient/homer",
        r#"{"resourceType":"AccessPolicy","id":"p","resource":[{"resourceType":"Communication","criteria":"Communication?recipient=%profile"},{"resourceType":"Communication","criteria":"Communication?sender=%profile"}]}"#,
    )],
    fails: &[(Base::Draft, r#""#)],
    passes: &[(Base::Draft, r#"{"recipient":null}"#)],
    check,
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.status() != Status::Preparation {
        return;
    }
    let author = at.reference("sender");
    for actor in at.actors {
        let is_author = author.is_some_and(|author| same_target(author, actor.profile));
        if !is_author && actor.reads(at.resource) {
            report.add("", format!("`{}` can read the draft", actor.profile));
        }
    }
}
