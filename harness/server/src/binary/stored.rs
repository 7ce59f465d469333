//! `GET storage/{id}/{version}`: content that opens by its URL alone.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};

use super::content;
use super::storage::{Grant, Refusal, STORAGE_PATH};
use crate::access::Access;
use crate::app::App;
use crate::http::outcome::Failure;
use crate::store::View as _;

/// Opens a content.
pub(crate) async fn open(State(app): State<Arc<App>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Failure::method_not_allowed("GET, HEAD").into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let path = path.strip_prefix(STORAGE_PATH).unwrap_or_default();
    let query = request.uri().query().unwrap_or_default();
    answer(&app, path, query, request.headers()).unwrap_or_else(IntoResponse::into_response)
}

fn answer(app: &App, path: &str, query: &str, headers: &HeaderMap) -> Result<Response, Failure> {
    let grant =
        Grant::open(path, query, &app.messaging.signing, App::now()).map_err(|refusal| {
            Failure::unauthorized(match refusal {
                Refusal::Unsigned => "the URL is not signed",
                Refusal::Signature => "the signature of the URL is not valid",
                Refusal::Expired => "the URL has expired; read the resource again for a new one",
            })
        })?;
    // Rights that were withdrawn since are withdrawn here as well.
    let actor = app
        .sessions
        .member(app, &grant.membership)
        .ok_or_else(Failure::not_found)?;
    let access = Access::new(app, &app.store, &actor);
    let newest = app
        .store
        .newest("Binary", &grant.id)
        .ok_or_else(Failure::not_found)?;
    access.content(&newest.resource)?;
    if newest.is_deletion() {
        return Err(Failure::gone());
    }
    let version = app
        .store
        .version("Binary", &grant.id, &grant.version)
        .ok_or_else(Failure::not_found)?;
    let visible = access.content(&version.resource)?;
    content::answer(headers, &version, &visible)
}
