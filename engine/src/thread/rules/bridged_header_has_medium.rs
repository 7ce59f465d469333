//! H-21: the header of a conversation over a channel names the channel.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-21",
    slug: "bridged-header-has-medium",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Header,
    page: "external-messaging-integration-patterns",
    summary: "the header of a conversation over a channel names the channel",
    why: "The program that sends replies outside reads the channel from the header. Without it the reply stays inside, and nobody is told.",
    help: "give the header the `medium` of its messages",
    fhirpath: None,
    fails: &[
        (
            Base::Header,
            r#"{"identifier":[{"system":"https://twilio.com","value":"CH1"}]}"#,
        ),
        (
            Base::Message,
            r#"{"medium":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationMode","code":"SMSWRIT"}]}],"identifier":[{"system":"http://example.com/sms-webhook-message","value":"1"}]}"#,
        ),
    ],
    passes: &[
        (
            Base::Header,
            r#"{"medium":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationMode","code":"SMSWRIT"}]}],"identifier":[{"system":"https://twilio.com","value":"CH1"}]}"#,
        ),
        (
            Base::Message,
            r#"{"medium":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationMode","code":"SMSWRIT"}]}],"identifier":[{"system":"http://example.com/sms-webhook-message","value":"1"}]}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if !at.has("identifier") || at.has("medium") {
        return;
    }
    let bridged = at
        .known
        .messages()
        .find(|message| message.communication().is_some_and(|m| m.has_medium));
    if let Some(message) = bridged {
        let message = format!(
            "{} came over a channel that the header does not name",
            message.name()
        );
        report.add("/medium", message);
    }
}
