//! What a policy says that its author probably did not mean.
//!
//! A policy can be valid and still grant more than is written, deny what it seems to grant, or mean
//! one thing to a server's search and another to its cache. Each such trap is a [`Rule`] with an id,
//! a page and executed examples; [`check`] runs all of them over the policies and memberships of a
//! [`Subject`].
//!
//! ```
//! use fhirward_engine::lint::{Options, Subject, check};
//! use fhirward_engine::source::Source;
//!
//! let mut subject = Subject::default();
//! subject.add_text(&Source::new("p.json", r#"{
//!     "resourceType": "AccessPolicy",
//!     "resource": [{"resourceType": "Patient", "criteria": "Observation?status=final"}]
//! }"#));
//! let findings = check(&subject, &Options::default());
//! assert_eq!(findings[0].id(), "L01");
//! assert_eq!(findings[0].diagnostic.severity.to_string(), "critical");
//! ```
//!
//! # Writing a rule
//!
//! One rule is one file, `rules/<category>/<slug>.rs` with underscores for the dashes, and one line
//! in `rules/<category>/mod.rs`. The file holds `pub static RULE: Rule`, its `check`, and its tests:
//!
//! 1. **`check`** walks the [`Context`]: [`Context::filters`] for what is about a parameter or a
//!    value, [`Context::entries`] for what is about an entry, [`Context::policies`] for entries next
//!    to one another, [`Context::memberships`] for memberships. Everything is parsed already; what is
//!    not there, add to [`view`], not to a rule. A policy has up to 10,000 entries, so a rule that
//!    compares entries groups them by type first and stays linear in their number.
//! 2. **A finding** is `report.find(place, label, message)`, then `.help(…)`, `.fix(…)`, `.also(…)`.
//!    The place is the smallest that is wrong: a modifier, not the criteria. Places come from views
//!    (`criteria.at(span)`, `field.place()`), so they are right under JSON and percent escapes. The
//!    message starts in lower case, has no full stop, quotes the reader's text in backticks and says
//!    what happens *on which path and version*; the help says what to write instead.
//! 3. **Level**: *critical* where a server grants more than is written (even if the reference
//!    semantics denies it: people deploy on servers); *error* where something is dead, always denied
//!    or always an error; *warning* where paths or versions differ, or it surprises; *info* for the
//!    rest. The message must be true for every policy that it is shown for: no false alarms.
//! 4. **Versions**: a rule about older servers asks for a feature,
//!    `context.server().features().revinclude_gate`, or where there is none
//!    `context.server().is_before(5, 0, 10)`.
//! 5. **`adopts`**: codes of diagnostics that the reader makes for the same mistake, so that it is
//!    reported once. A test holds every code to exactly one rule or to [`FORMAT`].
//! 6. **`fix`** only where what was meant is beyond doubt; tests apply it to the examples and the rule
//!    must then be silent.
//! 7. **Examples** are the tests of the catalogue and the page of the rule. Edge cases are `rstest`
//!    cases in the file, with the helpers of `testing`.

mod adopt;
pub mod catalogue;
mod context;
mod cover;
mod fix;
mod members;
mod page;
mod report;
mod rule;
mod rules;
mod server;
#[cfg(test)]
mod testing;
pub mod view;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub use adopt::FORMAT;
pub use context::{Context, Options, Site};
pub use fix::apply_fixes;
pub use page::page;
pub use report::{Draft, Finding, Place, Report};
pub use rule::{Adopts, Category, Example, Rule, Which};

use crate::diagnostic::Diagnostic;
use crate::policy::membership::MAX_ASSEMBLED;
use crate::policy::{self, PolicyDocument};
use crate::source::json::Document;
use crate::source::{Source, Span};

/// What is checked: the texts of one or more files.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    documents: Vec<Arc<Document>>,
    unreadable: Vec<Diagnostic>,
}

