//! `POST /oauth2/token` and `GET /auth/me`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fhirward_engine::policy::Scopes;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::listener::Peer;
use super::outcome::Failure;
use super::reply::plain_json;
use super::{body, query};
use crate::access::Access;
use crate::app::App;
use crate::auth::{NOT_ADMITTED, authenticate, basic, clients, session::Actor};
use crate::store::View as _;

/// `POST /oauth2/token`: client credentials for a bearer token. Errors are those of OAuth 2.0
/// (RFC 6749, 5.2).
pub(crate) async fn token(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    let address = Peer::address(&parts.extensions);
    if body::check_media_type(&headers, &["application/x-www-form-urlencoded"]).is_err() {
        return error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "send a form (application/x-www-form-urlencoded)",
        );
    }
    let bytes = match body::read(parts, body, app.limits.form_bytes).await {
        Ok(bytes) => bytes,
        Err(failure) => return failure.into_response(),
    };
    let Some(form) = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|form| query::pairs(form).ok())
    else {
        return error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "the form is not well encoded",
        );
    };
    grant(&app, &headers, address.as_deref(), &form).unwrap_or_else(|response| response)
}

fn grant(
    app: &App,
    headers: &HeaderMap,
    address: Option<&str>,
    form: &[(String, String)],
) -> Result<Response, Response> {
    let bad = |code, text: &str| error(StatusCode::BAD_REQUEST, code, text);
    let field = |name: &str| {
        let mut values = form
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(bad("invalid_request", "a parameter is given twice")),
        }
    };
    match field("grant_type")? {
        Some("client_credentials") => {}
        Some(_) => {
            return Err(bad(
                "unsupported_grant_type",
                "the only grant is client_credentials",
            ));
        }
        None => return Err(bad("invalid_request", "grant_type is missing")),
    }
    let header = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let refused = || {
        let text = "the client id or its secret is wrong, or the client has no membership";
        if header.is_none() {
            return bad("invalid_client", text);
        }
        let mut response = error(StatusCode::UNAUTHORIZED, "invalid_client", text);
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"fhirward\""),
        );
        response
    };
    let (id, secret) = match (header, field("client_id")?, field("client_secret")?) {
        (Some(header), _, None) => {
            let (scheme, rest) = header.split_once(' ').unwrap_or_default();
            let given = if scheme.eq_ignore_ascii_case("basic") {
                basic(rest)
            } else {
                None
            };
            given.ok_or_else(refused)?
        }
        (Some(_), _, Some(_)) => {
            return Err(bad(
                "invalid_request",
                "the client signs in twice: by header and by form",
            ));
        }
        (None, Some(id), Some(secret)) => (id.to_owned(), SecretString::from(secret)),
        (None, _, _) => {
            return Err(bad(
                "invalid_request",
                "client_id or client_secret is missing",
            ));
        }
    };
    if !clients::verify(&app.store, &id, &secret) {
        return Err(refused());
    }
    let actor = app.sessions.actor(app, &id).ok_or_else(refused)?;
    if !actor.policy.admits(address).admitted {
        return Err(bad("invalid_grant", NOT_ADMITTED));
    }
    let scope = field("scope")?.unwrap_or("openid");
    check_scope(scope)?;
    let token = app.tokens.issue(
        &actor.client,
        &actor.profile,
        scope,
        app.base_url.as_str(),
        App::now(),
    );
    Ok(plain_json(
        StatusCode::OK,
        &json!({
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": app.tokens.lifetime(),
            "scope": scope,
            "project": { "reference": actor.project },
            "profile": { "reference": actor.profile },
        }),
    ))
}

/// Refuses scopes that would grant nothing: a client that asks for them means something else.
fn check_scope(scope: &str) -> Result<(), Response> {
    let bad = |text: &str| Err(error(StatusCode::BAD_REQUEST, "invalid_scope", text));
    let (scopes, findings) = Scopes::parse(scope);
    if let Some(finding) = findings.iter().find(|finding| finding.is_error()) {
        return bad(&finding.message);
    }
    if scopes.need_patient() {
        return bad("a patient/ scope needs a launch, which client credentials do not have");
    }
    Ok(())
}

fn error(status: StatusCode, code: &str, description: &str) -> Response {
    plain_json(
        status,
        &json!({ "error": code, "error_description": description }),
    )
}

/// `GET /auth/me`: who the token stands for.
pub(crate) async fn me(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let (parts, _) = request.into_parts();
    let actor = authenticate(&app, &parts)?;
    Ok(plain_json(StatusCode::OK, &describe(&app, &actor)))
}

fn describe(app: &App, actor: &Actor) -> Value {
    let access = Access::new(app, &app.store, actor);
    // An actor always knows who it is; what else its profile says is for its policy to decide.
    let named = |reference: &str| {
        let (resource_type, id) = reference.split_once('/').unwrap_or_default();
        json!({ "resourceType": resource_type, "id": id })
    };
    let profile = app
        .store
        .resolve(&actor.profile)
        .and_then(|profile| access.read(&profile.resource).ok());
    let membership = &actor.membership.resource;
    json!({
        "project": named(&actor.project),
        "profile": profile.unwrap_or_else(|| named(&actor.profile)),
        "membership": {
            "resourceType": "ProjectMembership",
            "id": actor.membership.id,
            "user": membership.get("user"),
            "profile": { "reference": actor.profile },
            "accessPolicy": membership.get("accessPolicy"),
            "access": membership.get("access"),
            "admin": actor.admin,
        },
    })
}
