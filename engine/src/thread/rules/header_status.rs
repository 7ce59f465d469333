//! H-05: a header is in-progress, completed or entered-in-error.

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
    id: "H-05",
    slug: "header-status",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Header,
    page: "thread-lifecycle-participants-access-control",
    summary: "a header is in-progress, completed or entered-in-error",
    why: "The thread's life has these three states; lists of open and closed threads expect no others.",
    help: "use `in-progress` for an open thread, `completed` for a closed one, `entered-in-error` for a mistake",
    fhirpath: Some("status in ('in-progress' | 'completed' | 'entered-in-error')"),
    fails: &[(Base::Header, r#"{"status":"on-hold"}"#)],
    passes: &[(Base::Header, r#"{"status":"entered-in-error"}"#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if matches!(at.status(), Status::Preparation | Status::Rare) {
        let status = at.text("status").unwrap_or_default();
        report.add("/status", format!("`{status}` is not a state of a thread"));
    }
}
