//! The thread model: Communications as headers and messages of threads, and the rules they keep.
//!
//! A thread is a header, which has neither payload nor `partOf`, and its messages, which have both
//! and whose `partOf` is the header. The rules are those that Medplum's messaging documentation
//! states; their ids and levels are given with each of them.
//!
//! ```
//! use fhirward_engine::thread::{ThreadRole, check, classify};
//! use serde_json::json;
//!
//! let header = json!({
//!     "resourceType": "Communication", "id": "h", "status": "in-progress",
//!     "topic": { "text": "Knee" }, "subject": { "reference": "Patient/homer" },
//!     "sender": { "reference": "Practitioner/alice" },
//!     "recipient": [{ "reference": "Patient/homer" }],
//! });
//! assert_eq!(classify(&header), ThreadRole::Header);
//!
//! let findings = check(&[&header]);
//! assert_eq!((findings[0].rule, &*findings[0].pointer), ("H-10", "/recipient"));
//! ```

mod at;
mod classify;
mod example;
mod finding;
mod groups;
mod index;
mod page;
mod pool;
mod record;
mod reference;
mod rows;
mod rule;
mod rules;
mod shelves;
mod threads;

pub use at::Actor;
pub use classify::{ThreadRole, classify};
pub use finding::{Repair, ThreadFinding};
pub use index::ThreadIndex;
pub use page::{catalogue, page};
pub use rows::{ELSEWHERE, Elsewhere, rows};
pub use rule::{Kind, Level, Rule, Subject};
pub use rules::{rule, rules};
pub use threads::{Summary, Threads};

use serde_json::Value;

use at::At;
use finding::Report;
use record::{State, What};

/// Applies all rules to resources that belong together, such as those of a Bundle.
///
/// Resources other than Communications, their Tasks, Encounters and attachments are passed over. A
/// rule that needs another resource (the header of a message) is applied where that resource is
/// among the given ones. Findings are in the order of the resources, then of the rules.
pub fn check(resources: &[&Value]) -> Vec<ThreadFinding> {
    check_with_policies(resources, &[])
}

/// The same, with the rules about who sees what, for the people whose policies are given.
pub fn check_with_policies(resources: &[&Value], actors: &[Actor<'_>]) -> Vec<ThreadFinding> {
    let mut index = ThreadIndex::new();
    for resource in resources {
        index.add(resource);
    }
    let threads = index.seal();
    let numbered = resources.iter().enumerate();
    numbered
        .flat_map(|(number, resource)| threads.check(number, resource, actors))
        .collect()
}

impl Threads {
    /// Applies the rules to one resource, in the second pass: the one that got the number in the
    /// first. Findings are in the order of the rules.
    pub fn check(
        &self,
        number: usize,
        resource: &Value,
        actors: &[Actor<'_>],
    ) -> Vec<ThreadFinding> {
        let mut findings = Vec::new();
        let Some(known) = self.numbered(number) else {
            return findings;
        };
        let at = At {
            resource,
            known,
            actors,
        };
        let subjects = subjects(&at);
        if subjects.is_empty() {
            return findings;
        }
        for rule in rules() {
            let applies = subjects.contains(&rule.subject)
                && match rule.kind {
                    // An old version broke what it broke; it is the newest that can be mended.
                    Kind::Single | Kind::Cross => known.record.state != State::Old,
                    Kind::History => true,
                    Kind::Permission => !actors.is_empty() && known.record.state != State::Old,
                };
            if applies {
                (rule.check)(&at, &mut Report::new(rule, &at, &mut findings));
            }
        }
        findings
    }
}

/// What the resource is to the rules.
fn subjects(at: &At<'_>) -> &'static [Subject] {
    match &at.known.record.what {
        // A header with a payload and a message without one have other faults as well.
        What::Communication(_) if at.known.is_header() => {
            &[Subject::Communication, Subject::Header]
        }
        What::Communication(_) => &[Subject::Communication, Subject::Message],
        What::Task(task) => {
            let is_about_communication = task
                .focus
                .is_some_and(|focus| at.threads().text(focus).starts_with("Communication/"));
            if is_about_communication {
                &[Subject::Task]
            } else {
                &[]
            }
        }
        What::Encounter(_) => {
            let is_within = || {
                at.known
                    .parent()
                    .is_some_and(|parent| parent.session_headers().next().is_some())
            };
            if at.is_session() || is_within() {
                &[Subject::Encounter]
            } else {
                &[]
            }
        }
        What::Binary { .. } | What::Other => &[],
    }
}
