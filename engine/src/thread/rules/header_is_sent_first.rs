//! H-14: a header's time is not after its first message's.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-14",
    slug: "header-is-sent-first",
    level: Level::May,
    kind: Kind::Cross,
    subject: Subject::Header,
    page: "creating-your-first-thread",
    summary: "a header's time is not after its first message's",
    why: "`sent` of a header only lets it stand first when a thread is sorted with its messages.",
    help: "give the header the time when the thread was opened, or no `sent`",
    fhirpath: None,
    fails: &[
        (Base::Header, r#"{"sent":"2024-04-10T11:00:00Z"}"#),
        (Base::Message, r#""#),
    ],
    passes: &[
        (Base::Header, r#"{"sent":"2024-04-10T09:00:00Z"}"#),
        (Base::Message, r#""#),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let sent = at.moment("sent");
    let first = at.known.messages().find_map(|message| {
        let first = message.communication()?.sent;
        first.known().map(|_| (message, first))
    });
    if let Some((message, first)) = first
        && sent.is_after(first)
    {
        report.add(
            "/sent",
            format!("{} was sent before the header", message.name()),
        );
    }
}
