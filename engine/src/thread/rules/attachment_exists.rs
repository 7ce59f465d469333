//! M-20: the Binary of an attachment exists.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::reference::target_type;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-20",
    slug: "attachment-exists",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Communication,
    page: "sending-messages-and-attachments",
    summary: "the Binary of an attachment exists",
    why: "A server lets a Binary be deleted while messages point at it; their readers get an error. It is asked where the input holds Binaries, or a history that says what was deleted.",
    help: "upload the file again, and let `url` be the new Binary",
    fhirpath: None,
    fails: &[
        (
            Base::Message,
            r#"{"payload":[{"contentAttachment":{"url":"Binary/gone","contentType":"application/pdf","title":"report.pdf"}}]}"#,
        ),
        (Base::Binary, r#""#),
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
        let Some(url) = url.filter(|url| target_type(url) == Some("Binary")) else {
            continue;
        };
        let symbol = at.threads().symbol(url);
        let is_there = at.threads().known(url).is_some();
        let is_deleted = symbol.is_some_and(|symbol| at.threads().is_deleted(symbol));
        if is_deleted || (at.threads().has_binaries() && !is_there) {
            let what = if is_deleted {
                "was deleted"
            } else {
                "is not there"
            };
            let pointer = format!("/payload/{n}/contentAttachment/url");
            report.add(pointer, format!("the Binary of the attachment {what}"));
        }
    }
}
