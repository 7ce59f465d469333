//! M-14: a message has no category that its header lacks.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::index::codings;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;
use crate::thread::threads::Known;

pub(super) const RULE: Rule = Rule {
    id: "M-14",
    slug: "category-is-the-threads",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Message,
    page: "messaging-data-model",
    summary: "a message has no category that its header lacks",
    why: "Categories sort threads. One on a message alone is not found where threads are searched. That of a correction is the message's own.",
    help: "give the header the category too, or use `reasonCode` for what concerns the message alone",
    fhirpath: None,
    fails: &[
        (Base::Header, r#""#),
        (
            Base::Message,
            r#"{"category":[{"coding":[{"system":"http://snomed.info/sct","code":"394583002"}]}]}"#,
        ),
    ],
    passes: &[
        (
            Base::Header,
            r#"{"category":[{"coding":[{"system":"http://snomed.info/sct","code":"394583002"}]}]}"#,
        ),
        (
            Base::Message,
            r#"{"category":[{"coding":[{"system":"http://snomed.info/sct","code":"394583002"}]}]}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let header = at.header().and_then(Known::communication);
    let Some(header) = header else {
        return;
    };
    let theirs = at.threads().list(header.categories);
    for code in codings(at.resource, "category") {
        let symbol = at.threads().coding(&code);
        if symbol.is_none_or(|symbol| theirs.binary_search(&symbol).is_err()) {
            report.add("/category", format!("the header has no category `{code}`"));
        }
    }
}
