//! H-02: a thread header is part of nothing.

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
    id: "H-02",
    slug: "header-is-no-part",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Communication,
    page: "messaging-data-model",
    summary: "a thread header is part of nothing",
    why: "Headers are found by `part-of:missing=true`. A header with `partOf` is not found as a thread. A Communication that others are part of is taken for a header here; a lone one without payload is M-01's.",
    help: "take `partOf` away from the header, or give a message its payload",
    fhirpath: None,
    fails: &[
        (
            Base::Header,
            r#"{"partOf":[{"reference":"Communication/x"}]}"#,
        ),
        (Base::Message, r#""#),
    ],
    passes: &[(Base::Header, r#""#), (Base::Message, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.has_role(Role::Empty) && at.known.has_parts() {
        let message = "it is a thread header (others are part of it), but has `partOf`";
        report.surplus("/partOf", message);
    }
}
