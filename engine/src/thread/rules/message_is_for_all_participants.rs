//! M-05: a new message is for the participants whom its header lists at that time.

use crate::thread::at::At;
use crate::thread::at::MAX_VERSIONS;
use crate::thread::at::writes_unlisted;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::pool::Symbol;
use crate::thread::record::Communication;
use crate::thread::record::Moment;
use crate::thread::record::Status;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;
use crate::thread::threads::Known;

pub(super) const RULE: Rule = Rule {
    id: "M-05",
    slug: "message-is-for-all-participants",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Message,
    page: "thread-lifecycle-participants-access-control",
    summary: "a new message is for the participants whom its header lists at that time",
    why: "A message to an old list is still read by who was removed, and not by who was added. It is asked where the header's list at the time of sending is known: from its history, or because the header did not change since.",
    help: "copy the header's `recipient` when the message is sent; the sender may be left out",
    fhirpath: None,
    fails: &[
        (
            Base::Header,
            r#"{"recipient":[{"reference":"Patient/homer"},{"reference":"Practitioner/alice"},{"reference":"Practitioner/wilson"}]}"#,
        ),
        (
            Base::Message,
            r#"{"recipient":[{"reference":"Practitioner/alice"},{"reference":"Practitioner/jackie"}]}"#,
        ),
    ],
    passes: &[
        (
            Base::Header,
            r#"{"recipient":[{"reference":"Patient/homer"},{"reference":"Practitioner/alice"},{"reference":"Practitioner/wilson"}]}"#,
        ),
        (
            Base::Message,
            r#"{"recipient":[{"reference":"Practitioner/alice"},{"reference":"Practitioner/wilson"}]}"#,
        ),
    ],
    check,
    ..PLAIN
};

/// The header as it was at a moment, if the input tells.
fn version_at(header: Known<'_>, when: Moment) -> Option<&Communication> {
    let newest = header.versions().next()?;
    if newest.record.updated == Moment::NONE {
        // A file that was never on a server: the only state there is.
        return newest.older().is_none().then(|| newest.communication())?;
    }
    when.known()?;
    header
        .versions()
        .take(MAX_VERSIONS)
        .find(|version| !version.record.updated.is_after(when))?
        .communication()
}

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some(message) = at.communication() else {
        return;
    };
    let is_sent = matches!(message.status, Status::InProgress | Status::Completed);
    // Of one without a known sender nobody can say whom it leaves out.
    if !is_sent || message.is_correction || message.sender.is_none() {
        return;
    }
    // One for nobody is M-04's.
    if message.recipients.is_none() {
        return;
    }
    let header = at
        .header()
        .and_then(|header| version_at(header, message.sent));
    let Some(header) = header.filter(|header| header.recipients.is_some()) else {
        return;
    };
    let threads = at.threads();
    let (own, all) = (
        threads.list(message.recipients),
        threads.list(header.recipients),
    );
    let difference = |these: &[Symbol], those: &[Symbol]| {
        let names = these.iter().filter(|who| Some(**who) != message.sender);
        let names = names.filter(|who| those.binary_search(who).is_err());
        let names: Vec<_> = names
            .map(|who| format!("`{}`", threads.text(*who)))
            .collect();
        names.join(", ")
    };
    let missing = difference(all, own);
    if !missing.is_empty() {
        let message = format!("it is not for {missing}, among the thread's recipients");
        report.add("/recipient", message);
    }
    let is_news = |who: &&Symbol| {
        let is_known = |header: Known<'_>| writes_unlisted(header, **who);
        all.binary_search(who).is_ok() || !at.header().is_some_and(is_known)
    };
    let own: Vec<Symbol> = own.iter().filter(is_news).copied().collect();
    let surplus = difference(&own, all);
    if !surplus.is_empty() {
        let message = format!("it is for {surplus}, not among the thread's recipients");
        report.add("/recipient", message);
    }
}
