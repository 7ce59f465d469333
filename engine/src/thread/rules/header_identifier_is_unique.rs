//! H-20: no other Communication has the identifier of a header.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::index::identifier_text;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-20",
    slug: "header-identifier-is-unique",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Header,
    page: "external-messaging-integration-patterns",
    summary: "no other Communication has the identifier of a header",
    why: "An incoming message says its thread by `Communication?identifier=…`. With two matches the server refuses the message.",
    help: "keep one header for each conversation, and give messages identifiers of their own",
    fhirpath: None,
    fails: &[
        (
            Base::Header,
            r#"{"identifier":[{"system":"https://twilio.com","value":"CH1"}]}"#,
        ),
        (
            Base::Message,
            r#"{"identifier":[{"system":"https://twilio.com","value":"CH1"}]}"#,
        ),
    ],
    passes: &[
        (
            Base::Header,
            r#"{"identifier":[{"system":"https://twilio.com","value":"CH1"}]}"#,
        ),
        (
            Base::Message,
            r#"{"identifier":[{"system":"https://twilio.com","value":"IM1"}]}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    for (n, identifier) in at.items("identifier").iter().enumerate() {
        let text = identifier_text(identifier);
        let other = text.and_then(|text| at.another_with(&text, |_| true));
        if let Some(other) = other {
            let message = format!("{} has the same identifier", other.name());
            report.add(format!("/identifier/{n}"), message);
        }
    }
}
