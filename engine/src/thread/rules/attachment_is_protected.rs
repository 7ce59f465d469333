//! M-21: the Binary of an attachment has a security context.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::What;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-21",
    slug: "attachment-is-protected",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Communication,
    page: "binary-security-context",
    summary: "the Binary of an attachment has a security context",
    why: "A Binary without `securityContext` is readable by everyone who may read Binaries and knows its id.",
    help: "give the Binary a `securityContext`, such as the patient, when it is uploaded",
    fhirpath: None,
    fails: &[
        (
            Base::Message,
            r#"{"payload":[{"contentAttachment":{"url":"Binary/b","contentType":"application/pdf","title":"report.pdf"}}]}"#,
        ),
        (Base::Binary, r#"{"securityContext":null}"#),
    ],
    passes: &[
        (
            Base::Message,
            r#"{"payload":[{"contentAttachment":{"url":"Binary/b","contentType":"application/pdf","title":"report.pdf"}}]}"#,
        ),
        (Base::Binary, r#""#),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    for (n, attachment) in at.attachments() {
        let url = attachment.get("url").and_then(|url| url.as_str());
        let binary = url.and_then(|url| at.threads().known(url));
        if let Some(known) = binary
            && matches!(known.record.what, What::Binary { secured: false })
        {
            let pointer = format!("/payload/{n}/contentAttachment/url");
            report.add(pointer, format!("{} has no security context", known.name()));
        }
    }
}
