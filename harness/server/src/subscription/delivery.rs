//! Delivering to a `rest-hook`: in order, one after the other, several times if need be.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::mpsc::Receiver;

use super::definition::{Channel, Definition, Status};
use super::hook::{Hook, Target};
use super::hub::Live;
use super::notice::{self, Notice};
use super::status::{Turn, turn};
use super::{author, backoff, signature};
use crate::app::App;
use crate::bot;
use crate::lost;
use crate::store::{Change, Version, View as _};

/// The most that is read of an answer that nobody uses.
const MAX_ANSWER: usize = 1024 * 1024;

/// A change that a Subscription is to be told of.
#[derive(Debug)]
pub(crate) struct Job {
    /// The Subscription as it was when the change was made.
    pub(crate) definition: Arc<Definition>,
    pub(crate) before: Option<Arc<Version>>,
    pub(crate) after: Arc<Version>,
}

/// Delivers what comes, until nothing can come any more.
pub(crate) async fn work(app: Arc<App>, live: Live, mut jobs: Receiver<Job>) {
    let mut failing = false;
    while let Some(job) = jobs.recv().await {
        let id = job.definition.id.clone();
        // What waits behind it is delivered all the same.
        let delivery = lost::or_later("a delivery", deliver(&app, &live, &job)).await;
        match delivery.unwrap_or_else(|lost| Delivery::Lost(lost.to_string())) {
            Delivery::NotWanted => {}
            Delivery::Arrived { was_failing } => {
                if failing || was_failing {
                    turn(Arc::clone(&app), id, Turn::Recovered).await;
                }
                failing = false;
            }
            Delivery::Lost(reason) => {
                failing = true;
                tracing::warn!(subscription = %id, %reason, "a notification was not delivered");
                turn(Arc::clone(&app), id, Turn::Failed(reason)).await;
            }
        }
    }
}

enum Delivery {
    /// The Subscription ended, or its author may not know of this any more.
    NotWanted,
    Arrived {
        was_failing: bool,
    },
    Lost(String),
}

async fn deliver(app: &Arc<App>, live: &Live, job: &Job) -> Delivery {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let current = live.get(&job.definition.id);
        let Some(current) = current.filter(|current| current.is_live(Timestamp::now())) else {
            return Delivery::NotWanted;
        };
        let Channel::RestHook(hook) = &current.channel else {
            return Delivery::NotWanted;
        };
        if attempt > 1 && is_gone(app, &job.after) {
            return Delivery::NotWanted;
        }
        // Asked anew for each attempt: rights may have been withdrawn since.
        let notice = match notice::of(app, &job.definition, job.before.as_deref(), &job.after) {
            Ok(Some(notice)) => notice,
            Ok(None) => return Delivery::NotWanted,
            Err(reason) => return Delivery::Lost(reason),
        };
        match send(app, &current, hook, &notice).await {
            Ok(()) => {
                return Delivery::Arrived {
                    was_failing: current.status == Status::Error,
                };
            }
            Err(reason) if attempt >= hook.attempts => {
                let times = if attempt == 1 { "attempt" } else { "attempts" };
                return Delivery::Lost(format!("after {attempt} {times}: {reason}"));
            }
            Err(_) => {
                let first = app.messaging.settings.first_retry;
                tokio::time::sleep(backoff::after(attempt, first)).await;
            }
        }
    }
}

/// Whether a resource was deleted since a version of it. That it was is told of on its own, and
/// what arrived too late need not be known any more.
fn is_gone(app: &App, version: &Version) -> bool {
    let newest = app.store.newest(&version.resource_type, &version.id);
    version.change != Change::Delete && newest.is_none_or(|newest| newest.is_deletion())
}

async fn send(
    app: &Arc<App>,
    definition: &Definition,
    hook: &Hook,
    notice: &Notice,
) -> Result<(), String> {
    match &hook.target {
        Target::Url(url) => {
            let body = if notice.change == Change::Delete {
                json!({})
            } else {
                notice.resource.clone()
            };
            let body = Bytes::from(body.to_string());
            let headers = headers(definition, hook, notice, &body)?;
            let timeout = app.messaging.settings.call_timeout;
            let caller = &app.messaging.caller;
            let answer = caller.post(url, headers, body, timeout, MAX_ANSWER).await?;
            if hook.arrived(answer.status) {
                Ok(())
            } else {
                Err(format!("the endpoint answered {}", answer.status))
            }
        }
        Target::Bot(id) => {
            let input = if notice.change == Change::Delete {
                json!({ "deletedResource": notice.resource })
            } else {
                notice.resource.clone()
            };
            let body = Bytes::from(input.to_string());
            let headers = headers(definition, hook, notice, &body)?;
            let author = author::of(app, &definition.id).ok_or("its author is gone")?;
            bot::notify(app, &author, id, input, &headers).await
        }
    }
}

/// The headers of a notification. Those of the Subscription replace others, but for the signature.
///
/// # Errors
/// Why it cannot be signed.
fn headers(
    definition: &Definition,
    hook: &Hook,
    notice: &Notice,
    body: &[u8],
) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("content-type", "application/fhir+json");
    set("x-medplum-subscription", &definition.id);
    set("x-medplum-interaction", notice.interaction());
    if notice.change == Change::Delete {
        set("x-medplum-deleted-resource", &notice.reference);
    }
    for (name, value) in &hook.headers {
        headers.insert(name.clone(), value.clone());
    }
    if let Some(secret) = &hook.secret {
        let signature = signature::of(body, secret)?;
        headers.insert(HeaderName::from_static("x-signature"), signature);
    }
    Ok(headers)
}
