//! `GET Type/id` and `GET Type/id/_history/version`.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Context;
use crate::http::headers::not_modified;
use crate::http::outcome::Failure;
use crate::http::reply::{Prefer, ResourceReply};
use crate::store::Version;

/// The current version; 410 when it is deleted and the actor could read it before.
pub(crate) fn read(
    context: &Context<'_>,
    resource_type: &str,
    id: &str,
) -> Result<Response, Failure> {
    let newest = context.newest(resource_type, id)?;
    let visible = context.access.read(&newest.resource)?;
    if newest.is_deletion() {
        return Err(Failure::gone());
    }
    answer(context, &newest, visible)
}

/// One version; 410 when it is the deletion.
pub(crate) fn vread(
    context: &Context<'_>,
    resource_type: &str,
    id: &str,
    version: &str,
) -> Result<Response, Failure> {
    let newest = context.newest(resource_type, id)?;
    // Without the right to the resource, which versions it has is not to be learnt either.
    context.access.read(&newest.resource)?;
    // Nor without the right to its versions.
    context.access.vread(&newest.resource, &newest.resource)?;
    let version = context
        .view
        .version(resource_type, id, version)
        .ok_or_else(Failure::not_found)?;
    let visible = context.access.vread(&newest.resource, &version.resource)?;
    if version.is_deletion() {
        return Err(Failure::gone());
    }
    answer(context, &version, visible)
}

fn answer(
    context: &Context<'_>,
    version: &Version,
    visible: serde_json::Value,
) -> Result<Response, Failure> {
    if not_modified(context.headers, version)? {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        if let Ok(etag) = version.etag().parse() {
            response.headers_mut().insert(header::ETAG, etag);
        }
        return Ok(response);
    }
    let reply = ResourceReply {
        status: StatusCode::OK,
        version,
        visible: Some(visible),
        location: None,
        prefer: Prefer::Representation,
    };
    Ok(reply.into_response())
}
