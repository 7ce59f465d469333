//! References that are resolved or looked up when a resource is written.
//! Source: <http://hl7.org/fhir/R4/http.html#trules> (conditional references), and Medplum's project
//! setting `checkReferencesOnWrite`.

use std::sync::Arc;

use axum::http::StatusCode;
use fhirward_engine::policy::Interaction;
use fhirward_engine::values::reference::local;
use fhirward_spec::spec;
use serde_json::Value;

use super::Context;
use super::conditional::Criteria;
use super::links::{self, Link};
use crate::http::outcome::{Failure, Issue};
use crate::store::Version;

/// Puts `Type/id` in the place of each conditional reference (`Patient?identifier=…`).
///
/// # Errors
/// 400 with one issue for each that does not match exactly one resource that the actor finds; 403
/// where the policy grants no search on the type.
pub(super) fn resolve(context: &Context<'_>, resource: &mut Value) -> Result<(), Failure> {
    if !mentions(resource, &|text| conditional(context, text).is_some()) {
        return Ok(());
    }
    let mut issues = Vec::new();
    let mut refusal = None;
    links::change(resource, &mut |link, place, text| {
        let (resource_type, criteria) = (link == Link::Reference)
            .then(|| conditional(context, text))
            .flatten()?;
        let issue = |words: &str| {
            Issue::error("invalid", format!("Conditional reference '{text}' {words}"))
                .at(place.trim_end_matches(".reference"))
        };
        match found(context, resource_type, criteria) {
            Ok(found) => match found.as_slice() {
                [one] => return Some(one.reference()),
                [] => issues.push(issue("did not match any resources")),
                _ => issues.push(issue("matched multiple resources")),
            },
            Err(failure) => {
                refusal.get_or_insert_with(|| failure.at(place.trim_end_matches(".reference")));
            }
        }
        None
    });
    match refusal {
        Some(failure) => Err(failure),
        None if issues.is_empty() => Ok(()),
        None => Err(Failure::new(StatusCode::BAD_REQUEST, issues)),
    }
}

/// Whether a resource has a conditional reference that matches nothing yet.
pub(super) fn is_waiting(context: &Context<'_>, resource: &Value) -> bool {
    let mut waiting = false;
    if !mentions(resource, &|text| conditional(context, text).is_some()) {
        return false;
    }
    links::each(resource, |link, _, text| {
        if link == Link::Reference
            && let Some((resource_type, criteria)) = conditional(context, text)
        {
            waiting |= found(context, resource_type, criteria).is_ok_and(|found| found.is_empty());
        }
    });
    waiting
}

/// What the actor finds by the criteria of a reference.
fn found(
    context: &Context<'_>,
    resource_type: &str,
    criteria: &str,
) -> Result<Vec<Arc<Version>>, Failure> {
    let criteria = Criteria::parse(criteria)?;
    context.access.gate(resource_type, &[Interaction::Search])?;
    context.access.may_search(resource_type, criteria.names())?;
    let mut found = criteria.matching(context, resource_type)?;
    found.retain(|version| context.access.finds(&version.resource));
    Ok(found)
}

/// The type and the criteria of a conditional reference to this server.
fn conditional<'t>(context: &Context<'_>, reference: &'t str) -> Option<(&'t str, &'t str)> {
    let own = reference
        .strip_prefix(&*context.app.fhir_base)
        .unwrap_or(reference);
    own.split_once('?')
        .filter(|(name, _)| spec().resource(name).is_some())
}

/// Whether some text of a value is such a one. Quicker than a walk by types, which most resources
/// are spared.
fn mentions(value: &Value, is: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => text.contains('?') && is(text),
        Value::Array(items) => items.iter().any(|item| mentions(item, is)),
        Value::Object(members) => members.values().any(|member| mentions(member, is)),
        _ => false,
    }
}

/// Checks that every reference to this server leads to a resource that the actor may read, where
/// the project asks for it.
///
/// # Errors
/// 400 with one issue for each that does not. A hidden resource and a missing one answer alike.
pub(super) fn check(context: &Context<'_>, resource: &Value) -> Result<(), Failure> {
    if !context.settings().check_references {
        return Ok(());
    }
    let mut issues = Vec::new();
    links::each(resource, |link, place, text| {
        // The author and the accounts are the server's, or an administrator's.
        if link != Link::Reference || text.starts_with('#') || place.contains(".meta.") {
            return;
        }
        let Some(target) = local(text, Some(&context.app.fhir_base)) else {
            return;
        };
        let place = place.trim_end_matches(".reference");
        let problem = match target.split_once('/') {
            Some((kind, _)) if context.access.gate(kind, &[Interaction::Read]).is_err() => {
                Some("Forbidden")
            }
            _ => {
                let found = context.view.resolve(target);
                let seen = found.is_some_and(|it| context.access.read(&it.resource).is_ok());
                (!seen).then_some("Not found")
            }
        };
        if let Some(problem) = problem {
            let text = format!("Invalid reference ({problem})");
            issues.push(
                Issue::error("structure", text)
                    .at(place)
                    .with_diagnostics("the project checks references when a resource is written"),
            );
        }
    });
    if issues.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(StatusCode::BAD_REQUEST, issues))
    }
}
