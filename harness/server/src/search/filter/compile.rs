//! From `name=value` to a filter, or to what is wrong with it.

use std::cell::Cell;

use axum::http::StatusCode;
use fhirward_engine::policy::Interaction;
use fhirward_spec::{ParamType, SearchParam, spec};

use super::chain::Chain;
use super::compartment::Compartment;
use super::fault::{
    Fault, bad_modifier, bad_value, not_a_reference, resource_name, truth, unknown,
};
use super::key::Key;
use super::pattern::Pattern;
use super::reference::{self, Reference};
use super::reverse::Reverse;
use super::string::Text;
use super::text::{Alternative, alternatives};
use super::token::Token;
use super::uri::Uri;
use super::{Filter, list, value_set};
use crate::http::outcome::{Failure, Issue};
use crate::search::scope::Scope;

/// The steps that a chain or a nested `_has` may have.
const MOST_STEPS: usize = 8;
/// The types that the steps of one chain may lead to, all together: each step multiplies them.
const MOST_BRANCHES: usize = 1000;
/// The alternatives that a value may have.
const MOST_ALTERNATIVES: usize = 10_000;

/// Parameters of R4 and of other servers that need what this server does not keep.
fn unsupported(code: &str) -> Option<&'static str> {
    Some(match code {
        "_text" | "_content" => {
            "there is no full-text index; use the string parameters of the type, with `:contains`"
        }
        "_filter" => {
            "write the filters as parameters: `&` joins them, a comma separates alternatives"
        }
        "_query" => "there are no named queries",
        "_deleted" => "what is deleted is in the history",
        "near" => "distances are not worked out; use `address-city` and the like",
        _ => return None,
    })
}

/// Reads one filter for a resource type, as far as who searches may ask it.
///
/// # Errors
/// See [`Fault`].
pub(crate) fn compile(
    scope: &Scope<'_>,
    resource_type: &str,
    name: &str,
    value: &str,
) -> Result<Filter, Fault> {
    let branches = Cell::new(MOST_BRANCHES);
    let room = Room {
        steps: MOST_STEPS,
        branches: &branches,
    };
    step(scope, resource_type, name, value, room)
}

/// How far a chain may still lead.
#[derive(Debug, Clone, Copy)]
struct Room<'a> {
    steps: usize,
    branches: &'a Cell<usize>,
}

impl Room<'_> {
    /// One step further.
    fn enter(self, name: &str) -> Result<Self, Failure> {
        let Some(steps) = self.steps.checked_sub(1) else {
            return Err(Failure::invalid(format!(
                "the chain that ends in `{name}` has more than {MOST_STEPS} steps"
            )));
        };
        let Some(branches) = self.branches.get().checked_sub(1) else {
            let text = format!("the chain that ends in `{name}` leads to too many types");
            let issue = Issue::error("too-costly", text)
                .with_diagnostics("name the type at each step: `subject:Patient.name`");
            return Err(Failure::new(StatusCode::BAD_REQUEST, vec![issue]));
        };
        self.branches.set(branches);
        Ok(Self { steps, ..self })
    }
}

fn step(
    scope: &Scope<'_>,
    resource_type: &str,
    name: &str,
    value: &str,
    room: Room<'_>,
) -> Result<Filter, Fault> {
    let room = room.enter(name)?;
    match Key::parse(name) {
        Some(Key::Plain { code, modifier }) => {
            plain(scope, resource_type, (name, code, modifier), value)
        }
        Some(Key::Chain { code, target, rest }) => chain(
            scope,
            resource_type,
            (name, code, target, rest),
            value,
            room,
        ),
        Some(Key::Reverse {
            source,
            reference,
            rest,
        }) => reverse(
            scope,
            resource_type,
            (name, source, reference, rest),
            value,
            room,
        ),
        None if name.starts_with("_has") => Err(Failure::invalid(format!(
            "`{name}` is not of the form _has:Type:reference:parameter"
        ))
        .into()),
        None => Err(Failure::invalid(format!("`{name}` names no search parameter")).into()),
    }
}

