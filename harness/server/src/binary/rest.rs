//! The interactions on Binary that differ from those on other resources.

use axum::http::Method;
use axum::response::Response;
use serde_json::{Map, Value};

use super::media::{self, Form};
use super::upload::{self, Upload};
use super::{attachment, content};
use crate::access::Answers;
use crate::http::headers::IF_NONE_EXIST;
use crate::http::outcome::Failure;
use crate::http::route::Route;
use crate::rest::{Body, Context, create, input, read, update};
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

/// The answer to a request that concerns a Binary; nothing for others, and for entries of a Bundle,
/// whose Binaries are resources as all others.
pub(crate) fn answer(
    context: &Context<'_>,
    method: &Method,
    route: Route<'_>,
    body: Body<'_>,
) -> Option<Result<Response, Failure>> {
    let reading = matches!(*method, Method::GET | Method::HEAD);
    Some(match (route, body) {
        (Route::Instance("Binary", id), _) if reading => read_one(context, id),
        (Route::Version("Binary", id, version), _) if reading => read_version(context, id, version),
        (Route::Type("Binary"), Body::Text(bytes)) if method == Method::POST => {
            create(context, bytes)
        }
        (Route::Instance("Binary", id), Body::Text(bytes)) if method == Method::PUT => {
            replace(context, id, bytes)
        }
        _ => return None,
    })
}

/// `GET Binary/id`
fn read_one(context: &Context<'_>, id: &str) -> Result<Response, Failure> {
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
fn read_version(context: &Context<'_>, id: &str, version: &str) -> Result<Response, Failure> {
    if media::asked_for(context.headers, context.query) == Form::Resource {
        return read::vread(context, "Binary", id, version);
    }
    let (version, visible) = read::version(context, "Binary", id, version)?;
    content::answer(context.headers, &version, &visible)
}

/// `POST Binary`
fn create(context: &Context<'_>, bytes: &[u8]) -> Result<Response, Failure> {
    if context.headers.contains_key(IF_NONE_EXIST) {
        return Err(Failure::not_supported(
            format!("the header {IF_NONE_EXIST} is not supported here"),
            "a Binary cannot be searched",
        ));
    }
    let limits = &context.app.limits;
    let (content, raw) = match upload::read(context.headers, context.query, bytes, limits)? {
        Upload::Resource(resource) => (resource, false),
        Upload::Content(content) => (content, true),
    };
    let content = without_url(context, content);
    let id = uuid::Uuid::new_v4().to_string();
    create::with_id(&telling(context, raw), "Binary", id, content)
}

/// `PUT Binary/id`
fn replace(context: &Context<'_>, id: &str, bytes: &[u8]) -> Result<Response, Failure> {
    let limits = &context.app.limits;
    let upload = upload::read(context.headers, context.query, bytes, limits)?;
    let existing = context.newest("Binary", id)?;
    let (content, raw) = match upload {
        Upload::Resource(resource) => {
            input::check_id(&resource, id)?;
            (keep_content(resource, &existing), false)
        }
        Upload::Content(content) => (of_existing(content, &existing), true),
    };
    let content = without_url(context, content);
    update::replace(&telling(context, raw), &existing, content)
}

/// The same request, whose answer tells where the content opens. Content that was sent as such is
/// not sent back as base64.
fn telling<'c>(context: &Context<'c>, raw: bool) -> Context<'c> {
    let answers = if raw {
        Answers::UrlOnly
    } else {
        Answers::WithUrl
    };
    // A copy of references.
    let mut telling = *context;
    telling.access = context.access.answering(answers);
    telling
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
fn of_existing(mut content: Map<String, Value>, existing: &Version) -> Map<String, Value> {
    content.insert("id".into(), existing.id.as_ref().into());
    if !content.contains_key("securityContext")
        && let Some(context) = existing.resource.get("securityContext")
    {
        content.insert("securityContext".into(), context.clone());
    }
    content
}
