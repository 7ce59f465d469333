//! M-18: an attachment has a content type, a url and a title.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::has;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-18",
    slug: "attachment-is-described",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Communication,
    page: "sending-messages-and-attachments",
    summary: "an attachment has a content type, a url and a title",
    why: "Without the type a reader cannot open the file, without the title nobody knows what it is.",
    help: "give `contentType`, `url` and `title`",
    fhirpath: Some(
        "payload.content.where(contentType.exists() or title.exists() or url.exists() or data.exists()).all(contentType.exists() and title.exists() and (url.exists() or data.exists()))",
    ),
    fails: &[(
        Base::Message,
        r#"{"payload":[{"contentAttachment":{"url":"Binary/b"}}]}"#,
    )],
    passes: &[(
        Base::Message,
        r#"{"payload":[{"contentAttachment":{"url":"Binary/b","contentType":"application/pdf","title":"report.pdf"}}]}"#,
    )],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    for (n, attachment) in at.attachments() {
        // With the bytes inside, M-19 asks for a url.
        let is_inline = has(attachment, "data");
        let wanted = ["contentType", "url", "title"];
        let missing = wanted
            .into_iter()
            .filter(|name| !(has(attachment, name) || is_inline && *name == "url"));
        for name in missing {
            let pointer = format!("/payload/{n}/contentAttachment/{name}");
            report.add(pointer, format!("the attachment has no `{name}`"));
        }
    }
}