fn plain(
    scope: &Scope<'_>,
    resource_type: &str,
    (name, code, modifier): (&str, &str, Option<&str>),
    value: &str,
) -> Result<Filter, Fault> {
    if let Some(reason) = unsupported(code) {
        return Err(Failure::not_supported(format!("`{name}` is not supported"), reason).into());
    }
    let listed = code == "_list";
    let parameter = spec().search_param(resource_type, code);
    if parameter.is_none() && !listed {
        return Err(Fault::Unknown(unknown(resource_type, code)));
    }
    if value.is_empty() {
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            vec![
                Issue::error("invalid", format!("`{name}` has no value")).with_diagnostics(
                    format!("to ask whether the element is there, use `{code}:missing`"),
                ),
            ],
        )
        .into());
    }
    if listed {
        return Ok(list::compile(scope, modifier, value)?);
    }
    if code == "_compartment" {
        let compartment = Compartment::compile(scope, resource_type, modifier, value)?;
        return Ok(Filter::Compartment(compartment));
    }
    let Some(parameter) = parameter else {
        return Err(Fault::Unknown(unknown(resource_type, code)));
    };
    let asked = match modifier {
        // It reads where a reference points, as a search without a modifier does.
        Some(kind) if spec().resource(kind).is_some() => code,
        _ => name,
    };
    scope.access.may_search(resource_type, [asked])?;
    if parameter.param_type == ParamType::Special {
        let reason = "nothing in a resource is compared with its value";
        return Err(Failure::not_supported(format!("`{name}` is not supported"), reason).into());
    }
    if parameter.param_type == ParamType::Composite && parameter.components.is_empty() {
        let reason = "R4 does not say what its components are";
        return Err(Failure::not_supported(format!("`{name}` is not supported"), reason).into());
    }
    if modifier == Some("missing") {
        let absent = truth(name, value)?;
        return Ok(Filter::Missing { parameter, absent });
    }
    let read = alternatives(value, parameter.param_type == ParamType::Composite)
        .map_err(|bad| bad_value(name, value, &bad))?;
    if read.len() > MOST_ALTERNATIVES {
        return Err(Failure::invalid(format!(
            "`{name}` has {} alternatives, more than {MOST_ALTERNATIVES}",
            read.len()
        ))
        .into());
    }
    let mut patterns = Vec::with_capacity(read.len());
    for text in &read {
        patterns.push(pattern(scope, parameter, (name, modifier), text)?);
    }
    Ok(Filter::Value {
        parameter,
        alternatives: patterns,
        negated: matches!(modifier, Some("not" | "not-in")),
    })
}

/// One alternative, read as the modifier says.
fn pattern(
    scope: &Scope<'_>,
    parameter: &'static SearchParam,
    (name, modifier): (&str, Option<&str>),
    text: &Alternative,
) -> Result<Pattern, Failure> {
    let made = match (parameter.param_type, modifier) {
        (_, None | Some("not")) => Pattern::plain(parameter, text, scope.base),
        (ParamType::Token, Some("text")) => Token::text(parameter, text).map(Pattern::Token),
        (ParamType::Token, Some("of-type")) => Token::of_type(parameter, text).map(Pattern::Token),
        (ParamType::Token, Some("in" | "not-in")) => {
            let codes = value_set::codes(scope, name, &text.whole())?;
            Token::in_set(&parameter.program.data_types(), codes).map(Pattern::Token)
        }
        (ParamType::Token | ParamType::Reference, Some("above" | "below")) => {
            return Err(Failure::not_supported(
                format!("`{name}` is not supported"),
                "what lies above and below a code or a resource only a terminology server knows; \
                 list the alternatives with commas",
            ));
        }
        (ParamType::String, Some("exact")) => Ok(Pattern::Text(Text::exact(text.whole()))),
        (ParamType::String, Some("contains")) => Text::contains(&text.whole()).map(Pattern::Text),
        (ParamType::Uri, Some("below")) => Uri::below(text.whole()).map(Pattern::Uri),
        (ParamType::Uri, Some("above")) => Uri::above(text.whole()).map(Pattern::Uri),
        (ParamType::Reference, Some("identifier")) => {
            Reference::identified(parameter, text).map(Pattern::Reference)
        }
        (ParamType::Reference, Some(target)) if spec().resource(target).is_some() => {
            leads_to(parameter, target)?;
            Reference::typed(target, &text.whole(), scope.base).map(Pattern::Reference)
        }
        (kind, Some(modifier)) => return Err(bad_modifier(name, modifier, kind)),
    };
    made.map_err(|bad| bad_value(name, &text.whole(), &bad))
}

