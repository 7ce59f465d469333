//! `POST webhook/{membership}`: a Bot that anybody may execute, because its owner said so.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::execute::{passed_back, run};
use crate::app::App;
use crate::http::body;
use crate::http::outcome::Failure;
use crate::store::{Version, View as _};

/// Executes the Bot of a ProjectMembership for somebody who has not signed in.
pub(crate) async fn receive(
    State(app): State<Arc<App>>,
    membership: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response {
    let Ok(Path(membership)) = membership else {
        return Failure::not_found().into_response();
    };
    answer(&app, &membership, request)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn answer(app: &App, membership: &str, request: Request) -> Result<Response, Failure> {
    let membership = app
        .store
        .current("ProjectMembership", membership)
        .ok_or_else(Failure::not_found)?;
    let bot = public_bot(app, &membership)
        .ok_or_else(|| Failure::forbidden("this is no public webhook"))?;
    let project = membership.resource.pointer("/project/reference");
    let project = project.and_then(Value::as_str).unwrap_or_default();
    let (parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    let bytes = body::read(parts, body, app.limits.body_bytes).await?;
    // Nobody else is known to have asked.
    let requester = bot.reference();
    let answer = run(app, &bot, &requester, project, &headers, &bytes).await?;
    passed_back(&answer)
}

/// The Bot that the membership is of, if it is public and its rights are limited.
fn public_bot(app: &App, membership: &Version) -> Option<Arc<Version>> {
    let resource = &membership.resource;
    let profile = resource.pointer("/profile/reference")?.as_str()?;
    let id = profile.strip_prefix("Bot/")?;
    let limited = resource.get("accessPolicy").is_some()
        || resource
            .get("access")
            .and_then(Value::as_array)
            .is_some_and(|access| !access.is_empty());
    // A membership that no longer holds opens nothing, and none opens another project's Bot.
    let member = app.sessions.member(app, &membership.id)?;
    let bot = app.store.current("Bot", id)?;
    if !member.partition.holds(&bot.resource) {
        return None;
    }
    let public = bot.resource.get("publicWebhook") == Some(&Value::Bool(true));
    (limited && public).then_some(bot)
}
