//! H-08: a header has a topic with text.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-08",
    slug: "header-has-topic",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Header,
    page: "messaging-data-model",
    summary: "a header has a topic with text",
    why: "The topic's text is the title that lists of threads show.",
    help: "give `topic.text`, the title of the thread",
    fhirpath: Some("topic.text.exists()"),
    fails: &[(
        Base::Header,
        r#"{"topic":{"coding":[{"system":"http://snomed.info/sct","code":"158965000"}]}}"#,
    )],
    passes: &[(Base::Header, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let text = at.resource.get("topic").and_then(|topic| topic.get("text"));
    if text.is_none() && !at.is_bare_header() {
        report.add("/topic", "the thread has no title");
    }
}
