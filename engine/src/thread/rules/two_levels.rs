//! H-03: a thread has two levels: a message is part of a header.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Role;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-03",
    slug: "two-levels",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Communication,
    page: "messaging-data-model",
    summary: "a thread has two levels: a message is part of a header",
    why: "A message that is part of another message is in no thread: nothing lists it.",
    help: "let `partOf` be the header, and name the message that is answered in `inResponseTo`",
    fhirpath: None,
    fails: &[
        (Base::Header, r#""#),
        (Base::Message, r#""#),
        (
            Base::Message,
            r#"{"id":"m2","partOf":[{"reference":"Communication/m"}]}"#,
        ),
    ],
    passes: &[
        (Base::Header, r#""#),
        (Base::Message, r#""#),
        (
            Base::Message,
            r#"{"id":"m2","sent":"2024-04-10T10:05:00Z"}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    // A header that is part of a message is H-02's.
    if at.known.is_header() {
        return;
    }
    for (n, text) in at.references("partOf") {
        let parent = at.threads().known(text);
        if parent.is_some_and(|parent| parent.has_role(Role::Message)) {
            let message = format!("`{text}` is itself a message, so it is no header");
            report.add(format!("/partOf/{n}"), message);
        }
    }
}
