//! H-10: a header's recipients are all participants, its sender included.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Repair;
use crate::thread::finding::Report;
use crate::thread::pool::Symbol;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-10",
    slug: "header-lists-participants",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Header,
    page: "thread-lifecycle-participants-access-control",
    summary: "a header's recipients are all participants, its sender included",
    why: "Inboxes and access policies look for the person among the header's recipients. Who sends but is not listed there loses the thread from their own inbox. While a Task routes the thread, its recipients follow the Task (H-24).",
    help: "add the participant to the header's `recipient`",
    fhirpath: Some(
        "sender.exists() implies recipient.where(reference = %resource.sender.reference).exists()",
    ),
    fails: &[(
        Base::Header,
        r#"{"recipient":[{"reference":"Patient/homer"}]}"#,
    )],
    passes: &[(Base::Header, r#""#), (Base::Message, r#""#)],
    check,
    ..PLAIN
};

/// So many missing participants are named one by one.
const MAX_NAMED: usize = 20;

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some(header) = at.communication() else {
        return;
    };
    let listed = at.threads().list(header.recipients);
    if at.is_rerouted() {
        return;
    }
    let mut missing: Vec<Symbol> = Vec::new();
    let own = header.sender.map(|sender| (sender, None));
    let others = at.known.messages().filter_map(|message| {
        let sender = message.communication()?.sender?;
        Some((sender, Some(message)))
    });
    for (sender, message) in own.into_iter().chain(others) {
        if listed.binary_search(&sender).is_ok() || missing.contains(&sender) {
            continue;
        }
        if missing.len() == MAX_NAMED {
            report.add("/recipient", "and more of those who sent messages");
            return;
        }
        missing.push(sender);
        let name = at.threads().text(sender);
        let what = match message {
            None => format!("the sender `{name}` is not among the recipients"),
            Some(message) => {
                let message = message.name();
                format!("`{name}`, who sent {message}, is not among the recipients")
            }
        };
        let fix = Repair::AddReference {
            element: "recipient",
            reference: name.to_owned(),
        };
        report.add_fix("/recipient", what, fix);
    }
}
