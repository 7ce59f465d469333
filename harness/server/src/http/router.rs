//! From a request to what answers it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde_json::json;
use tokio::sync::Semaphore;

use super::listener::Peer;
use super::outcome::{Failure, Issue};
use super::reply::{plain_json, written};
use super::route::Route;
use super::{body, cors, headers, log, oauth, query, sign_in};
use crate::app::{App, FHIR_PATH};
use crate::auth::authenticate;
use crate::bot::operation::Operation;
use crate::lost;
use crate::rest::{self, Call, Context, Effort};
use crate::{admin, binary, bot, capability, subscription};

/// The whole server.
pub(crate) fn router(app: Arc<App>) -> Router {
    // Outermost: a page asks whether it may ask without a token and for every path.
    let cors = cors::layer(app.sign_in.origins.as_deref());
    Router::new()
        .route(
            "/healthcheck",
            get(|| async { plain_json(StatusCode::OK, &json!({ "ok": true })) }),
        )
        .merge(oauth::routes())
        .merge(sign_in::routes())
        .merge(admin::routes())
        .route("/storage/{id}/{version}", any(binary::stored::open))
        .route("/ws/subscriptions-r4", get(subscription::socket::upgrade))
        .route("/webhook/{membership}", post(bot::webhook::receive))
        .fallback(fhir)
        .method_not_allowed_fallback(|| async {
            Failure::new(
                StatusCode::METHOD_NOT_ALLOWED,
                vec![Issue::error("not-supported", "method not allowed")],
            )
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&app), in_time))
        .layer(middleware::map_response(async |response| {
            written(response, false)
        }))
        .layer(middleware::from_fn(under_way))
        .layer(middleware::from_fn(log::log))
        .layer(cors)
        .with_state(app)
}

/// Keeps the connection from counting as idle until there is an answer.
async fn under_way(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    let _guard = peer.map(|ConnectInfo(peer)| peer.activity.begin());
    next.run(request).await
}

/// Ends requests that take too long, a body that never arrives among them.
async fn in_time(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(app.limits.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let text = format!(
                "the request took more than {} ms",
                app.limits.request_timeout.as_millis()
            );
            Failure::new(
                StatusCode::SERVICE_UNAVAILABLE,
                vec![Issue::error("timeout", text)],
            )
            .into_response()
        }
    }
}

async fn fhir(State(app): State<Arc<App>>, request: Request<Body>) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let uri = std::mem::take(&mut parts.uri);
    let Some(path) = uri.path().strip_prefix('/').and_then(below_base) else {
        let issue = Issue::error("not-found", "Not found")
            .with_diagnostics(format!("FHIR is at /{FHIR_PATH}"));
        return Err(Failure::new(StatusCode::NOT_FOUND, vec![issue]));
    };
    query::check_length(uri.query(), app.limits.query_bytes)?;
    let pairs = query::pairs(uri.query().unwrap_or_default())?;
    // A Binary has any media type, so any may be asked for.
    if !binary::rest::concerns(&parts.method, Route::parse(path)) {
        headers::check_format(&parts.headers, &pairs)?;
    }
    let pretty = pairs
        .iter()
        .any(|(name, value)| name == "_pretty" && value == "true");
    let answered = routed(&app, parts, &uri, path, body).await;
    Ok(written(answered.into_response(), pretty))
}

