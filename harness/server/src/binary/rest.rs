//! The interactions on Binary that differ from those on other resources.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::media::{self, Form};
use super::upload::{self, Upload};
use super::{attachment, content};
use crate::http::headers::check_if_match;
use crate::http::outcome::Failure;
use crate::http::reply::ResourceReply;
use crate::http::route::Route;
use crate::rest::{Context, create, read, update};
use crate::store::Version;

/// Whether a request reads or writes a Binary, so that its media types are not those of FHIR.
pub(crate) fn concerns(method: &Method, route: Route<'_>) -> bool {
    match route {
        Route::Type("Binary") => method == Method::POST,
        Route::Instance("Binary", _) => {
            matches!(*method, Method::GET | Method::HEAD | Method::PUT)
        }
        Route::Version("Binary", ..) => matches!(*method, Method::GET | Method::HEAD),
        _ => false,
    }
}

/// `GET Binary/id`
pub(crate) fn read_one(context: &Context<'_>, id: &str) -> Result<Response, Failure> {
    if media::asked_for(context.headers, context.query) == Form::Resource {
        return read::read(context, "Binary", id);
    }
    let newest = context.newest("Binary", id)?;
    let visible = context.access.content(&newest.resource)?;
    if newest.is_deletion() {
        return Err(Failure::gone());
    }
    content::answer(context.headers, &newest, &visible)
}

/// `GET Binary/id/_history/version`
pub(crate) fn read_version(
    context: &Context<'_>,
    id: &str,
    version: &str,
) -> Result<Response, Failure> {
    if media::asked_for(context.headers, context.query) == Form::Resource {
        return read::vread(context, "Binary", id, version);
    }
    let (version, visible) = read::version(context, "Binary", id, version)?;
    content::answer(context.headers, &version, &visible)
}

/// `POST Binary`
pub(crate) fn create(context: &Context<'_>, bytes: &[u8]) -> Result<Response, Failure> {
    let limits = &context.app.limits;
    let (content, raw) = match upload::read(context.headers, context.query, bytes, limits)? {
        Upload::Resource(resource) => (resource, false),
        Upload::Content(content) => (content, true),
    };
    let content = without_url(context, content);
    let version = create::store(context, "Binary", content)?;
    let visible = context.access.created(&version.resource);
    let mut reply = create::reply(context, &version, visible);
    reply.visible = reply
        .visible
        .map(|visible| told(context, &version, visible, raw));
    Ok(reply.into_response())
}

/// `PUT Binary/id`
pub(crate) fn replace(context: &Context<'_>, id: &str, bytes: &[u8]) -> Result<Response, Failure> {
    let limits = &context.app.limits;
    let upload = upload::read(context.headers, context.query, bytes, limits)?;
    let existing = context.newest("Binary", id)?;
    context.access.read(&existing.resource)?;
    check_if_match(context.headers, &existing)?;
    let (content, raw) = match upload {
        Upload::Resource(resource) => (keep_content(resource, &existing), false),
        Upload::Content(content) => (of_existing(content, &existing), true),
    };
    let content = without_url(context, content);
    let version = update::stored(context, &existing, content)?;
    let visible = context.access.changed(&version.resource);
    let reply = ResourceReply {
        status: StatusCode::OK,
        version: &version,
        visible: visible.map(|visible| told(context, &version, visible, raw)),
        location: None,
        prefer: context.prefer(),
    };
    Ok(reply.into_response())
}

/// What the writer is told: where the content opens. Content that was sent as such is not sent
/// back as base64.
fn told(context: &Context<'_>, version: &Version, mut visible: Value, raw: bool) -> Value {
    if let Some(members) = visible.as_object_mut() {
        if raw {
            members.shift_remove("data");
        }
        let url = context.access.content_url(version);
        let url = url.unwrap_or_else(|| version.reference());
        members.insert("url".into(), url.into());
    }
    visible
}

/// The server tells the URL; the resource does not keep it.
fn without_url(context: &Context<'_>, mut content: Map<String, Value>) -> Map<String, Value> {
    let (base, storage) = (&context.app.fhir_base, &context.app.messaging.storage);
    let ours = content
        .get("url")
        .and_then(Value::as_str)
        .is_some_and(|url| attachment::binary_id(url, base, storage).is_some());
    if ours {
        content.shift_remove("url");
    }
    content
}

/// A resource without `data` keeps the content, as long as it says the same of what it is: so a
/// security context can be added without sending the content again.
fn keep_content(mut content: Map<String, Value>, existing: &Version) -> Map<String, Value> {
    let same = content.get("contentType") == existing.resource.get("contentType");
    if same
        && !content.contains_key("data")
        && let Some(data) = existing.resource.get("data")
    {
        content.insert("data".into(), data.clone());
    }
    content
}

/// New content of a resource. Without a new security context it keeps the one that it has: content
/// does not become open because a header was forgotten.
fn of_existing(mut content: Map<String, Value>, existing: &Arc<Version>) -> Map<String, Value> {
    content.insert("id".into(), existing.id.as_ref().into());
    if !content.contains_key("securityContext")
        && let Some(context) = existing.resource.get("securityContext")
    {
        content.insert("securityContext".into(), context.clone());
    }
    content
}
