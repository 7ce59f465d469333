//! `/oauth2/logout`: ends the sign-in that the token comes from, with all its tokens.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;

use crate::app::App;
use crate::auth::{refresh, session};
use crate::http::outcome::Failure;
use crate::http::reply::all_ok;
use crate::http::router::apart;

/// Ends the sign-in of the token. Who signs in anew with every request has none to end.
pub(super) async fn logout(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let (parts, _) = request.into_parts();
    let Some(claims) = session(&app, &parts)?.claims else {
        return Ok(all_ok());
    };
    apart(move || {
        let lifetime = i64::try_from(app.sign_in.refresh_lifetime.as_secs()).unwrap_or(i64::MAX);
        let until = App::now().saturating_add(lifetime).max(claims.exp);
        refresh::end(&app.store, &claims.login_id, until)?;
        Ok(all_ok())
    })
    .await
}
