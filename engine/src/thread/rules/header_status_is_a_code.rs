//! H-04: a header has a status of R4.

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
    id: "H-04",
    slug: "header-status-is-a-code",
    level: Level::Must,
    kind: Kind::Single,
    subject: Subject::Header,
    page: "hl7.org/fhir/R4",
    summary: "a header has a status of R4",
    why: "Lists of open and closed threads go by `status`. A server refuses a Communication without it.",
    help: "use `in-progress` for an open thread, `completed` for a closed one, `entered-in-error` for a mistake",
    fhirpath: Some(
        "status in ('preparation' | 'in-progress' | 'not-done' | 'on-hold' | 'stopped' | 'completed' | 'entered-in-error' | 'unknown')",
    ),
    fails: &[(Base::Header, r#"{"status":null}"#)],
    passes: &[(Base::Header, r#"{"status":"completed"}"#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.status() == Status::Invalid {
        let message = match at.text("status") {
            Some(status) => format!("`{status}` is no status of a Communication"),
            None => "the header has no status".to_owned(),
        };
        report.add("/status", message);
    }
}
