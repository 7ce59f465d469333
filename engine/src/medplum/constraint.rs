//! `writeConstraint`: FHIRPath expressions that a result must satisfy.

use serde_json::Value;

use crate::fhirpath::{self, Truth};

/// What an expression says about a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Exactly `true`.
    Holds,
    /// Anything else: the write is refused (403).
    Fails,
    /// It cannot be evaluated (400 with this text).
    Error(String),
    /// The rules here do not say; with the reason.
    Unknown(String),
}

/// Evaluates an expression. `before` is absent on create.
pub fn evaluate(expression: &str, before: Option<&Value>, after: &Value) -> Verdict {
    if !fhirpath::AVAILABLE {
        return Verdict::Unknown(fhirpath::NOT_BUILT.to_owned());
    }
    // The server refuses a variable that it does not set; the evaluator here finds nothing.
    match fhirpath::undefined_variable(expression) {
        Some((name, true)) => {
            return Verdict::Error(format!(
                "FhirPathError on \"{expression}\": Error: Undefined variable %{name}"
            ));
        }
        Some((name, false)) => {
            return Verdict::Unknown(format!(
                "whether `{expression}` gets as far as the undefined `%{name}` is not known"
            ));
        }
        None => {}
    }
    match fhirpath::truth(expression, before, after) {
        Truth::Holds => Verdict::Holds,
        Truth::Fails => Verdict::Fails,
        Truth::Unreadable(error) => Verdict::Error(error),
        Truth::Unknown(error) => {
            Verdict::Unknown(format!("`{expression}` is not evaluated: {error}"))
        }
    }
}
