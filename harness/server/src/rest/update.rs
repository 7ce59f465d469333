//! `PUT Type/id`, and what it shares with a patch.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::{Context, input};
use crate::http::body;
use crate::http::headers::check_if_match;
use crate::http::outcome::Failure;
use crate::http::reply::ResourceReply;
use crate::store::{Draft, Version};

/// Replaces a resource, or brings back a deleted one. An unknown id is not created.
pub(crate) fn update(
    context: &Context<'_>,
    resource_type: &str,
    id: &str,
    bytes: &[u8],
) -> Result<Response, Failure> {
    let content = body::object(bytes, &context.app.limits)?;
    input::check_type(&content, resource_type)?;
    input::check_id(&content, id)?;
    let existing = context.newest(resource_type, id)?;
    context.access.read(&existing.resource)?;
    check_if_match(context.headers, &existing)?;
    let result = result(context, &existing, content)?;
    context
        .access
        .update(&existing.resource, result.resource())?;
    store(context, &existing, result)
}

/// The version that a change leads to, checked as a resource but not yet for access.
///
/// # Errors
/// 400 when it is not a valid resource.
pub(super) fn result(
    context: &Context<'_>,
    existing: &Version,
    mut content: Map<String, Value>,
) -> Result<Draft, Failure> {
    input::check_meta(&content, &existing.resource_type)?;
    input::keep_client_meta(
        &mut content,
        Some(&existing.resource),
        context.access.is_admin(),
    );
    let merged = context.access.merged(&existing.resource, content.into());
    input::check(&merged)?;
    Ok(Draft::new(
        &existing.resource_type,
        existing.id.to_string(),
        merged,
    ))
}

/// Stores the result, unless it changes nothing.
pub(super) fn store(
    context: &Context<'_>,
    existing: &Version,
    result: Draft,
) -> Result<Response, Failure> {
    let unchanged = !existing.is_deletion() && same_content(&existing.resource, result.resource());
    let stored = if unchanged {
        None
    } else {
        Some(context.transaction()?.replace(result))
    };
    let version = stored.as_deref().unwrap_or(existing);
    let reply = ResourceReply {
        status: StatusCode::OK,
        version,
        visible: context.access.changed(&version.resource),
        location: None,
        prefer: context.prefer(),
    };
    Ok(reply.into_response())
}

/// Equal but for what the server sets on every version.
fn same_content(a: &Value, b: &Value) -> bool {
    let strip = |value: &Value| {
        let mut value = value.clone();
        if let Some(meta) = value.get_mut("meta").and_then(Value::as_object_mut) {
            meta.shift_remove("versionId");
            meta.shift_remove("lastUpdated");
        }
        value
    };
    strip(a) == strip(b)
}