async fn routed(
    app: &Arc<App>,
    parts: Parts,
    uri: &Uri,
    path: &str,
    body: Body,
) -> Result<Response, Failure> {
    let route = Route::parse(path);
    let reading = parts.method == Method::GET || parts.method == Method::HEAD;
    if route == Route::Metadata && reading {
        return capability::answer(app, uri.query());
    }
    let actor = authenticate(app, &parts)?;
    headers::refuse_unsupported(&parts.headers)?;
    if let Some(operation) = Operation::parse(path) {
        return operation
            .answer(app, &actor, uri.query(), parts, body)
            .await;
    }
    let (request_headers, method) = (parts.headers.clone(), parts.method.clone());
    let call = |body| Call {
        method: &method,
        route,
        query: uri.query(),
        headers: &request_headers,
        body,
        assigned: None,
    };
    // Refused before the body is read: what the actor may never do need not be sent.
    let context = Context::reading(app, &actor, &request_headers, uri.query());
    call(rest::Body::Text(&[])).check(&context)?;
    let limit = match route {
        Route::TypeSearch(_) | Route::SystemSearch | Route::CompartmentSearch(..) => {
            app.limits.form_bytes
        }
        _ => app.limits.body_bytes,
    };
    let bytes = body::read(parts, body, limit).await?;
    let effort = call(rest::Body::Text(&bytes)).effort();
    if effort == Effort::Quick {
        return call(rest::Body::Text(&bytes)).perform(app, &actor);
    }
    let (path, query) = (path.to_owned(), uri.query().map(str::to_owned));
    let work = Arc::clone(app);
    let work = move || {
        let call = Call {
            method: &method,
            route: Route::parse(&path),
            query: query.as_deref(),
            headers: &request_headers,
            body: rest::Body::Text(&bytes),
            assigned: None,
        };
        call.perform(&work, &actor)
    };
    match effort {
        Effort::Scan => in_turn(&app.scans, work).await,
        Effort::Quick | Effort::Write => apart(work).await,
    }
}

/// Works apart, and not more at a time than there is room for. The room is given back by the
/// work, not by the request: work whose request timed out still takes its share of the machine.
async fn in_turn(
    scans: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<Response, Failure> + Send + 'static,
) -> Result<Response, Failure> {
    // The semaphore is never closed.
    let room = Arc::clone(scans).acquire_owned().await.ok();
    apart(move || {
        let _room = room;
        work()
    })
    .await
}

/// Works where nobody else waits for it: what waits itself, for the disk or for another writer,
/// or takes long.
pub(crate) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(ended) => {
            lost::tell("a request", &ended);
            Err(Failure::internal("the request could not be worked out"))
        }
    }
}

fn below_base(path: &str) -> Option<&str> {
    path.strip_prefix(FHIR_PATH)
        .or_else(|| (path == FHIR_PATH.trim_end_matches('/')).then_some(""))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const LONG: Duration = Duration::from_secs(5);

    fn done() -> Result<Response, Failure> {
        Ok(plain_json(StatusCode::OK, &json!({})))
    }

    /// On one worker: the work ends only if something else runs beside it.
    #[tokio::test]
    async fn long_work_keeps_nobody_waiting() {
        let scans = Arc::new(Semaphore::new(1));
        let (tell, told) = mpsc::channel();
        let work = in_turn(&scans, move || {
            told.recv_timeout(LONG)
                .map_err(|_| Failure::internal("nothing ran beside the work"))?;
            done()
        });
        let (answer, told) = tokio::join!(work, async { tell.send(()) });
        told.unwrap();
        assert!(answer.is_ok(), "{answer:?}");
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_room_until_it_ends() {
        let scans = Arc::new(Semaphore::new(1));
        let (tell, told) = mpsc::channel::<()>();
        let work = in_turn(&scans, move || {
            // The sender is dropped when the work may end.
            let _: Result<(), mpsc::RecvTimeoutError> = told.recv_timeout(LONG);
            done()
        });
        let short = Duration::from_millis(50);
        assert!(tokio::time::timeout(short, work).await.is_err());
        assert_eq!(scans.available_permits(), 0);
        drop(tell);
        assert!(
            tokio::time::timeout(LONG, in_turn(&scans, done))
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn work_that_is_lost_is_an_internal_error() {
        let scans = Arc::new(Semaphore::new(1));
        let lost = in_turn(&scans, || std::panic::resume_unwind(Box::new(()))).await;
        assert_eq!(
            lost.unwrap_err().status(),
            StatusCode::INTERNAL_SERVER_ERROR
        );
        assert!(in_turn(&scans, done).await.is_ok());
    }
}
