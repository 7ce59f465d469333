//! M-24: a message that came over a channel has an identifier, and has it alone.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::index::identifier_text;
use crate::thread::record::Role;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-24",
    slug: "bridged-message-has-identifier",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Message,
    page: "external-messaging-integration-patterns",
    summary: "a message that came over a channel has an identifier, and has it alone",
    why: "Channels deliver an event more than once, and apps retry. The provider's id of the message is what keeps the second one out.",
    help: "store the provider's id of the message as `identifier`, and create with `If-None-Exist`",
    fhirpath: None,
    fails: &[
        (
            Base::Message,
            r#"{"identifier":[{"system":"http://example.com/sms-webhook-message","value":"1"}]}"#,
        ),
        (
            Base::Message,
            r#"{"id":"m2","sent":"2024-04-10T10:00:01Z","identifier":[{"system":"http://example.com/sms-webhook-message","value":"1"}]}"#,
        ),
    ],
    passes: &[
        (
            Base::Message,
            r#"{"identifier":[{"system":"http://example.com/sms-webhook-message","value":"1"}]}"#,
        ),
        (
            Base::Message,
            r#"{"id":"m2","sent":"2024-04-10T10:00:01Z","identifier":[{"system":"http://example.com/sms-webhook-message","value":"2"}]}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.is_by_sms() && !at.has("identifier") {
        report.add(
            "/identifier",
            "the message went over SMS, but has no identifier",
        );
    }
    for (n, identifier) in at.items("identifier").iter().enumerate() {
        let text = identifier_text(identifier);
        // One that a header has too is H-20's; of two messages the later is reported.
        let other = text.and_then(|text| {
            at.another_with(&text, |other| {
                other.has_role(Role::Message) && other.place < at.known.place
            })
        });
        if let Some(other) = other {
            let message = format!("{} has the same identifier", other.name());
            report.add(format!("/identifier/{n}"), message);
        }
    }
}
