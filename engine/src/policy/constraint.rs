//! `writeConstraint`: what the result of a write must satisfy. Source: R.10.

use serde_json::Value;

use super::decide::Request;
use crate::fhirpath::{self, Truth};

/// Why a write is denied by the constraints, all of which must be exactly true: the first that is
/// not, and what came of it. What cannot be evaluated denies.
pub(super) fn failure(
    constraints: &[String],
    before: Option<&Value>,
    after: &Value,
) -> Option<String> {
    constraints.iter().find_map(|expression| {
        if let Some((name, _)) = fhirpath::undefined_variable(expression) {
            return Some(format!("`{expression}` uses `%{name}`, which has no value"));
        }
        match fhirpath::truth(expression, before, after) {
            Truth::Holds => None,
            Truth::Fails => Some(format!("`{expression}` is not true")),
            Truth::Unreadable(error) => Some(format!("`{expression}` is no FHIRPath: {error}")),
            Truth::Unknown(reason) => Some(format!("`{expression}` cannot be evaluated: {reason}")),
        }
    })
}

/// `%before`: what is stored, absent on create.
pub(super) fn before<'a>(request: &Request<'a>) -> Option<&'a Value> {
    match request {
        Request::Update { existing, .. } | Request::Patch { existing, .. } => Some(existing),
        _ => None,
    }
}
