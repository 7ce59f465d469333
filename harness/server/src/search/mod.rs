//! Search: filters find resources; here they are ordered, paged, joined by includes and made a
//! Bundle.
//!
//! The parts: [`filter`] says what a resource must be, [`index`] which resources need to be looked
//! at, [`plan`] asks the one for the other, [`window`] cuts out a page, [`include`] adds to it.

mod cursor;
pub(crate) mod filter;
pub(crate) mod include;
pub(crate) mod index;
pub(crate) mod page;
mod params;
mod plan;
mod scope;
mod sort;
mod target;
#[cfg(test)]
mod tests;
mod window;

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::http::outcome::{Failure, Issue, operation_outcome};
use crate::http::reply::fhir_json;
use crate::rest::Context;
use crate::store::Version;
use cursor::{Cursor, Side};
use filter::{Fault, Filter};
use page::{Links, Position};
use params::Parameters;
use scope::Scope;
pub(crate) use target::Target;
use window::{Part, Window};

/// Answers a search.
///
/// # Errors
/// 400 and 403, see [`bundle`].
pub(crate) fn run(
    context: &Context<'_>,
    target: &Target<'_>,
    pairs: Vec<(String, String)>,
) -> Result<Response, Failure> {
    let bundle = bundle(context, target, pairs)?;
    Ok(fhir_json(StatusCode::OK, bundle))
}

/// Answers a search: a searchset, whole as the actor sees it. Shortening it (`_elements`,
/// `_summary` but for `count`) is left to who sends it, who takes those parameters out before.
///
/// # Errors
/// 400 for what is not understood; 403 where the policy grants no search on the type, or the search
/// would tell of a hidden field.
pub(crate) fn bundle(
    context: &Context<'_>,
    target: &Target<'_>,
    mut pairs: Vec<(String, String)>,
) -> Result<Value, Failure> {
    let scope = Scope::from(context);
    let (types, type_pairs) = target.types(&scope, &mut pairs)?;
    let mut parameters = Parameters::parse(&scope, &types, pairs, &context.app.limits)?;
    parameters.kept.splice(0..0, type_pairs);
    let mut unknown = Vec::new();
    let mut parts = Vec::with_capacity(types.len());
    for resource_type in &types {
        let filters = filters(&scope, resource_type, &parameters, &mut unknown)?;
        parts.push(Part {
            resource_type,
            filters,
        });
    }
    if !unknown.is_empty() && is_strict(context.headers) {
        let issues = unknown.into_iter().map(|(_, issue)| issue).collect();
        return Err(Failure::new(StatusCode::BAD_REQUEST, issues));
    }
    for (name, _) in &unknown {
        parameters.forget(name);
        // What one of several types does not know filters none of them.
        parameters.filters.retain(|(filter, _)| filter != name);
    }
    if !unknown.is_empty() && types.len() > 1 {
        for part in &mut parts {
            part.filters = filters(&scope, part.resource_type, &parameters, &mut Vec::new())?;
        }
    }
    for part in &mut parts {
        part.filters
            .extend(target.compartment(&scope, part.resource_type)?);
    }
    let window = window::find(&scope, &parts, &parameters)?;
    let added = include::added(
        &scope,
        &parameters.includes,
        &window.rows,
        context.app.limits.max_included,
    )?;
    let mut entries: Vec<Value> = [(&window.rows, "match"), (&added, "include")]
        .into_iter()
        .flat_map(|(rows, mode)| rows.iter().filter_map(move |row| entry(context, row, mode)))
        .collect();
    if !unknown.is_empty() {
        let issues: Vec<Issue> = unknown
            .into_iter()
            .map(|(_, issue)| issue.into_warning())
            .collect();
        entries.push(json!({
            "resource": operation_outcome(None, &issues),
            "search": { "mode": "outcome" },
        }));
    }
    Ok(searchset(context, target, &parameters, &window, entries))
}

/// The resources of a type that a conditional interaction names, as far as the actor may find them.
/// `query` is what stands behind the question mark, decoded pairs; they filter, nothing else.
/// What the transaction of `context` has written itself is found as well.
///
/// # Errors
/// 400 for what is not understood, unknown parameters among it: they would name more than was
/// meant. 403 as for a search.
pub(crate) fn matching(
    context: &Context<'_>,
    resource_type: &str,
    query: &[(String, String)],
) -> Result<Vec<Arc<Version>>, Failure> {
    let scope = Scope::from(context);
    Target::of_type(resource_type)?.types(&scope, &mut Vec::new())?;
    let filters = query
        .iter()
        .map(|(name, value)| filter::compile(&scope, resource_type, name, value))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Fault::into_failure)?;
    Ok(plan::matching(&scope, resource_type, &filters))
}

/// The filters for one type. Parameters that it does not have are put aside.
fn filters(
    scope: &Scope<'_>,
    resource_type: &str,
    parameters: &Parameters,
    unknown: &mut Vec<(String, Issue)>,
) -> Result<Vec<Filter>, Failure> {
    let mut filters = Vec::with_capacity(parameters.filters.len());
    for (name, value) in &parameters.filters {
        match filter::compile(scope, resource_type, name, value) {
            Ok(filter) => filters.push(filter),
            Err(Fault::Unknown(issue)) => {
                if unknown.iter().all(|(known, _)| known != name) {
                    unknown.push((name.clone(), issue));
                }
            }
            Err(fault) => return Err(fault.into_failure()),
        }
    }
    Ok(filters)
}

/// Whether the client wants unknown parameters refused.
/// Source: hl7.org/fhir/R4/search.html, 3.1.1.2.
fn is_strict(headers: &HeaderMap) -> bool {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .any(|preference| preference.trim().eq_ignore_ascii_case("handling=strict"))
}

/// One entry, as far as the actor sees it.
fn entry(context: &Context<'_>, version: &Version, mode: &str) -> Option<Value> {
    Some(json!({
        "fullUrl": format!("{}{}", context.app.fhir_base, version.reference()),
        "resource": context.access.find(&version.resource)?,
        "search": { "mode": mode },
    }))
}

fn searchset(
    context: &Context<'_>,
    target: &Target<'_>,
    parameters: &Parameters,
    window: &Window,
    entries: Vec<Value>,
) -> Value {
    let mut bundle = Map::new();
    bundle.insert("resourceType".into(), "Bundle".into());
    bundle.insert("type".into(), "searchset".into());
    if let Some(total) = window.total {
        bundle.insert("total".into(), total.into());
    }
    let path = target.path();
    let links = Links {
        base: &context.app.fhir_base,
        path: &path,
        pairs: &parameters.kept,
        count: parameters.count,
        offset: parameters.offset,
    };
    let cursor = |row: Option<&Arc<Version>>, side| {
        row.map(|row| Cursor::new(Position::of(row), side).to_text())
    };
    let previous = window
        .previous
        .then(|| cursor(window.rows.first(), Side::Before));
    let next = window
        .next
        .then(|| cursor(window.rows.last(), Side::Behind));
    let this = parameters.cursor.as_ref().map(Cursor::to_text);
    bundle.insert(
        "link".into(),
        links.around(
            this.as_deref(),
            previous.flatten().as_deref(),
            next.flatten().as_deref(),
        ),
    );
    bundle.insert("entry".into(), entries.into());
    page::without_empty_entry(Value::Object(bundle))
}
