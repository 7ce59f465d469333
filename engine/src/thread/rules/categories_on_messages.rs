//! H-16: the messages of a thread with categories carry them too.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-16",
    slug: "categories-on-messages",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Header,
    page: "messaging-data-model",
    summary: "the messages of a thread with categories carry them too",
    why: "A search for messages by category does not look at their header.",
    help: "give each message the categories of its header",
    fhirpath: None,
    fails: &[
        (
            Base::Header,
            r#"{"category":[{"coding":[{"system":"http://snomed.info/sct","code":"394583002"}]}]}"#,
        ),
        (Base::Message, r#""#),
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
    let Some(header) = at
        .communication()
        .filter(|header| header.categories.is_some())
    else {
        return;
    };
    let wanted = at.threads().list(header.categories);
    let mut without = at.known.messages().filter(|message| {
        let theirs = message.communication().and_then(|m| m.categories);
        let theirs = at.threads().list(theirs);
        !wanted
            .iter()
            .all(|category| theirs.binary_search(category).is_ok())
    });
    if let Some(first) = without.next() {
        let message = match without.count() {
            0 => format!("{} does not carry them", first.name()),
            n => format!("{} and {n} more do not carry them", first.name()),
        };
        report.add("/category", message);
    }
}
