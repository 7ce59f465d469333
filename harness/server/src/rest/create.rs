//! `POST Type`, and every other way to make a resource.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use fhirward_engine::policy::Conditional;
use serde_json::{Map, Value};

use super::call::Body;
use super::conditional::{self, Criteria};
use super::{Context, accounts, input, references};
use crate::app::is_id;
use crate::http::headers::if_none_exist;
use crate::http::outcome::{Failure, Issue};
use crate::http::reply::ResourceReply;
use crate::store::Draft;
use crate::subscription;

/// Stores a new resource under an id of the server's, unless `If-None-Exist` finds it.
pub(crate) fn create(
    context: &Context<'_>,
    resource_type: &str,
    body: Body<'_>,
) -> Result<Response, Failure> {
    let content = body.object(context)?;
    input::check_type(&content, resource_type)?;
    // Before the body is looked at any further: of a replay it is not what counts.
    if let Some(criteria) = if_none_exist(context.headers)? {
        let criteria = Criteria::parse(criteria)?;
        if let Some(existing) = criteria.find(context, Conditional::Create, resource_type)? {
            return Ok(conditional::found(context, &existing));
        }
    }
    with_id(context, resource_type, context.new_id(), content)
}

/// An id that no resource has.
pub(super) fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Stores a new resource: under the id that the client gives it, where it may, else under one of
/// the server's.
pub(super) fn or_update_as_create(
    context: &Context<'_>,
    resource_type: &str,
    given: Option<&str>,
    content: Map<String, Value>,
) -> Result<Response, Failure> {
    let Some(id) = given else {
        return with_id(context, resource_type, context.new_id(), content);
    };
    let refuse = |code, text: &str| Err(Failure::bad_request(Issue::error(code, text).at("id")));
    if !context.access.may_assign_ids() {
        return refuse(
            "invalid",
            "nothing matches, and you may not choose the id of what is created",
        );
    }
    if context.view.newest(resource_type, id).is_some() {
        return refuse(
            "duplicate",
            "`id` is that of a resource that the criteria do not match",
        );
    }
    update_as_create(context, resource_type, id, content)
}

/// Stores a new resource under an id of the client's.
///
/// # Errors
/// 404 for those who may not, since for them the id stands for a resource that is not there; 400
/// when it can be no id.
pub(super) fn update_as_create(
    context: &Context<'_>,
    resource_type: &str,
    id: &str,
    content: Map<String, Value>,
) -> Result<Response, Failure> {
    if !context.access.may_assign_ids() {
        return Err(Failure::not_found());
    }
    if !is_id(id) {
        return Err(Failure::bad_request(
            Issue::error("value", format!("`{id}` cannot be an id"))
                .at("id")
                .with_diagnostics("1 to 64 letters, digits, `-` or `.`"),
        ));
    }
    with_id(context, resource_type, id.to_owned(), content)
}

/// Stores a new resource.
///
/// # Errors
/// 400 when it is not valid, 403 when it may not be created.
pub(crate) fn with_id(
    context: &Context<'_>,
    resource_type: &str,
    id: String,
    content: Map<String, Value>,
) -> Result<Response, Failure> {
    let draft = result(context, resource_type, id, content)?;
    context.access.create(draft.resource())?;
    let version = context.transaction()?.insert(draft);
    subscription::written(context, &version)?;
    let reply = ResourceReply {
        status: StatusCode::CREATED,
        version: &version,
        visible: Some(context.access.created(&version.resource)),
        location: Some(version.location(&context.app.fhir_base)),
        prefer: context.prefer(),
    };
    Ok(reply.into_response())
}

/// The resource as it would be stored, checked as a resource but not yet for access.
///
/// # Errors
/// 400 when it is not valid.
pub(super) fn result(
    context: &Context<'_>,
    resource_type: &str,
    id: String,
    mut content: Map<String, Value>,
) -> Result<Draft, Failure> {
    input::check_meta(context, &content, resource_type)?;
    content.shift_remove("id");
    input::keep_client_meta(&mut content, None, context.access.is_admin());
    let mut content = Value::Object(content);
    references::resolve(context, &mut content)?;
    let Value::Object(mut content) = content else {
        return Err(Failure::internal("a resource without members"));
    };
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
    input::check_in(context, &content)?;
    references::check(context, &content)?;
    Ok(Draft::new(resource_type, id, content))
}
