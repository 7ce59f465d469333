//! M-19: an attachment is not inside the message.

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
    id: "M-19",
    slug: "attachment-is-not-inline",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Communication,
    page: "binary-data",
    summary: "an attachment is not inside the message",
    why: "The bytes inside are sent with every list of messages, and no policy can protect them apart from the message.",
    help: "store the file as a Binary, and give its `url`",
    fhirpath: Some("payload.content.data.empty()"),
    fails: &[(
        Base::Message,
        r#"{"payload":[{"contentAttachment":{"data":"aGk=","contentType":"text/plain","title":"hi.txt"}}]}"#,
    )],
    passes: &[(
        Base::Message,
        r#"{"payload":[{"contentAttachment":{"url":"Binary/b","contentType":"text/plain","title":"hi.txt"}}]}"#,
    )],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    for (n, attachment) in at.attachments() {
        if has(attachment, "data") {
            let pointer = format!("/payload/{n}/contentAttachment/data");
            report.add(pointer, "the attachment is inside the message");
        }
    }
}
