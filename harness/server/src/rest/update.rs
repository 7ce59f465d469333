//! `PUT Type/id`, and what it shares with a patch.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::call::Body;
use super::{Context, create, input, references};
use crate::http::headers::{check_if_match, check_if_none_match};
use crate::http::outcome::{Failure, Issue};
use crate::http::reply::ResourceReply;
use crate::http::subset;
use crate::store::{Draft, Version};
use crate::subscription;

/// Replaces a resource, or brings back a deleted one. An unknown id is created for those only who
/// may give ids to resources.
pub(crate) fn update(
    context: &Context<'_>,
    resource_type: &str,
    id: &str,
    body: Body<'_>,
) -> Result<Response, Failure> {
    let content = body.object(context)?;
    input::check_type(&content, resource_type)?;
    input::check_id(&content, id)?;
    match context.view.newest(resource_type, id) {
        Some(existing) => replace(context, &existing, content),
        // A version that the client names is not there.
        None if context.headers.contains_key("if-match") => Err(Failure::not_found()),
        None => create::update_as_create(context, resource_type, id, content),
    }
}

/// Replaces a resource by the content.
///
/// # Errors
/// 404 when it is hidden, 403 when it may not be changed, or not to this, 412 when another version
/// was meant, 400 when the content is not valid.
pub(crate) fn replace(
    context: &Context<'_>,
    existing: &Version,
    content: Map<String, Value>,
) -> Result<Response, Failure> {
    context.access.read(&existing.resource)?;
    // What was left out of what the client was shown would be erased.
    if subset::is_tagged(&content) {
        return Err(Failure::bad_request(
            Issue::error("business-rule", "the resource is tagged as SUBSETTED")
                .at(format!("{}.meta.tag", existing.resource_type))
                .with_diagnostics(
                    "it was read with _summary or _elements: read the whole, or send a patch",
                ),
        ));
    }
    check_if_match(context.headers, existing)?;
    check_if_none_match(context.headers, existing)?;
    let result = result(context, existing, content)?;
    context
        .access
        .update(&existing.resource, result.resource())?;
    store(context, existing, result)
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
    input::check_meta(context, &content, &existing.resource_type)?;
    input::keep_client_meta(
        &mut content,
        Some(&existing.resource),
        context.access.is_admin(),
    );
    let mut content = Value::Object(content);
    references::resolve(context, &mut content)?;
    let merged = context.access.merged(&existing.resource, content);
    input::check_in(context, &merged)?;
    references::check(context, &merged)?;
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
        let version = context.transaction()?.replace(result);
        subscription::written(context, &version)?;
        Some(version)
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

/// Equal but for what the server sets on every version: who writes the same again changes nothing.
pub(crate) fn same_content(a: &Value, b: &Value) -> bool {
    let strip = |value: &Value| {
        let mut value = value.clone();
        if let Some(meta) = value.get_mut("meta").and_then(Value::as_object_mut) {
            meta.shift_remove("versionId");
            meta.shift_remove("lastUpdated");
            meta.shift_remove("author");
        }
        value
    };
    strip(a) == strip(b)
}
