//! FHIRPath, as far as write constraints need it.
//!
//! The evaluator is a library that takes long to build, so it stands behind the feature `fhirpath`.
//! Without the feature nothing can be evaluated, and whoever asks must deny or say so.
//!
//! The library has faults that could make a constraint true that is not. What is asked is therefore
//! rewritten, on copies of the resources in which those faults cannot occur; where that is not
//! possible the expression cannot be evaluated. The private module `guard` names each fault.

#[cfg(feature = "fhirpath")]
mod copy;
#[cfg(feature = "fhirpath")]
mod guard;
pub mod limits;
#[cfg(feature = "fhirpath")]
mod moments;
#[cfg(feature = "fhirpath")]
mod outcome;
#[cfg(feature = "fhirpath")]
mod tree;

use limits::Cost;
use serde_json::Value;

/// What an expression says about a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// Exactly one value, `true`.
    Holds,
    /// Anything else: false, nothing, another value, several values.
    Fails,
    /// It is no FHIRPath; with the parser's words.
    Unreadable(String),
    /// It cannot be evaluated; with the reason.
    Unknown(String),
}

/// Evaluates an expression on what a write would store, with `%before` (absent on create) and
/// `%after`.
#[cfg(not(feature = "fhirpath"))]
pub fn truth(_expression: &str, _before: Option<&Value>, _after: &Value) -> Truth {
    Truth::Unknown(NOT_BUILT.to_owned())
}

/// Whether this build can evaluate.
pub const AVAILABLE: bool = cfg!(feature = "fhirpath");

/// Why nothing is evaluated without the feature.
pub const NOT_BUILT: &str = "this build has no FHIRPath (feature `fhirpath`)";

/// Why an expression is no FHIRPath; `None` where it is, or where this build cannot tell.
#[cfg(not(feature = "fhirpath"))]
pub fn syntax_error(expression: &str) -> Option<String> {
    Cost::of(expression).err()
}

/// Why an expression is no FHIRPath; `None` where it is, or where this build cannot tell.
#[cfg(feature = "fhirpath")]
pub fn syntax_error(expression: &str) -> Option<String> {
    if let Err(reason) = Cost::of(expression) {
        return Some(reason);
    }
    let parsed = rh_fhirpath::FhirPathParser::new().parse(expression);
    parsed.err().map(|error| error.to_string())
}

/// What an expression can come to, whatever the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It may be `true`, or it cannot be told.
    Open,
    /// Always nothing, because a part of it is.
    Nothing,
    /// Never a truth: the name of a type of FHIR, or what it is in words, such as `a text`.
    Never(String),
}

/// A name in an expression that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// The name.
    pub name: String,
    /// The type that has no such element.
    pub of: String,
    /// Whether it is all that stands on one side of a comparison, where a text may have been meant.
    pub compared: bool,
}

/// What an expression can come to on resources of a type, and its names that stand for nothing;
/// `None` where it is no FHIRPath, or where this build cannot tell.
#[cfg(not(feature = "fhirpath"))]
pub fn outcome(_expression: &str, _resource_type: &str) -> Option<(Outcome, Vec<Stranger>)> {
    None
}

/// What an expression can come to on resources of a type, and its names that stand for nothing;
/// `None` where it is no FHIRPath, or where this build cannot tell.
///
/// ```
/// use fhirward_engine::fhirpath::{Outcome, outcome};
///
/// if let Some((outcome, strangers)) = outcome("stauts = 'draft'", "Task") {
///     assert_eq!(outcome, Outcome::Nothing);
///     assert_eq!(strangers[0].name, "stauts");
/// }
/// ```
#[cfg(feature = "fhirpath")]
pub fn outcome(expression: &str, resource_type: &str) -> Option<(Outcome, Vec<Stranger>)> {
    Cost::of(expression).ok()?;
    let parsed = rh_fhirpath::FhirPathParser::new().parse(expression).ok()?;
    Some(outcome::of(&parsed.root, resource_type))
}

/// Whether FHIRPath has a function of this name, as far as it is known here.
#[cfg(not(feature = "fhirpath"))]
pub fn is_function(_name: &str) -> bool {
    false
}

/// Whether FHIRPath has a function of this name, as far as it is known here.
#[cfg(feature = "fhirpath")]
pub fn is_function(name: &str) -> bool {
    outcome::is_function(name)
}

