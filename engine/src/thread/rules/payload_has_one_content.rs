//! M-17: each entry of a payload has one content.

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
    id: "M-17",
    slug: "payload-has-one-content",
    level: Level::Must,
    kind: Kind::Single,
    subject: Subject::Communication,
    page: "sending-messages-and-attachments",
    summary: "each entry of a payload has one content",
    why: "An entry is a text, an attachment or a reference. With two of them readers show one and lose the other.",
    help: "make an entry of its own for each text, attachment and reference",
    fhirpath: Some("payload.all(content.count() = 1)"),
    fails: &[(
        Base::Message,
        r#"{"payload":[{"contentString":"See this","contentReference":{"reference":"DocumentReference/d"}}]}"#,
    )],
    passes: &[(
        Base::Message,
        r#"{"payload":[{"contentString":"See this"},{"contentReference":{"reference":"DocumentReference/d"}}]}"#,
    )],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    for (n, entry) in at.items("payload").iter().enumerate() {
        let contents = ["contentString", "contentAttachment", "contentReference"];
        let count = contents.iter().filter(|name| has(entry, name)).count();
        // A primitive may have nothing but an extension.
        let is_extended = count == 0 && has(entry, "_contentString");
        if count != 1 && !is_extended {
            let message = format!("the entry has {count} contents");
            report.add(format!("/payload/{n}"), message);
        }
    }
}
