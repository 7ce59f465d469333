//! Search: which resources match is the engine's to say; here they are ordered, paged, joined by
//! includes and made a Bundle.

pub(crate) mod include;
pub(crate) mod page;
mod params;
mod sort;

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use fhirward_engine::policy::Interaction;
use fhirward_engine::search::Query;
use serde_json::{Map, Value, json};

use crate::http::outcome::{Failure, Issue};
use crate::http::reply::fhir_json;
use crate::rest::Context;
use crate::store::Version;
use page::{Links, Position};
use params::Parameters;

/// Answers a search on one type.
pub(crate) fn run(
    context: &Context<'_>,
    resource_type: &str,
    pairs: Vec<(String, String)>,
) -> Result<Response, Failure> {
    // A Binary has no search parameters; only knowing its id leads to it.
    if resource_type == "Binary" {
        return Err(Failure::not_supported(
            "Binary cannot be searched",
            "read it by its id",
        ));
    }
    context.access.gate(resource_type, &[Interaction::Search])?;
    let parameters = Parameters::parse(resource_type, pairs, &context.app.limits)?;
    context
        .access
        .may_search(resource_type, parameters.names())?;
    for include in parameters.includes.iter().chain(&parameters.revincludes) {
        context.access.may_include(&include.source, &include.code)?;
    }
    let query = Query::compile(resource_type, &parameters.filters, &context.app.options)
        .map_err(|diagnostics| refused(&diagnostics))?;
    let mut found: Vec<Arc<Version>> = candidates(context, resource_type, &parameters);
    found.retain(|version| {
        query.matches(&version.resource) && context.access.finds(&version.resource)
    });
    let total = found.len();
    let body = if parameters.count == 0 {
        bundle(
            context,
            resource_type,
            &parameters,
            Some(total),
            Vec::new(),
            None,
        )
    } else {
        let (shown, next) = page(context, resource_type, &parameters, found)?;
        let total = parameters.total.then_some(total);
        let mut entries: Vec<Value> = shown
            .iter()
            .filter_map(|version| entry(context, version, "match"))
            .collect();
        entries.extend(include::entries(context, &parameters, &shown)?);
        bundle(
            context,
            resource_type,
            &parameters,
            total,
            entries,
            next.as_ref(),
        )
    };
    Ok(fhir_json(StatusCode::OK, &page::without_empty_entry(body)))
}

/// The resources that may match: all of the type, or those that `_id` names.
fn candidates(
    context: &Context<'_>,
    resource_type: &str,
    parameters: &Parameters,
) -> Vec<Arc<Version>> {
    match parameters.ids() {
        None => context.view.scan(resource_type),
        Some(mut ids) => {
            ids.sort_unstable();
            ids.dedup();
            let mut found: Vec<_> = ids
                .into_iter()
                .filter_map(|id| context.view.current(resource_type, id))
                .collect();
            found.sort_unstable_by_key(|version| version.created);
            found
        }
    }
}

/// Orders what was found and cuts out the page.
fn page(
    context: &Context<'_>,
    resource_type: &str,
    parameters: &Parameters,
    found: Vec<Arc<Version>>,
) -> Result<(Vec<Arc<Version>>, Option<Position>), Failure> {
    let mut ordered: Vec<sort::Sorted> = found
        .into_iter()
        .map(|version| sort::Sorted::new(version, &parameters.sort))
        .collect();
    ordered.sort_by(|a, b| a.compare(b, &parameters.sort));
    let start = match &parameters.after {
        None => parameters.offset,
        Some(after) => {
            let last = after
                .version(context.view, resource_type)
                .ok_or_else(page::stale_cursor)?;
            // A place among hidden resources would tell about their content.
            if !context.access.finds(&last.resource) {
                return Err(page::stale_cursor());
            }
            let last = sort::Sorted::new(last, &parameters.sort);
            ordered.partition_point(|sorted| sorted.compare(&last, &parameters.sort).is_le())
        }
    };
    let rest = ordered.len().saturating_sub(start);
    let shown: Vec<_> = ordered
        .into_iter()
        .skip(start)
        .take(parameters.count)
        .map(sort::Sorted::into_version)
        .collect();
    let next = if rest > shown.len() {
        shown.last().map(|last| Position::of(last))
    } else {
        None
    };
    Ok((shown, next))
}

/// One entry, as far as the actor sees it.
fn entry(context: &Context<'_>, version: &Version, mode: &str) -> Option<Value> {
    Some(json!({
        "fullUrl": format!("{}{}", context.app.fhir_base, version.reference()),
        "resource": context.access.find(&version.resource)?,
        "search": { "mode": mode },
    }))
}

fn bundle(
    context: &Context<'_>,
    resource_type: &str,
    parameters: &Parameters,
    total: Option<usize>,
    entries: Vec<Value>,
    next: Option<&Position>,
) -> Value {
    let mut bundle = Map::new();
    bundle.insert("resourceType".into(), "Bundle".into());
    bundle.insert("type".into(), "searchset".into());
    if let Some(total) = total {
        bundle.insert("total".into(), total.into());
    }
    let links = Links {
        base: &context.app.fhir_base,
        path: resource_type,
        pairs: &parameters.kept,
        count: parameters.count,
        offset: parameters.offset,
    };
    bundle.insert(
        "link".into(),
        links.to_value(parameters.after.as_ref(), next),
    );
    bundle.insert("entry".into(), entries.into());
    Value::Object(bundle)
}

fn refused(diagnostics: &[fhirward_engine::diagnostic::Diagnostic]) -> Failure {
    let issues: Vec<Issue> = diagnostics.iter().map(Issue::from).collect();
    Failure::new(StatusCode::BAD_REQUEST, issues)
}
