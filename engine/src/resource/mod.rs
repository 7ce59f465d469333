//! R4 structural validation, driven by the element tables.
//!
//! It checks the form of one resource: known elements, cardinality, JSON kinds and formats of
//! primitives, codes of required bindings, choices, references, extensions and contained
//! resources. It does not evaluate invariants or profiles, and looks at no other resource.
//!
//! ```
//! use serde_json::json;
//!
//! let findings = fhirward_engine::resource::validate(&json!({
//!     "resourceType": "Communication",
//!     "status": "sent",
//!     "payload": [{ "contentSting": "hello" }],
//! }));
//! let [status, payload, required] = &*findings else { panic!("{findings:?}") };
//! assert_eq!(status.message, "`sent` is not a code that `status` may have");
//! assert_eq!(payload.expression, "Communication.payload[0].contentSting");
//! assert_eq!(payload.help.as_deref(), Some("did you mean `contentString`?"));
//! assert_eq!(required.issue_type, "required");
//! ```

mod element;
mod location;
mod primitive;
mod reference;
mod sibling;
mod suggest;
mod validator;

pub(crate) use primitive::instant_of;
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
    /// What kind of finding: `unknown-element`, `missing-element`, …
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// The `OperationOutcome.issue.code`: `structure`, `required`, `value` or `code-invalid`.
    pub issue_type: &'static str,
    /// Where, as FHIRPath: `Communication.payload[0].contentString`.
    pub expression: String,
    /// Where, as a JSON pointer: `/payload/0/contentString`.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Checks the structure of a resource. No findings: it is well-formed R4.
///
/// Medplum's types and additions count as known. Total for any JSON value.
pub fn validate(resource: &Value) -> Vec<Finding> {
    let mut validator = Validator::new(resource);
    validator.resource(resource);
    validator.finish()
}

#[cfg(test)]
mod tests;
