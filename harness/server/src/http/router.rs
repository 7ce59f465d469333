//! From a request to what answers it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use fhirward_spec::spec;
use serde_json::json;
use tokio::sync::Semaphore;

use super::listener::Peer;
use super::outcome::{Failure, Issue};
use super::reply::plain_json;
use super::route::Route;
use super::{body, headers, oauth, query};
use crate::app::{App, FHIR_PATH};
use crate::auth::authenticate;
use crate::rest::{self, Context};
use crate::{admin, capability};

/// The whole server.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route(
            "/healthcheck",
            get(|| async { plain_json(StatusCode::OK, &json!({ "ok": true })) }),
        )
        .route("/oauth2/token", post(oauth::token))
        .route("/auth/me", get(oauth::me))
        .route(
            "/admin/projects/{project}/client",
            post(admin::create_client),
        )
        .fallback(fhir)
        .method_not_allowed_fallback(|| async {
            Failure::new(
                StatusCode::METHOD_NOT_ALLOWED,
                vec![Issue::error("not-supported", "method not allowed")],
            )
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&app), in_time))
        .layer(middleware::from_fn(under_way))
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
    headers::check_accept(&parts.headers)?;
    let route = Route::parse(path);
    let reading = parts.method == Method::GET || parts.method == Method::HEAD;
    if route == Route::Metadata && reading {
        return Ok(capability::answer(&app));
    }
    let actor = authenticate(&app, &parts)?;
    headers::refuse_unsupported(&parts.headers)?;
    if let Some(name) = route.resource_type() {
        known_type(name)?;
    }
    let (request_headers, method) = (parts.headers.clone(), parts.method.clone());
    let context = Context::reading(&app, &actor, &request_headers, uri.query());
    // Refused before the body is read: what the actor may never do need not be sent.
    rest::gate(&context, &method, route)?;
    let limit = match route {
        Route::TypeSearch(_) => app.limits.form_bytes,
        _ => app.limits.body_bytes,
    };
    let bytes = body::read(parts, body, limit).await?;
    let (scans, writes) = (scans(&method, route), writes(&method, route));
    if !scans && !writes {
        return answer(&context, &method, route, &bytes);
    }
    let path = path.to_owned();
    let work = Arc::clone(&app);
    if scans {
        return in_turn(&app.scans, move || {
            let context = Context::reading(&work, &actor, &request_headers, uri.query());
            answer(&context, &method, Route::parse(&path), &bytes)
        })
        .await;
    }
    apart(move || {
        let transaction = work.store.begin().by(&actor.profile);
        let query = uri.query();
        let context = Context::writing(&work, &transaction, &actor, &request_headers, query);
        let response = answer(&context, &method, Route::parse(&path), &bytes)?;
        // What is not lasting is not answered.
        transaction.commit()?;
        Ok(response)
    })
    .await
}

/// Whether the work may change what is stored.
fn writes(method: &Method, route: Route<'_>) -> bool {
    match route {
        Route::Type(_) => method == Method::POST,
        Route::Instance(..) => {
            matches!(*method, Method::PUT | Method::PATCH | Method::DELETE)
        }
        _ => false,
    }
}

/// Whether the work grows with what is stored.
fn scans(method: &Method, route: Route<'_>) -> bool {
    match route {
        Route::TypeSearch(_) => method == Method::POST,
        Route::Type(_)
        | Route::InstanceHistory(..)
        | Route::TypeHistory(_)
        | Route::SystemHistory => method == Method::GET || method == Method::HEAD,
        _ => false,
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
        Err(_) => Err(Failure::internal("the request could not be worked out")),
    }
}

fn answer(
    context: &Context<'_>,
    method: &Method,
    route: Route<'_>,
    bytes: &[u8],
) -> Result<Response, Failure> {
    match (method, route) {
        (&Method::GET | &Method::HEAD, Route::Type(t)) => rest::search::by_get(context, t),
        (&Method::POST, Route::TypeSearch(t)) => rest::search::by_post(context, t, bytes),
        (&Method::GET | &Method::HEAD, Route::Instance(t, id)) => rest::read::read(context, t, id),
        (&Method::GET | &Method::HEAD, Route::Version(t, id, version)) => {
            rest::read::vread(context, t, id, version)
        }
        (&Method::GET | &Method::HEAD, Route::InstanceHistory(t, id)) => {
            rest::history::of_instance(context, t, id)
        }
        (&Method::GET | &Method::HEAD, Route::TypeHistory(t)) => {
            rest::history::of_all(context, Some(t))
        }
        (&Method::GET | &Method::HEAD, Route::SystemHistory) => {
            rest::history::of_all(context, None)
        }
        (&Method::POST, Route::Type(t)) => rest::create::create(context, t, bytes),
        (&Method::PUT, Route::Instance(t, id)) => rest::update::update(context, t, id, bytes),
        (&Method::PATCH, Route::Instance(t, id)) => rest::patch::patch(context, t, id, bytes),
        (&Method::DELETE, Route::Instance(t, id)) => rest::delete::delete(context, t, id),
        (_, route) => Err(unanswered(method, route, context.query.is_some())),
    }
}

fn below_base(path: &str) -> Option<&str> {
    path.strip_prefix(FHIR_PATH)
        .or_else(|| (path == FHIR_PATH.trim_end_matches('/')).then_some(""))
}

/// What a FHIR server could be asked for, but not this one; or nothing at all.
fn unanswered(method: &Method, route: Route<'_>, has_query: bool) -> Failure {
    let conditional = matches!(*method, Method::PUT | Method::PATCH | Method::DELETE) && has_query;
    match route {
        Route::System if method == Method::POST => Failure::not_supported(
            "batch and transaction are not supported",
            "send the entries one by one",
        ),
        Route::System | Route::SystemSearch
            if matches!(*method, Method::GET | Method::HEAD | Method::POST) =>
        {
            Failure::not_supported(
                "search over several types is not supported",
                "search one type at a time",
            )
        }
        Route::Type(_) if conditional => Failure::not_supported(
            "conditional update, patch and delete are not supported",
            "name the resource by id",
        ),
        Route::Operation(name) => Failure::not_supported(
            format!("the operation `${name}` is not supported"),
            "this server has no operations",
        ),
        Route::Unknown => {
            let issue = Issue::error("not-found", "Not found")
                .with_diagnostics("nothing of FHIR's has this path");
            Failure::new(StatusCode::NOT_FOUND, vec![issue])
        }
        route => Failure::method_not_allowed(route.allowed()),
    }
}

fn known_type(name: &str) -> Result<(), Failure> {
    if spec().resource(name).is_some() {
        return Ok(());
    }
    let issue = Issue::error("invalid", format!("there is no resource type `{name}`"));
    let near = query::nearest(name, spec().resource_types());
    Err(Failure::new(
        StatusCode::BAD_REQUEST,
        vec![match near {
            Some(near) => issue.with_diagnostics(format!("did you mean `{near}`?")),
            None => issue,
        }],
    ))
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
        assert!(
            tokio::time::timeout(short, in_turn(&scans, done))
                .await
                .is_err()
        );
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
