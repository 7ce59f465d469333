//! OAuth 2.0 (RFC 6749) and what Medplum's client asks beside it.

mod authorize;
mod discovery;
mod ending;
mod page;
mod token;
mod userinfo;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, request};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;

use super::reply::plain_json;
use super::{body, query};
use crate::app::{App, FHIR_PATH};

/// The paths of this module.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/oauth2/token", post(token::token))
        .route(
            "/oauth2/authorize",
            get(authorize::ask).post(authorize::answer),
        )
        .route("/oauth2/logout", post(ending::logout).get(ending::logout))
        .route(
            "/oauth2/userinfo",
            get(userinfo::userinfo).post(userinfo::userinfo),
        )
        .route(
            "/.well-known/openid-configuration",
            get(discovery::openid_configuration),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get(discovery::openid_configuration),
        )
        .route(
            "/.well-known/smart-configuration",
            get(discovery::smart_configuration),
        )
        // SMART looks below the FHIR base.
        .route(
            &format!("/{FHIR_PATH}.well-known/smart-configuration"),
            get(discovery::smart_configuration),
        )
}

/// A form in a request body.
#[derive(Debug)]
struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the form of a request.
    ///
    /// # Errors
    /// The answer, when there is no form.
    async fn read(app: &App, request: Request<Body>) -> Result<(request::Parts, Self), Response> {
        let (parts, body) = request.into_parts();
        let bad = |text: &str| error(StatusCode::BAD_REQUEST, "invalid_request", text);
        let form = "application/x-www-form-urlencoded";
        if body::check_media_type(&parts.headers, &[form]).is_err() {
            return Err(bad("send a form (application/x-www-form-urlencoded)"));
        }
        let bytes = body::read(parts.clone(), body, app.limits.form_bytes)
            .await
            .map_err(IntoResponse::into_response)?;
        let pairs = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|form| query::pairs(form).ok())
            .ok_or_else(|| bad("the form is not well encoded"))?;
        Ok((parts, Self(pairs)))
    }

    /// The value of a parameter; an empty one is as good as none (RFC 6749, 3.1).
    ///
    /// # Errors
    /// When it is given twice.
    fn get(&self, name: &str) -> Result<Option<&str>, Response> {
        let mut values = self
            .0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
            _ => Err(error(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                &format!("the parameter {name} is given twice"),
            )),
        }
    }
}

/// An error of OAuth 2.0 (RFC 6749, 5.2).
fn error(status: StatusCode, code: &str, description: &str) -> Response {
    plain_json(
        status,
        &json!({ "error": code, "error_description": description }),
    )
}
