//! What is wrong with a filter, in words.

use axum::http::StatusCode;
use fhirward_engine::values::BadValue;
use fhirward_engine::words::nearest;
use fhirward_spec::{ParamType, spec};

use crate::http::outcome::{Failure, Issue};

/// Why a pair is no filter.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The type has no such parameter: what becomes of that the client may say.
    Unknown(Issue),
    /// A chain leads nowhere from here, though it may from another type.
    Nowhere(Failure),
    /// Anything else is always an error: without the filter more would be found.
    Refused(Failure),
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl Fault {
    /// The fault as an error, where nothing may be left out.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Unknown(issue) => Failure::new(StatusCode::BAD_REQUEST, vec![issue]),
            Self::Nowhere(failure) | Self::Refused(failure) => failure,
        }
    }
}

/// The issue of a parameter that is no reference of the type.
pub(crate) fn not_a_reference(name: &str, source: &str, code: &str) -> Issue {
    let references = spec()
        .search_params(source)
        .filter(|parameter| parameter.param_type == ParamType::Reference);
    let near = nearest(code, references.map(|parameter| &*parameter.code));
    let issue = Issue::error(
        "invalid",
        format!("`{name}`: {source} has no reference parameter `{code}`"),
    );
    match near {
        Some(near) => issue.with_diagnostics(format!("did you mean `{near}`?")),
        None => issue,
    }
}

/// The resource type of this name.
///
/// # Errors
/// The issue that says so.
pub(crate) fn resource_name(name: &str) -> Result<&'static str, Issue> {
    if let Some(known) = spec().resource_types().find(|known| *known == name) {
        return Ok(known);
    }
    let issue = Issue::error("invalid", format!("there is no resource type `{name}`"));
    Err(match nearest(name, spec().resource_types()) {
        Some(near) => issue.with_diagnostics(format!("did you mean `{near}`?")),
        None => issue,
    })
}

/// The issue of a parameter that the type does not have.
pub(super) fn unknown(resource_type: &str, code: &str) -> Issue {
    let issue = Issue::error(
        "invalid",
        format!("`{code}` is not a search parameter of {resource_type}"),
    );
    let known = spec().search_params(resource_type);
    let near = nearest(code, known.map(|parameter| &*parameter.code));
    if let Some(near) = near {
        return issue.with_diagnostics(format!("did you mean `{near}`?"));
    }
    let is_element = spec()
        .resource(resource_type)
        .is_some_and(|definition| definition.element(code).is_some());
    if is_element {
        return issue.with_diagnostics(format!(
            "`{code}` is an element of {resource_type}, but R4 defines no search parameter for it"
        ));
    }
    issue
}

/// The failure of a modifier that the type of parameter does not have.
pub(super) fn bad_modifier(name: &str, modifier: &str, kind: ParamType) -> Failure {
    let allowed: &[&str] = match kind {
        ParamType::Token => &["missing", "not", "text", "in", "not-in", "of-type"],
        ParamType::String => &["missing", "not", "exact", "contains"],
        ParamType::Uri => &["missing", "not", "above", "below"],
        ParamType::Reference => &["missing", "not", "identifier"],
        _ => &["missing", "not"],
    };
    let list: Vec<String> = allowed.iter().map(|m| format!("`:{m}`")).collect();
    let mut reason = format!("a {} parameter takes {}", kind.code(), list.join(", "));
    if kind == ParamType::Reference {
        reason.push_str(", and the type of its target (`:Patient`)");
    }
    if let Some(near) = nearest(modifier, allowed.iter().copied()) {
        reason = format!("did you mean `:{near}`? {reason}");
    }
    Failure::not_supported(format!("`{name}` is not supported"), reason)
}

/// The failure of a value that is none of its parameter's.
pub(super) fn bad_value(name: &str, value: &str, bad: &BadValue) -> Failure {
    let issue = Issue::error("invalid", format!("`{name}`: `{value}` {}", bad.message));
    Failure::new(
        StatusCode::BAD_REQUEST,
        vec![issue.with_diagnostics(bad.help.clone())],
    )
}

/// The value of `:missing`.
pub(super) fn truth(name: &str, value: &str) -> Result<bool, Failure> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Failure::invalid(format!(
            "`{name}`: `:missing` asks for `true` or `false`, not `{value}`"
        ))),
    }
}
