//! `Subscription/{id}/$get-ws-binding-token`.

use axum::http::StatusCode;
use axum::response::Response;
use fhirward_engine::policy::Interaction;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::binding::Binding;
use super::definition::{Channel, Definition};
use super::{author, socket};
use crate::app::App;
use crate::http::outcome::{Failure, Issue};
use crate::http::reply::fhir_json;
use crate::rest::Context;
use crate::store::instant;

/// A token that binds a WebSocket to a Subscription of the one who asks.
///
/// # Errors
/// 404 for one that the actor cannot read, 403 for somebody else's, 400 for one that notifies in
/// another way or not at all.
pub(crate) fn answer(context: &Context<'_>, id: &str) -> Result<Response, Failure> {
    let app = context.app;
    context.access.gate("Subscription", &[Interaction::Read])?;
    let newest = context.newest("Subscription", id)?;
    context.access.content(&newest.resource)?;
    if newest.is_deletion() {
        return Err(Failure::gone());
    }
    if !socket::is_for_sockets(&newest.resource) {
        let issue = Issue::error(
            "invalid",
            "the channel of this Subscription is no websocket",
        )
        .at("Subscription.channel.type");
        return Err(Failure::new(StatusCode::BAD_REQUEST, vec![issue]));
    }
    if !is_live(app, &newest.resource) {
        let issue = Issue::error("invalid", "this Subscription is not carried out any more")
            .at("Subscription.status");
        return Err(Failure::new(StatusCode::BAD_REQUEST, vec![issue]));
    }
    // Its notifications show what its author sees, which may be more than others do.
    let (membership, scope) = (context.access.membership(), context.access.scope());
    let author = author::kept(app, id).filter(|author| author.is_heard_by(membership, scope));
    let Some(author) = author else {
        return Err(Failure::forbidden(
            "only the one who wrote a Subscription last listens to it, with the scopes that it was \
             written with",
        ));
    };
    let lifetime = i64::try_from(app.messaging.settings.binding_lifetime.as_secs());
    let expires = App::now().saturating_add(lifetime.unwrap_or(i64::MAX));
    let binding = Binding {
        subscription: id.to_owned(),
        author: author.to_text(),
        expires,
    };
    let expiration = Timestamp::from_second(expires).unwrap_or(Timestamp::MAX);
    let parameters = json!({
        "resourceType": "Parameters",
        "parameter": [
            { "name": "token", "valueString": binding.token(&app.messaging.signing) },
            { "name": "expiration", "valueDateTime": instant(expiration) },
            { "name": "subscription", "valueString": id },
            { "name": "websocket-url", "valueUrl": socket::url(app) },
        ],
    });
    Ok(fhir_json(StatusCode::OK, &parameters))
}

/// Whether a stored Subscription can be listened to.
pub(super) fn is_live(app: &App, subscription: &Value) -> bool {
    let hosts = app.messaging.caller.hosts();
    Definition::parse(subscription, &app.options, hosts).is_ok_and(|definition| {
        matches!(definition.channel, Channel::WebSocket) && definition.is_live(Timestamp::now())
    })
}