fn chain(
    scope: &Scope<'_>,
    resource_type: &str,
    (name, code, target, rest): (&str, &str, Option<&str>, &str),
    value: &str,
    room: Room<'_>,
) -> Result<Filter, Fault> {
    let Some(parameter) = spec().search_param(resource_type, code) else {
        return Err(Fault::Unknown(unknown(resource_type, code)));
    };
    if parameter.param_type != ParamType::Reference || code == "_compartment" {
        return Err(Fault::Nowhere(Failure::invalid(format!(
            "`{name}`: `{code}` of {resource_type} is no reference, so nothing can be asked of its target"
        ))));
    }
    scope.access.may_search(resource_type, [code])?;
    let kinds = match target {
        Some(target) => vec![leads_to(parameter, target)?],
        None => reference::targets(parameter),
    };
    let mut targets = Vec::new();
    let mut nowhere = None;
    for kind in kinds.iter().copied().filter(|kind| *kind != "Binary") {
        if let Err(failure) = scope.access.gate(kind, &[Interaction::Search]) {
            nowhere.get_or_insert(failure);
            continue;
        }
        match step(scope, kind, rest, value, room) {
            Ok(filter) => targets.push((kind, filter)),
            // Of several types that may not have it the message is about all of them.
            Err(Fault::Unknown(_)) if kinds.len() > 1 => {}
            Err(fault @ (Fault::Unknown(_) | Fault::Nowhere(_))) => {
                nowhere.get_or_insert(fault.into_failure());
            }
            // A value that one of the types would take and another would not is ambiguous.
            Err(refused) => return Err(refused),
        }
    }
    if !targets.is_empty() {
        return Ok(Filter::Chain(Chain::new(parameter, targets)));
    }
    Err(Fault::Nowhere(nowhere.unwrap_or_else(|| {
        Failure::invalid(format!(
            "`{name}`: none of the types that `{code}` leads to has a search parameter `{rest}`"
        ))
    })))
}

fn reverse(
    scope: &Scope<'_>,
    resource_type: &str,
    (name, source, code, rest): (&str, &str, &str, &str),
    value: &str,
    room: Room<'_>,
) -> Result<Filter, Fault> {
    let source = resource_name(source)
        .map_err(|issue| Failure::new(StatusCode::BAD_REQUEST, vec![issue]))?;
    scope.access.gate(source, &[Interaction::Search])?;
    let parameter = spec()
        .search_param(source, code)
        .filter(|parameter| parameter.param_type == ParamType::Reference && code != "_compartment");
    let Some(parameter) = parameter else {
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            vec![not_a_reference(name, source, code)],
        )
        .into());
    };
    if !reference::targets(parameter).contains(&resource_type) {
        return Err(Failure::invalid(format!(
            "`{name}`: `{code}` of {source} does not lead to a {resource_type}"
        ))
        .into());
    }
    scope.access.may_search(source, [code])?;
    match step(scope, source, rest, value, room) {
        Ok(filter) => Ok(Filter::Reverse(Reverse::new(source, parameter, filter))),
        Err(fault) => Err(Fault::Refused(fault.into_failure())),
    }
}

/// The type that `:Type` names, if the parameter can lead to it.
fn leads_to(parameter: &'static SearchParam, target: &str) -> Result<&'static str, Failure> {
    let issue = match resource_name(target) {
        Ok(target) if reference::targets(parameter).contains(&target) => return Ok(target),
        Ok(target) => Issue::error(
            "invalid",
            format!("`{}` does not lead to a {target}", parameter.code),
        )
        .with_diagnostics(format!(
            "it leads to {}",
            reference::targets(parameter).join(", ")
        )),
        Err(issue) => issue,
    };
    Err(Failure::new(StatusCode::BAD_REQUEST, vec![issue]))
}
