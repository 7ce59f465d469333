//! Who is asking: clients and their secrets, tokens, and the session behind a request.

pub(crate) mod clients;
pub(crate) mod random;
pub(crate) mod session;
pub(crate) mod token;

use std::sync::Arc;

use axum::http::header;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use crate::app::App;
use crate::http::listener::Peer;
use crate::http::outcome::Failure;
use session::Actor;

/// Who sends this request: by bearer token, or by client id and secret, which is a sign-in of its
/// own and asks from where.
///
/// # Errors
/// 401 for everything that does not prove it, without saying which part was wrong; 401 as well
/// where the policy admits nobody from there.
pub(crate) fn authenticate(app: &App, request: &Parts) -> Result<Arc<Actor>, Failure> {
    let mut values = request.headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Failure::unauthorized(
            "send `Authorization: Bearer` with a token from /oauth2/token",
        ));
    };
    let (scheme, rest) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .unwrap_or_default();
    let client = if scheme.eq_ignore_ascii_case("bearer") {
        app.tokens.verify(rest.trim(), App::now())
    } else if scheme.eq_ignore_ascii_case("basic") {
        basic(rest)
            .filter(|(id, secret)| clients::verify(&app.store, id, secret))
            .map(|(id, _)| (id, String::new()))
    } else {
        None
    };
    let actor = client
        .and_then(|(client, scope)| app.sessions.within(app, &client, &scope))
        .ok_or_else(|| Failure::unauthorized("the token is not valid, or no longer"))?;
    let address = Peer::address(&request.extensions);
    if scheme.eq_ignore_ascii_case("basic") && !actor.policy.admits(address.as_deref()).admitted {
        return Err(Failure::unauthorized(NOT_ADMITTED));
    }
    Ok(actor)
}

/// What somebody is told whom the `ipAccessRule`s of the policy do not admit.
pub(crate) const NOT_ADMITTED: &str = "IP address not allowed";

/// The client id and secret of a Basic `Authorization` header, after the scheme.
pub(crate) fn basic(encoded: &str) -> Option<(String, SecretString)> {
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), SecretString::from(secret)))
}
