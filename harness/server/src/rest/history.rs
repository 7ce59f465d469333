//! `_history` of a resource, a type, or everything.

use axum::http::StatusCode;
use axum::response::Response;
use fhirward_engine::policy::Interaction;
use serde_json::{Value, json};
use std::sync::Arc;

use super::Context;
use crate::http::outcome::Failure;
use crate::http::query::{pairs, take_common};
use crate::http::reply::fhir_json;
use crate::search::page::{self, Links, Position};
use crate::store::{Change, Version, instant};

/// The versions of one resource, newest first.
pub(crate) fn of_instance(
    context: &Context<'_>,
    resource_type: &str,
    id: &str,
) -> Result<Response, Failure> {
    let newest = context.newest(resource_type, id)?;
    context.access.read(&newest.resource)?;
    // The right to the history of the resource, before any of its versions is looked at.
    context.access.history(&newest.resource, &newest.resource)?;
    let versions = visible_versions(context, context.view.versions(resource_type, id));
    bundle(
        context,
        &format!("{}/_history", newest.reference()),
        versions,
    )
}

/// The versions of all resources of a type, or of all types, newest first.
pub(crate) fn of_all(
    context: &Context<'_>,
    resource_type: Option<&str>,
) -> Result<Response, Failure> {
    let mut versions: Vec<Shown> = context
        .view
        .all_versions(resource_type)
        .into_iter()
        .filter(|versions| {
            versions.last().is_some_and(|newest| {
                context
                    .access
                    .gate(
                        &newest.resource_type,
                        &[Interaction::Read, Interaction::History],
                    )
                    .is_ok()
                    && context.access.read(&newest.resource).is_ok()
            })
        })
        .flat_map(|versions| visible_versions(context, versions))
        .collect();
    versions.sort_by_key(|shown| shown.version.sequence);
    let path = match resource_type {
        Some(name) => format!("{name}/_history"),
        None => "_history".to_owned(),
    };
    bundle(context, &path, versions)
}

/// A version and what the actor sees of it; nothing of a deletion.
struct Shown {
    version: Arc<Version>,
    resource: Option<Value>,
}

/// The versions of one resource that the actor may see, oldest first.
fn visible_versions(context: &Context<'_>, versions: Vec<Arc<Version>>) -> Vec<Shown> {
    let Some(newest) = versions.last().map(Arc::clone) else {
        return Vec::new();
    };
    let see = |version: Arc<Version>| {
        let resource = context
            .access
            .history(&newest.resource, &version.resource)
            .ok()?;
        let resource = (!version.is_deletion()).then_some(resource);
        Some(Shown { version, resource })
    };
    versions.into_iter().filter_map(see).collect()
}

fn bundle(
    context: &Context<'_>,
    path: &str,
    mut versions: Vec<Shown>,
) -> Result<Response, Failure> {
    let request = Parameters::parse(context)?;
    versions.reverse();
    let total = versions.len();
    let start = match &request.after {
        None => 0,
        Some(after) => {
            let place = versions.iter().position(|shown| after.is(&shown.version));
            place.ok_or_else(page::stale_cursor)? + 1
        }
    };
    let rest = versions.get(start..).unwrap_or_default();
    let shown = rest.get(..request.count).unwrap_or(rest);
    let next = (shown.len() < rest.len())
        .then(|| shown.last().map(|last| Position::of(&last.version)))
        .flatten();
    let links = Links {
        base: &context.app.fhir_base,
        path,
        pairs: &request.kept,
        count: request.count,
        offset: 0,
    };
    let body = json!({
        "resourceType": "Bundle",
        "type": "history",
        "total": total,
        "link": links.to_value(request.after.as_ref(), next.as_ref()),
        "entry": shown.iter().map(|shown| entry(context, shown)).collect::<Vec<_>>(),
    });
    Ok(fhir_json(StatusCode::OK, &page::without_empty_entry(body)))
}

fn entry(context: &Context<'_>, shown: &Shown) -> Value {
    let version = &shown.version;
    let reference = version.reference();
    let (method, url, status) = match version.change {
        Change::Create => ("POST", version.resource_type.to_string(), "201"),
        Change::Update => ("PUT", reference.clone(), "200"),
        Change::Delete => ("DELETE", reference.clone(), "200"),
    };
    let mut entry = json!({ "fullUrl": format!("{}{reference}", context.app.fhir_base) });
    if let (Some(entry), Some(resource)) = (entry.as_object_mut(), &shown.resource) {
        entry.insert("resource".into(), resource.clone());
    }
    if let Some(entry) = entry.as_object_mut() {
        entry.insert("request".into(), json!({ "method": method, "url": url }));
        entry.insert(
            "response".into(),
            json!({ "status": status, "etag": version.etag(), "lastModified": instant(version.last_updated) }),
        );
    }
    entry
}

/// `_count` and the cursor.
struct Parameters {
    count: usize,
    after: Option<Position>,
    kept: Vec<(String, String)>,
}

impl Parameters {
    fn parse(context: &Context<'_>) -> Result<Self, Failure> {
        let mut given = pairs(context.query.unwrap_or_default())?;
        take_common(&mut given)?;
        let (mut count, mut after) = (context.app.limits.max_page, None);
        for (name, value) in given {
            match &*name {
                "_count" => count = page::count(&value, &context.app.limits)?.max(1),
                "_cursor" => after = Some(Position::parse(&value)?),
                _ => {
                    return Err(Failure::not_supported(
                        format!("the parameter `{name}` is not supported here"),
                        "a history takes `_count` and the links of its pages",
                    ));
                }
            }
        }
        Ok(Self {
            count,
            after,
            kept: Vec::new(),
        })
    }
}
