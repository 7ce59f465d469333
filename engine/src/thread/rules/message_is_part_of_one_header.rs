//! M-02: a message is part of one Communication, its header.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Role;
use crate::thread::reference::target_type;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-02",
    slug: "message-is-part-of-one-header",
    level: Level::Must,
    kind: Kind::Single,
    subject: Subject::Communication,
    page: "messaging-data-model",
    summary: "a message is part of one Communication, its header",
    why: "`partOf` is what puts a message into a thread. A payload without it is in no thread, and is listed among the headers.",
    help: "let `partOf` have one entry, the header's reference",
    fhirpath: Some("payload.exists() implies partOf.count() = 1"),
    fails: &[(Base::Message, r#"{"partOf":null}"#)],
    passes: &[(Base::Header, r#""#), (Base::Message, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    // Others are part of it, so it is a header: see H-01.
    if at.has_role(Role::Standalone) && !at.known.has_parts() {
        report.add("/partOf", "it has a payload, but is part of no thread");
    }
    if !at.has_role(Role::Message) {
        return;
    }
    let count = at.items("partOf").len();
    if count > 1 {
        report.add("/partOf", format!("it is part of {count} resources"));
    }
    for (n, text) in at.references("partOf") {
        if let Some(name) = target_type(text).filter(|name| *name != "Communication") {
            let message = format!("it is part of a `{name}`, not of a Communication");
            report.add(format!("/partOf/{n}"), message);
        }
    }
}
