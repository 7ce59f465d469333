//! Executing a Bot: its program is called and its answer passed back.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use fhirward_engine::policy::Interaction;
use serde_json::Value;

use super::event::Event;
use super::input;
use crate::access::Access;
use crate::app::App;
use crate::auth::session::Actor;
use crate::binary::media;
use crate::http::outcome::{Failure, Issue};
use crate::http::reply::fhir_json;
use crate::store::{Version, View as _};
use crate::subscription::call::Answer;

/// The most of a program's words that are repeated.
const MAX_WORDS: usize = 1000;

/// Which Bot is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meant<'p> {
    Id(&'p str),
    /// `system|value`, or a value alone.
    Identifier(String),
}

/// Executes a Bot for an actor.
pub(super) async fn execute(
    app: &App,
    actor: &Actor,
    meant: &Meant<'_>,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Result<Response, Failure> {
    let bot = find(app, actor, meant)?;
    let answer = run(app, &bot, &actor.profile, &actor.project, headers, bytes).await?;
    passed_back(&answer)
}

/// Calls the program of a Bot with a body as it came in.
pub(super) async fn run(
    app: &App,
    bot: &Version,
    requester: &str,
    project: &str,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Result<Answer, Failure> {
    let media = media::of_upload(headers)?;
    let event = Event {
        bot: &bot.id,
        requester,
        project,
        input: input::read(&media, bytes, &app.limits)?,
        content_type: &media,
        headers,
    };
    call(app, bot, &event).await
}

/// Tells a Bot of a change, for the author of a Subscription.
///
/// # Errors
/// Why the Bot did not take it.
pub(crate) async fn notify(
    app: &Arc<App>,
    author: &Actor,
    bot: &str,
    input: Value,
    headers: &HeaderMap,
) -> Result<(), String> {
    let found = find(app, author, &Meant::Id(bot));
    let bot = found.map_err(|_| format!("there is no Bot/{bot} that its author may read"))?;
    let event = Event {
        bot: &bot.id,
        requester: &author.profile,
        project: &author.project,
        input,
        content_type: "application/fhir+json",
        headers,
    };
    match call(app, &bot, &event).await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(format!("the Bot answered {}", answer.status)),
        Err(failure) => Err(failure.text()),
    }
}

/// The Bot, if the actor may read it.
fn find(app: &App, actor: &Actor, meant: &Meant<'_>) -> Result<Arc<Version>, Failure> {
    let access = Access::new(app, &app.store, actor);
    access.gate("Bot", &[Interaction::Read])?;
    match meant {
        Meant::Id(id) => {
            let bot = app.store.newest("Bot", id).ok_or_else(Failure::not_found)?;
            access.content(&bot.resource)?;
            if bot.is_deletion() {
                return Err(Failure::gone());
            }
            Ok(bot)
        }
        Meant::Identifier(token) => {
            let mut found = app.store.scan("Bot");
            found.retain(|bot| {
                let visible = access.content(&bot.resource);
                visible.is_ok_and(|visible| has_identifier(&visible, token))
            });
            match <[_; 1]>::try_from(found) {
                Ok([bot]) => Ok(bot),
                Err(none) if none.is_empty() => Err(Failure::not_found()),
                Err(_) => Err(Failure::invalid(format!(
                    "several Bots have the identifier `{token}`"
                ))),
            }
        }
    }
}

fn has_identifier(bot: &Value, token: &str) -> bool {
    let identifiers = bot.get("identifier").and_then(Value::as_array);
    identifiers.into_iter().flatten().any(|identifier| {
        let text = |name| identifier.get(name).and_then(Value::as_str);
        match token.split_once('|') {
            Some((system, value)) => {
                text("system").unwrap_or_default() == system && text("value") == Some(value)
            }
            None => text("value") == Some(token),
        }
    })
}

async fn call(app: &App, bot: &Version, event: &Event<'_>) -> Result<Answer, Failure> {
    let messaging = &app.messaging;
    let Some(url) = messaging.programs.of(bot) else {
        let known: Vec<&str> = messaging.programs.names().collect();
        let known = if known.is_empty() {
            "no Bot has one".to_owned()
        } else {
            format!("these have one: {}", known.join(", "))
        };
        let issue = Issue::error("not-supported", format!("Bot/{} has no program", bot.id))
            .with_diagnostics(format!("start the server with `--bot NAME=URL`; {known}"));
        return Err(Failure::new(StatusCode::BAD_REQUEST, vec![issue]));
    };
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let body = Bytes::from(event.to_value(app).to_string());
    let (timeout, limit) = (messaging.settings.call_timeout, app.limits.body_bytes);
    let answer = messaging.caller.post(url, headers, body, timeout, limit);
    answer.await.map_err(|reason| {
        let text = format!("the program of Bot/{} did not answer: {reason}", bot.id);
        Failure::new(
            StatusCode::BAD_GATEWAY,
            vec![Issue::error("transient", text)],
        )
    })
}

/// The program's answer as the caller gets it. A failure of the program is 400, as that of a Bot
/// that throws, with its words; an OperationOutcome of its own stays what it is.
pub(super) fn passed_back(answer: &Answer) -> Result<Response, Failure> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    if !status.is_success() {
        if let Ok(outcome) = serde_json::from_slice::<Value>(&answer.body)
            && outcome.get("resourceType").and_then(Value::as_str) == Some("OperationOutcome")
            && status.is_client_error()
        {
            return Ok(fhir_json(status, &outcome));
        }
        let issue = Issue::error("exception", words(answer))
            .with_diagnostics(format!("the program answered {status}"));
        return Err(Failure::new(StatusCode::BAD_REQUEST, vec![issue]));
    }
    let mut response = Response::new(Body::from(answer.body.clone()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let media = answer.content_type.as_deref();
    let media = media.unwrap_or(media::OCTET_STREAM);
    if let Ok(media) = HeaderValue::from_str(media) {
        headers.insert(header::CONTENT_TYPE, media);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The page of a program must not run in the server's name.
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    Ok(response)
}

/// What a program says of its failure: `errorMessage` or `message` of JSON, or the text.
fn words(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let json = serde_json::from_str::<Value>(&text).ok();
    let said = json.as_ref().and_then(|json| {
        let member = |name| json.get(name).and_then(Value::as_str);
        member("errorMessage").or_else(|| member("message"))
    });
    let said = said.unwrap_or(&text).trim();
    if said.is_empty() {
        return "the Bot failed without a word".to_owned();
    }
    said.chars().take(MAX_WORDS).collect()
}
