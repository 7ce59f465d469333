//! H-19: the header of an SMS conversation has the conversation's identifier.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-19",
    slug: "bridged-header-has-identifier",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Header,
    page: "external-messaging-integration-patterns",
    summary: "the header of an SMS conversation has the conversation's identifier",
    why: "Incoming messages find their thread by the identifier that the channel gives the conversation. Without it each needs a guess at the latest open thread of the patient.",
    help: "store the id of the conversation as `identifier` when the thread is created",
    fhirpath: Some("medium.coding.where(code = 'SMSWRIT').exists() implies identifier.exists()"),
    fails: &[(
        Base::Header,
        r#"{"medium":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationMode","code":"SMSWRIT"}]}]}"#,
    )],
    passes: &[(
        Base::Header,
        r#"{"medium":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationMode","code":"SMSWRIT"}]}],"identifier":[{"system":"https://twilio.com","value":"CH1"}]}"#,
    )],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.is_by_sms() && !at.has("identifier") {
        report.add(
            "",
            "the thread goes over SMS, but has no identifier of the conversation",
        );
    }
}
