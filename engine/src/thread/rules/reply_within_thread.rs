//! M-15: a reply answers an earlier message of the same thread.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-15",
    slug: "reply-within-thread",
    level: Level::May,
    kind: Kind::Cross,
    subject: Subject::Message,
    page: "messaging-data-model",
    summary: "a reply answers an earlier message of the same thread",
    why: "`inResponseTo` is for a Reply button, not for the order of a chat. A reply into another thread, or to a message that was sent later, is shown in the wrong place or not at all. Corrections have C-04.",
    help: "use `inResponseTo` only for an explicit reply to one earlier message of the thread",
    fhirpath: None,
    fails: &[
        (
            Base::Message,
            r#"{"partOf":[{"reference":"Communication/other"}]}"#,
        ),
        (
            Base::Message,
            r#"{"id":"m2","sent":"2024-04-10T10:05:00Z","inResponseTo":[{"reference":"Communication/m"}]}"#,
        ),
    ],
    passes: &[
        (Base::Header, r#""#),
        (Base::Message, r#""#),
        (
            Base::Message,
            r#"{"id":"m2","sent":"2024-04-10T10:05:00Z","inResponseTo":[{"reference":"Communication/m"}]}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some(own) = at.communication().filter(|own| !own.is_correction) else {
        return;
    };
    for (n, text) in at.references("inResponseTo") {
        let known = at.threads().known(text);
        let Some((known, answered)) = known.and_then(|k| Some((k, k.communication()?))) else {
            continue;
        };
        let pointer = format!("/inResponseTo/{n}");
        if !known.is_message() || answered.parent != own.parent {
            report.add(
                pointer,
                format!("`{text}` is no message of the same thread"),
            );
        } else if answered.sent.is_after(own.sent) {
            report.add(pointer, format!("`{text}` was sent after this reply to it"));
        }
    }
}
