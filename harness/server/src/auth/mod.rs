//! Who is asking: users and clients, their passwords and secrets, tokens, and the session behind a
//! request.

mod behalf;
pub(crate) mod login;
pub(crate) mod password;
pub(crate) mod pkce;
pub(crate) mod random;
pub(crate) mod refresh;
pub(crate) mod secrets;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod sign_in;
pub(crate) mod signed_in;
pub(crate) mod throttle;
pub(crate) mod token;
pub(crate) mod user;

use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use crate::app::App;
use crate::http::cors;
use crate::http::listener::Peer;
use crate::http::log::Who;
use crate::http::outcome::Failure;
use crate::running::StartError;
use login::Logins;
use password::Passwords;
use session::Actor;
use settings::SignIn;
use throttle::Throttle;
use token::Claims;

/// What signing in with a password needs.
#[derive(Debug)]
pub(crate) struct SigningIn {
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    pub(crate) logins: Logins,
    /// How long somebody stays signed in who asks for it.
    pub(crate) refresh_lifetime: Duration,
    /// The origins of the pages that may use the server; all of them without.
    pub(crate) origins: Option<Vec<HeaderValue>>,
}

impl SigningIn {
    /// # Errors
    /// When passwords cannot be hashed at the cost of the settings, or nobody may try one, or an
    /// origin is none.
    pub(crate) fn new(settings: &SignIn) -> Result<Self, StartError> {
        let unusable = StartError::Config;
        if settings.attempts == 0 {
            return Err(unusable("with 0 attempts nobody signs in".into()));
        }
        Ok(Self {
            origins: cors::allowed(&settings.origins).map_err(unusable)?,
            passwords: Passwords::new(&settings.password_cost)
                .map_err(|error| unusable(error.to_string()))?,
            throttle: Throttle::new(settings.attempts, settings.attempts_per),
            logins: Logins::default(),
            refresh_lifetime: settings.refresh_lifetime,
        })
    }
}

/// Who sends this request, and for whom: a member, or an administrator of the project on behalf
/// of one.
///
/// # Errors
/// 401 for everything that does not prove it, without saying which part was wrong; 401 as well
/// where the policy admits nobody from there; 403 for who may act on nobody's behalf.
pub(crate) fn authenticate(app: &App, request: &Parts) -> Result<Arc<Actor>, Failure> {
    let session = session(app, request)?;
    behalf::acted_for(app, &request.headers, session)
}

/// Who signed in, however they did.
#[derive(Debug)]
pub(crate) struct Session {
    /// The member, within the scopes.
    pub(crate) actor: Arc<Actor>,
    /// The scopes of the token.
    pub(crate) scope: String,
    /// What the token says; nothing where there is none.
    pub(crate) claims: Option<Claims>,
}

/// Who sends this request: by bearer token, or by client id and secret, which is a sign-in of its
/// own and asks from where.
///
/// # Errors
/// 401, as [`authenticate`].
pub(crate) fn session(app: &App, request: &Parts) -> Result<Session, Failure> {
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
    let session = if scheme.eq_ignore_ascii_case("bearer") {
        by_token(app, rest.trim())
    } else if scheme.eq_ignore_ascii_case("basic") {
        by_secret(app, rest)
    } else {
        None
    };
    let session =
        session.ok_or_else(|| Failure::unauthorized("the token is not valid, or no longer"))?;
    Who::is(&request.extensions, &session.actor);
    let address = Peer::address(&request.extensions);
    let admits = || session.actor.rights.admits(address.as_deref());
    if session.claims.is_none() && !admits() {
        return Err(Failure::unauthorized(NOT_ADMITTED));
    }
    Ok(session)
}

fn by_token(app: &App, token: &str) -> Option<Session> {
    let claims = app.tokens.verify(token, App::now())?;
    if refresh::has_ended(&app.store, &claims.login_id) {
        return None;
    }
    let member = app.sessions.member(app, &claims.membership)?;
    // A membership does not change hands.
    if member.user.split_once('/').map(|(_, id)| id) != Some(&claims.sub) {
        return None;
    }
    Some(Session {
        actor: app.sessions.within(app, member, &claims.scope),
        scope: claims.scope.clone(),
        claims: Some(claims),
    })
}

fn by_secret(app: &App, encoded: &str) -> Option<Session> {
    let (id, secret) = basic(encoded)?;
    if !secrets::verify(&app.store, &id, &secret) {
        return None;
    }
    Some(Session {
        actor: (app.sessions).of_client(app, &format!("ClientApplication/{id}"))?,
        scope: String::new(),
        claims: None,
    })
}

/// What somebody is told whom the `ipAccessRule`s of the policy do not admit.
pub(crate) const NOT_ADMITTED: &str = "IP address not allowed";

/// The client id and secret of a Basic `Authorization` header, after the scheme.
pub(crate) fn basic(encoded: &str) -> Option<(String, SecretString)> {
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), SecretString::from(secret)))
}