/// Evaluates an expression on what a write would store, with `%before` (absent on create) and
/// `%after`.
#[cfg(feature = "fhirpath")]
pub fn truth(expression: &str, before: Option<&Value>, after: &Value) -> Truth {
    use rh_fhirpath::{EvaluationContext, FhirPathEvaluator, FhirPathParser, FhirPathValue};

    let cost = match Cost::of(expression) {
        Ok(cost) => cost,
        Err(reason) => return Truth::Unreadable(reason),
    };
    if let Err(reason) = cost.affords(before.into_iter().chain([after])) {
        return Truth::Unknown(reason);
    }
    let parsed = match FhirPathParser::new().parse(expression) {
        Ok(parsed) => parsed,
        Err(error) => return Truth::Unreadable(error.to_string()),
    };
    let asked = match guard::guarded(parsed, before, after) {
        Ok(asked) => asked,
        Err(reason) => return Truth::Unknown(reason),
    };
    let before = asked.before.as_ref();
    let before = before.map_or(FhirPathValue::Empty, FhirPathValue::from_json);
    let after = FhirPathValue::from_json(&asked.after);
    let mut context = EvaluationContext::new(asked.after);
    context.add_constant("before".to_owned(), before);
    context.add_constant("after".to_owned(), after);
    let is_true = |value: &FhirPathValue| {
        matches!(
            value,
            FhirPathValue::Boolean(true) | FhirPathValue::TypedBoolean { value: true, .. }
        )
    };
    match FhirPathEvaluator::new().evaluate(&asked.expression, &context) {
        Ok(FhirPathValue::Collection(items)) => match items.as_slice() {
            [one] if is_true(one) => Truth::Holds,
            _ => Truth::Fails,
        },
        Ok(value) if is_true(&value) => Truth::Holds,
        Ok(_) => Truth::Fails,
        Err(error) => Truth::Unknown(error.to_string()),
    }
}

/// The values that an expression selects from a resource; the reason where that cannot be told. What
/// the guard writes in another way, like a moment in UTC, is no value of the resource and refused.
#[cfg(not(feature = "fhirpath"))]
pub fn select(_expression: &str, _resource: &Value) -> Result<Vec<Value>, String> {
    Err(NOT_BUILT.to_owned())
}

/// The values that an expression selects from a resource; the reason where that cannot be told. What
/// the guard writes in another way, like a moment in UTC, is no value of the resource and refused.
#[cfg(feature = "fhirpath")]
pub fn select(expression: &str, resource: &Value) -> Result<Vec<Value>, String> {
    use rh_fhirpath::{EvaluationContext, FhirPathEvaluator, FhirPathParser, FhirPathValue};

    Cost::of(expression)?.affords([resource])?;
    let parsed = FhirPathParser::new()
        .parse(expression)
        .map_err(|error| error.to_string())?;
    let asked = guard::guarded(parsed, None, resource)?;
    let (mut written, mut rewritten) = (Vec::new(), Vec::new());
    texts(resource, &mut written);
    texts(&asked.after, &mut rewritten);
    rewritten.retain(|text| !written.contains(text));
    let context = EvaluationContext::new(asked.after.clone());
    let found = FhirPathEvaluator::new()
        .evaluate(&asked.expression, &context)
        .map_err(|error| error.to_string())?;
    let items = match found {
        FhirPathValue::Empty => Vec::new(),
        FhirPathValue::Collection(items) | FhirPathValue::UnorderedCollection(items) => items,
        one => vec![one],
    };
    let values: Vec<Value> = items.iter().map(|item| bare(item.to_json())).collect();
    for value in &values {
        let as_written = match value {
            Value::String(text) => !rewritten.contains(&text.as_str()),
            Value::Number(number) => number.is_i64(),
            // The copy may have members that the resource has not.
            Value::Object(_) => holds(resource, value),
            _ => true,
        };
        if !as_written {
            return Err(format!("`{value}` is not as the resource has it"));
        }
    }
    Ok(values)
}

/// All texts in a value.
#[cfg(feature = "fhirpath")]
fn texts<'v>(value: &'v Value, into: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        Value::Object(members) => members.values().for_each(|member| texts(member, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a value stands anywhere in a resource.
#[cfg(feature = "fhirpath")]
fn holds(resource: &Value, value: &Value) -> bool {
    resource == value
        || match resource {
            Value::Array(items) => items.iter().any(|item| holds(item, value)),
            Value::Object(members) => members.values().any(|member| holds(member, value)),
            _ => false,
        }
}

/// Without the empty members that the guard has added.
#[cfg(feature = "fhirpath")]
fn bare(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(bare).collect()),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, member)| !member.is_null())
                .map(|(name, member)| (name, bare(member)))
                .collect(),
        ),
        other => other,
    }
}

/// The first variable other than `%before` and `%after` outside of texts, and whether the
/// expression begins with it.
pub fn undefined_variable(expression: &str) -> Option<(&str, bool)> {
    let mut quoted = false;
    let mut chars = expression.char_indices();
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
                    let before = expression.get(..at).unwrap_or_default();
                    return Some((name, before.trim().is_empty()));
                }
            }
            _ => {}
        }
    }
    None
}
