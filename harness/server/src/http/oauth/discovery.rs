//! Where clients find the endpoints: OpenID Connect Discovery 1.0 / RFC 8414, and SMART App Launch
//! 2.0 (`.well-known/smart-configuration`).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::reply::plain_json;

const SCOPES: [&str; 12] = [
    "openid",
    "profile",
    "email",
    "fhirUser",
    "offline_access",
    "patient/*.rs",
    "patient/*.cruds",
    "user/*.rs",
    "user/*.cruds",
    "system/*.rs",
    "system/*.cruds",
    "launch/patient",
];

/// What both documents say.
fn endpoints(app: &App) -> Value {
    let base = &app.base_url;
    json!({
        "issuer": base.as_str(),
        "authorization_endpoint": format!("{base}oauth2/authorize"),
        "token_endpoint": format!("{base}oauth2/token"),
        "userinfo_endpoint": format!("{base}oauth2/userinfo"),
        "end_session_endpoint": format!("{base}oauth2/logout"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": SCOPES,
    })
}

fn with(mut document: Value, more: &Value) -> Value {
    if let (Some(document), Some(more)) = (document.as_object_mut(), more.as_object()) {
        document.extend(more.clone());
    }
    document
}

/// `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`. There are no
/// identity tokens, so there are no keys to verify them by.
pub(super) async fn openid_configuration(State(app): State<Arc<App>>) -> Response {
    let more = json!({ "claims_supported": ["sub", "profile", "fhirUser", "name", "given_name", "family_name", "email"] });
    plain_json(StatusCode::OK, &with(endpoints(&app), &more))
}

/// `/.well-known/smart-configuration`
pub(super) async fn smart_configuration(State(app): State<Arc<App>>) -> Response {
    let more = json!({
        "capabilities": [
            "launch-standalone",
            "client-public",
            "client-confidential-symmetric",
            "context-standalone-patient",
            "permission-offline",
            "permission-patient",
            "permission-user",
            "permission-v1",
            "permission-v2",
        ],
    });
    plain_json(StatusCode::OK, &with(endpoints(&app), &more))
}