impl Subject {
    /// Adds a JSON text. A text that is no JSON becomes a finding.
    pub fn add_text(&mut self, source: &Arc<Source>) {
        match Document::parse(source) {
            Ok(document) => self.add(document),
            Err(finding) => self.unreadable.push(finding),
        }
    }

    /// Adds a document that is read already.
    pub fn add(&mut self, document: Document) {
        self.documents.push(Arc::new(document));
    }

    /// Adds a finding about a text that could not be read.
    pub fn add_unreadable(&mut self, finding: Diagnostic) {
        self.unreadable.push(finding);
    }

    /// The documents, in the order they were added.
    pub fn documents(&self) -> &[Arc<Document>] {
        &self.documents
    }
}

/// Runs every rule. Findings come in the order of the texts and of the places in them.
pub fn check(subject: &Subject, options: &Options) -> Vec<Finding> {
    let context = Context::new(&subject.documents, options);
    let mut findings = Vec::new();
    let mut answered = Vec::new();
    for rule in catalogue::all() {
        let mut report = Report::new(rule, &mut findings, &mut answered);
        (rule.check)(&context, &mut report);
    }
    let diagnostics = diagnostics(subject, &context, options);
    adopt::adopt(&mut findings, diagnostics, &answered);
    let order: HashMap<*const Source, usize> = subject
        .documents
        .iter()
        .enumerate()
        .map(|(at, document)| (Arc::as_ptr(document.source()), at))
        .collect();
    findings.sort_by_cached_key(|finding| {
        let diagnostic = &finding.diagnostic;
        let text = diagnostic.source.as_ref().map(Arc::as_ptr);
        let span = diagnostic.labels.first().map(|label| label.span);
        (
            text.and_then(|text| order.get(&text).copied()),
            span,
            std::cmp::Reverse(diagnostic.severity),
            finding.id(),
        )
    });
    findings
}

/// What reading and compiling the policies finds, each thing once.
fn diagnostics(subject: &Subject, context: &Context<'_>, options: &Options) -> Vec<Diagnostic> {
    let mut all = subject.unreadable.clone();
    let mut policies: HashMap<String, Arc<PolicyDocument>> = HashMap::new();
    for document in &subject.documents {
        let (read, _, findings) = PolicyDocument::from_json(document);
        all.extend(findings);
        for policy in read.into_iter().map(Arc::new) {
            // An id wins over a name, as memberships on a server name policies by id.
            let name = policy.id().map(|id| format!("AccessPolicy/{id}"));
            let name = name.or_else(|| policy.name().map(|name| format!("name/{name}")));
            if let Some(name) = name {
                policies.entry(name).or_insert(policy);
            }
        }
    }
    let find = |reference: &str| {
        let bare = reference.strip_prefix("AccessPolicy/").unwrap_or(reference);
        let by_id = policies.get(&format!("AccessPolicy/{bare}"));
        by_id
            .or_else(|| policies.get(&format!("name/{bare}")))
            .cloned()
    };
    let compile = policy::Options {
        base_url: options.base_url.clone(),
    };
    let members = context.memberships();
    all.extend(members::diagnostics(
        members,
        &find,
        &compile,
        MAX_ASSEMBLED,
    ));
    once(all)
}

/// A thing is said once, and a doubt about what is certainly wrong is not said at all.
fn once(all: Vec<Diagnostic>) -> Vec<Diagnostic> {
    type At = (*const Source, Span);
    let place = |finding: &Diagnostic| -> Option<At> {
        let source = finding.source.as_ref()?;
        Some((Arc::as_ptr(source), finding.labels.first()?.span))
    };
    let wrong: HashSet<At> = all
        .iter()
        .filter(|f| f.is_error())
        .filter_map(place)
        .collect();
    let mut seen: HashSet<(Option<At>, &'static str, String)> = HashSet::new();
    all.into_iter()
        .filter(|finding| {
            finding.is_error() || place(finding).is_none_or(|at| !wrong.contains(&at))
        })
        .filter(|finding| seen.insert((place(finding), finding.code, finding.message.clone())))
        .collect()
}
