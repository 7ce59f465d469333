//! R4 structural validation, driven by the element tables.
//!
//! It checks one resource of any of R4's types: known elements, cardinality, JSON kinds and formats
//! of primitives, codes of required bindings, choices, references, extensions, narratives,
//! contained resources, the entries of Bundles, and those of HL7's invariants that can be told
//! without asking anybody else. It applies no profiles and looks at no other resource.
//!
//! A finding that breaks an invariant has HL7's key as its code: `per-1`, `dom-3`, `bdl-2`.
//!
//! ```
//! use serde_json::json;
//!
//! let findings = fhirward_engine::resource::validate(&json!({
//!     "resourceType": "Communication",
//!     "status": "sent",
//!     "payload": [{ "contentSting": "hello" }],
//! }));
//! let [status, payload] = &*findings else { panic!("{findings:?}") };
//! assert_eq!(status.message, "`sent` is not a code that `status` may have");
//! assert_eq!(payload.expression, "Communication.payload[0].contentSting");
//! assert_eq!(payload.help.as_deref(), Some("did you mean `contentString`?"));
//! ```

mod bundle;
mod calendar;
mod contained;
mod element;
mod invariants;
mod location;
mod primitive;
mod reference;
mod sibling;
mod suggest;
mod tables;
mod target;
mod validator;
mod xhtml;

pub(crate) use calendar::instant_of;
pub(crate) use reference::{Literal, literal};

use serde_json::Value;

use crate::diagnostic::Severity;
use validator::Validator;

/// Deeper nesting is reported and not looked into. Real resources stay far below it.
pub const MAX_DEPTH: usize = 64;

/// After so many findings in one resource, the rest is summed up in one more.
pub const MAX_FINDINGS: usize = 1000;

/// Something that is wrong with a resource's structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of finding: `unknown-element`, `missing-element`, …, or the key of an invariant.
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// The `OperationOutcome.issue.code`: `structure`, `required`, `value`, `code-invalid` or
    /// `invariant`.
    pub issue_type: &'static str,
    /// Where, as FHIRPath: `Communication.payload[0].contentString`.
    pub expression: String,
    /// Where, as a JSON pointer: `/payload/0/contentString`.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Of an unknown element, the known one whose name is near: it stands there, misspelt.
    pub meant: Option<String>,
}

/// Checks the structure of a resource. No findings: it is well-formed R4.
///
/// Medplum's types and additions count as known. Total for any JSON value.
pub fn validate(resource: &Value) -> Vec<Finding> {
    let mut validator = Validator::new(resource);
    validator.resource(resource);
    validator.finish()
}

/// Checks a Bundle or Parameters by itself: not the resources in it, which stand for themselves.
///
/// ```
/// use serde_json::json;
///
/// let findings = fhirward_engine::resource::validate_container(&json!({
///     "resourceType": "Bundle", "type": "collection", "total": 1,
///     "entry": [{ "resource": { "resourceType": "Basic" } }],
/// }));
/// assert_eq!((findings.len(), findings[0].code), (1, "bdl-1"));
/// ```
pub fn validate_container(container: &Value) -> Vec<Finding> {
    let mut validator = Validator::new(container);
    validator.is_container_alone = true;
    validator.resource(container);
    validator.finish()
}

#[cfg(test)]
mod tests;
