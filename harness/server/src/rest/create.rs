//! `POST Type`.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Context, accounts, input};
use crate::http::body;
use crate::http::outcome::Failure;
use crate::http::reply::ResourceReply;
use crate::store::Draft;

/// Stores a new resource under an id of the server's.
pub(crate) fn create(
    context: &Context<'_>,
    resource_type: &str,
    bytes: &[u8],
) -> Result<Response, Failure> {
    let mut content = body::object(bytes, &context.app.limits)?;
    input::check_type(&content, resource_type)?;
    input::check_meta(&content, resource_type)?;
    content.shift_remove("id");
    input::keep_client_meta(&mut content, None, context.access.is_admin());
    let id = uuid::Uuid::new_v4().to_string();
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
