//! M-23: each medium has a code and a system.

use crate::thread::at::At;
use crate::thread::at::codings_of;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-23",
    slug: "medium-is-coded",
    level: Level::May,
    kind: Kind::Single,
    subject: Subject::Communication,
    page: "messaging-data-model",
    summary: "each medium has a code and a system",
    why: "Programs that bridge channels, and searches by `medium`, go by the code.",
    help: "give each medium a `coding` with `system` and `code`, such as SMSWRIT of v3-ParticipationMode",
    fhirpath: Some("medium.all(coding.where(system.exists() and code.exists()).exists())"),
    fails: &[(Base::Message, r#"{"medium":[{"text":"SMS"}]}"#)],
    passes: &[(
        Base::Message,
        r#"{"medium":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationMode","code":"SMSWRIT"}]}],"identifier":[{"system":"http://example.com/sms-webhook-message","value":"1"}]}"#,
    )],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    for (n, concept) in at.items("medium").iter().enumerate() {
        if codings_of(concept).next().is_none() {
            let message = "the medium has no code with its system";
            report.add(format!("/medium/{n}"), message);
        }
    }
}
