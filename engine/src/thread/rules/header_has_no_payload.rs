//! H-01: a thread header has no payload.

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
    id: "H-01",
    slug: "header-has-no-payload",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Communication,
    page: "messaging-data-model",
    summary: "a thread header has no payload",
    why: "The header is the thread, not a message in it. One with a payload is listed as a message and is not found as a thread by those who look for Communications without payload. A Communication that others are part of is taken for a header here; a payload that nothing is part of is M-02's.",
    help: "put the text into a message of its own, whose `partOf` is the header",
    fhirpath: None,
    fails: &[
        (Base::Header, r#"{"payload":[{"contentString":"Hello"}]}"#),
        (Base::Message, r#""#),
    ],
    passes: &[(Base::Header, r#""#), (Base::Message, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.has_role(Role::Standalone) && at.known.has_parts() {
        let message = "it is a thread header (others are part of it), but has a payload";
        report.add("/payload", message);
    }
}
