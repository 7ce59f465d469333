//! `POST Type`.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::{Context, accounts, input};
use crate::http::body;
use crate::http::outcome::Failure;
use crate::http::reply::ResourceReply;
use crate::store::Draft;
use crate::subscription;

/// Stores a new resource under an id of the server's.
pub(crate) fn create(
    context: &Context<'_>,
    resource_type: &str,
    bytes: &[u8],
) -> Result<Response, Failure> {
    let content = body::object(bytes, &context.app.limits)?;
    input::check_type(&content, resource_type)?;
    with_id(
        context,
        resource_type,
        uuid::Uuid::new_v4().to_string(),
        content,
    )
}

/// Stores a new resource.
///
/// # Errors
/// 400 when it is not valid, 403 when it may not be created.
pub(crate) fn with_id(
    context: &Context<'_>,
    resource_type: &str,
    id: String,
    mut content: Map<String, Value>,
) -> Result<Response, Failure> {
    input::check_meta(&content, resource_type)?;
    content.shift_remove("id");
    input::keep_client_meta(&mut content, None, context.access.is_admin());
    // Before the field rules are looked for: the criteria of their entry may ask for an account.
    let accounts = accounts::of_new(context, &content);
    accounts::set(&mut content, accounts.clone());
    let asked = Draft::new(resource_type, id.clone(), content.into());
    let mut content = context.access.writable(asked.resource().clone());
    // And after: they are the server's, whatever the actor may not write, and none comes from a
    // patient of whom nothing is left.
    if let Some(content) = content.as_object_mut() {
        accounts::renew(context, content, accounts);
    }
    input::check(&content)?;
    let draft = Draft::new(resource_type, id, content);
    context.access.create(draft.resource())?;
    let version = context.transaction()?.insert(draft);
    subscription::written(context, &version)?;
    let reply = ResourceReply {
        status: StatusCode::CREATED,
        version: &version,
        visible: Some(context.access.created(&version.resource)),
        location: Some(format!(
            "{}{}/_history/{}",
            context.app.fhir_base,
            version.reference(),
            version.version_id
        )),
        prefer: context.prefer(),
    };
    Ok(reply.into_response())
}
