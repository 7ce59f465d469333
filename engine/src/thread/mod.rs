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

mod classify;
mod context;
mod finding;
mod rules;

pub use classify::{ThreadRole, classify};
pub use finding::ThreadFinding;
pub use rules::{Rule, rules};

use serde_json::Value;

use context::Context;
use finding::Report;

/// Applies all rules to resources that belong together, such as those of a Bundle.
///
/// Resources other than Communications are passed over. A rule that needs another resource (the
/// header of a message) is applied where that resource is among the given ones. Findings are in
/// the order of the resources, then of the rules.
pub fn check(resources: &[&Value]) -> Vec<ThreadFinding> {
    let context = Context::new(resources);
    let mut findings = Vec::new();
    for rule in rules() {
        let mut report = Report::new(rule, &mut findings);
        (rule.check)(&context, &mut report);
    }
    findings.sort_by_key(|finding| finding.resource);
    findings
}
