//! `writeConstraint`: FHIRPath expressions that a result must satisfy.

use serde_json::Value;

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
#[cfg(not(feature = "fhirpath"))]
pub fn evaluate(expression: &str, _before: Option<&Value>, _after: &Value) -> Verdict {
    Verdict::Unknown(format!(
        "built without the feature `fhirpath`, so `{expression}` is not evaluated"
    ))
}

/// Evaluates an expression. `before` is absent on create.
#[cfg(feature = "fhirpath")]
pub fn evaluate(expression: &str, before: Option<&Value>, after: &Value) -> Verdict {
    use rh_fhirpath::{EvaluationContext, FhirPathEvaluator, FhirPathParser, FhirPathValue};

    // The server refuses a variable that it does not set; the evaluator here would find nothing.
    if let Some((name, first)) = undefined_variable(expression) {
        if !first {
            return Verdict::Unknown(format!(
                "whether `{expression}` gets as far as the undefined `%{name}` is not known"
            ));
        }
        return Verdict::Error(format!(
            "FhirPathError on \"{expression}\": Error: Undefined variable %{name}"
        ));
    }
    let parsed = match FhirPathParser::new().parse(expression) {
        Ok(parsed) => parsed,
        Err(error) => return Verdict::Error(error.to_string()),
    };
    let mut context = EvaluationContext::new(after.clone());
    let before = before.map_or(FhirPathValue::Empty, FhirPathValue::from_json);
    context.add_constant("before".to_owned(), before);
    context.add_constant("after".to_owned(), FhirPathValue::from_json(after));
    let is_true = |value: &FhirPathValue| {
        matches!(
            value,
            FhirPathValue::Boolean(true) | FhirPathValue::TypedBoolean { value: true, .. }
        )
    };
    match FhirPathEvaluator::new().evaluate(&parsed, &context) {
        Ok(FhirPathValue::Collection(items)) => match items.as_slice() {
            [one] if is_true(one) => Verdict::Holds,
            _ => Verdict::Fails,
        },
        Ok(value) if is_true(&value) => Verdict::Holds,
        Ok(_) => Verdict::Fails,
        Err(error) => Verdict::Unknown(format!("`{expression}` is not evaluated: {error}")),
    }
}

/// A variable other than `%before` and `%after` outside of texts, and whether the expression begins
/// with it.
#[cfg(feature = "fhirpath")]
fn undefined_variable(expression: &str) -> Option<(String, bool)> {
    let mut quoted = false;
    let mut chars = expression.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quoted => {
                chars.next();
            }
            '\'' => quoted = !quoted,
            '%' if !quoted => {
                let rest = expression.get(at + 1..).unwrap_or_default();
                let end = rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                let name = rest.get(..end).unwrap_or_default();
                if !matches!(name, "before" | "after") {
                    let first = expression
                        .get(..at)
                        .is_some_and(|before| before.trim().is_empty());
                    return Some((name.to_owned(), first));
                }
            }
            _ => {}
        }
    }
    None
}
