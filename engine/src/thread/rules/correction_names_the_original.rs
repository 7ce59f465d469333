//! C-03: a correction says what it corrects.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "C-03",
    slug: "correction-names-the-original",
    level: Level::Must,
    kind: Kind::Single,
    subject: Subject::Communication,
    page: "message-editing-and-drafts",
    summary: "a correction says what it corrects",
    why: "The corrected message takes the place of the original, which `inResponseTo` names. Without it there is no place.",
    help: "give `inResponseTo`, the message that is corrected",
    fhirpath: Some(
        "category.coding.where(code = 'correction').exists() implies inResponseTo.exists()",
    ),
    fails: &[(Base::Correction, r#"{"inResponseTo":null}"#)],
    passes: &[(Base::Correction, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    if at.communication().is_some_and(|own| own.is_correction) && !at.has("inResponseTo") {
        report.add(
            "/inResponseTo",
            "the correction does not say what it corrects",
        );
    }
}
