//! M-06: a message is in preparation, in-progress, completed or entered-in-error.

use crate::diagnostic::Severity;
use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Status;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-06",
    slug: "message-status",
    level: Level::Must,
    kind: Kind::Single,
    subject: Subject::Message,
    page: "messaging-data-model",
    summary: "a message is in preparation, in-progress, completed or entered-in-error",
    why: "The documented flows know these four states. Another code of R4 is reported as a warning: it is valid FHIR, but no list of messages takes it into account. Anything else is an error.",
    help: "use `preparation` for a draft, `in-progress` for a sent message, `completed` for a read one, `entered-in-error` for a retracted one",
    fhirpath: Some("status in ('preparation' | 'in-progress' | 'completed' | 'entered-in-error')"),
    fails: &[(Base::Message, r#"{"status":"sent"}"#)],
    passes: &[(Base::Message, r#""#), (Base::Draft, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let status = at.text("status");
    match (at.status(), status) {
        (Status::Invalid, None) => report.add("/status", "the message has no status"),
        (Status::Invalid, Some(status)) => {
            report.add("/status", format!("`{status}` is not a state of a message"));
        }
        (Status::Rare, status) => {
            let status = status.unwrap_or_default();
            let message = format!("`{status}` is not a state of a message");
            report.add_as(Severity::Warning, "/status", message);
        }
        _ => {}
    }
}
