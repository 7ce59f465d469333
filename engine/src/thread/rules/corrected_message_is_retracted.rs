//! C-06: what is corrected is entered-in-error.

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
    id: "C-06",
    slug: "corrected-message-is-retracted",
    level: Level::Must,
    kind: Kind::Cross,
    subject: Subject::Communication,
    page: "message-editing-and-drafts",
    summary: "what is corrected is entered-in-error",
    why: "With both in force a reader does not know which holds.",
    help: "set the original's `status` to `entered-in-error`",
    fhirpath: None,
    fails: &[
        (Base::Retracted, r#"{"status":"in-progress"}"#),
        (Base::Correction, r#""#),
    ],
    passes: &[(Base::Retracted, r#""#), (Base::Correction, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if let Some((original, theirs)) = at.corrected()
        && theirs.status != Status::EnteredInError
    {
        let message = format!("{} is not retracted", original.name());
        report.add("/inResponseTo/0", message);
    }
}
