//! `/oauth2/userinfo` (OpenID Connect Core, 5.3): who signed in, as far as the scopes tell.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use crate::app::App;
use crate::auth::session;
use crate::auth::user::text;
use crate::http::outcome::Failure;
use crate::http::reply::plain_json;
use crate::store::View;

/// The claims of the scopes `profile`, `email` and `fhirUser`; `sub` always.
pub(super) async fn userinfo(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let (parts, _) = request.into_parts();
    let session = session(&app, &parts)?;
    let scopes: Vec<&str> = session.scope.split_whitespace().collect();
    let asked = |scope: &str| scopes.contains(&scope);
    let user = app.store.resolve(&session.actor.user);
    let user = user.as_ref().map(|user| &*user.resource);
    let of_user = |name: &str| user.and_then(|user| text(user, name)).map(str::to_owned);

    let mut claims = Map::new();
    let mut say = |name: &str, value: Option<String>| {
        claims.extend(value.map(|value| (name.to_owned(), Value::String(value))));
    };
    let (_, sub) = session.actor.user.split_once('/').unwrap_or_default();
    say("sub", Some(sub.to_owned()));
    if asked("profile") || asked("fhirUser") {
        let profile = Some(session.actor.profile.clone());
        say("profile", profile.clone());
        say(
            "fhirUser",
            profile.map(|profile| format!("{}{profile}", app.fhir_base)),
        );
    }
    if asked("profile") {
        let (given, family) = (of_user("/firstName"), of_user("/lastName"));
        let names: Vec<_> = given.iter().chain(&family).cloned().collect();
        say(
            "name",
            Some(names.join(" ")).filter(|name| !name.is_empty()),
        );
        say("given_name", given);
        say("family_name", family);
    }
    if asked("email") {
        say("email", of_user("/email"));
    }
    Ok(plain_json(StatusCode::OK, &Value::Object(claims)))
}
