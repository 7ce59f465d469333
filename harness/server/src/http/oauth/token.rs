//! `POST /oauth2/token`: client credentials, a code or a refresh token for an access token.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fhirward_engine::policy::Scopes;
use secrecy::SecretString;
use serde_json::json;

use super::{Form, error};
use crate::app::App;
use crate::auth::login::{BadCode, Redeemed};
use crate::auth::refresh::{self, Grant, Refused};
use crate::auth::session::Actor;
use crate::auth::signed_in;
use crate::auth::token::Claims;
use crate::auth::{NOT_ADMITTED, basic, secrets, sign_in};
use crate::http::listener::Peer;
use crate::http::reply::plain_json;
use crate::http::router::apart;

/// Errors are those of OAuth 2.0 (RFC 6749, 5.2).
pub(super) async fn token(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let (parts, form) = match Form::read(&app, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    let address = Peer::address(&parts.extensions);
    // What a sign-in writes may have to wait for a disk.
    let answer = apart(move || {
        Ok(grant(&app, &parts.headers, address.as_deref(), &form)
            .unwrap_or_else(|response| response))
    });
    answer.await.unwrap_or_else(IntoResponse::into_response)
}

fn bad(code: &str, text: &str) -> Response {
    error(StatusCode::BAD_REQUEST, code, text)
}

/// What is wrong is for those who run the server, not for those who ask it.
fn internal(why: impl std::fmt::Display) -> Response {
    tracing::error!(%why, "a sign-in could not be finished");
    error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "server_error",
        "the sign-in could not be finished; the server's log says why",
    )
}

fn grant(
    app: &App,
    headers: &HeaderMap,
    address: Option<&str>,
    form: &Form,
) -> Result<Response, Response> {
    match form.get("grant_type")? {
        Some("client_credentials") => client_credentials(app, headers, address, form),
        Some("authorization_code") => code(app, headers, form),
        Some("refresh_token") => refresh_token(app, headers, form),
        Some(_) => Err(bad(
            "unsupported_grant_type",
            "the grants are client_credentials, authorization_code and refresh_token",
        )),
        None => Err(bad("invalid_request", "grant_type is missing")),
    }
}

/// A client that names itself, and whether it proves it by its secret.
#[derive(Debug)]
struct Client {
    id: String,
    proven: bool,
}

/// The client of a request, by header or by form; an empty id without one.
fn client(app: &App, headers: &HeaderMap, form: &Form) -> Result<Client, Response> {
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
    let (id, secret) = match (header, form.get("client_id")?, form.get("client_secret")?) {
        (Some(header), named, None) => {
            let (scheme, rest) = header.split_once(' ').unwrap_or_default();
            let given = if scheme.eq_ignore_ascii_case("basic") {
                basic(rest)
            } else {
                None
            };
            let (id, secret) = given.ok_or_else(refused)?;
            if named.is_some_and(|named| named != id) {
                return Err(refused());
            }
            (id, secret)
        }
        (Some(_), _, Some(_)) => {
            return Err(bad(
                "invalid_request",
                "the client signs in twice: by header and by form",
            ));
        }
        (None, Some(id), Some(secret)) => (id.to_owned(), SecretString::from(secret)),
        (None, None, Some(_)) => return Err(bad("invalid_request", "client_id is missing")),
        (None, id, None) => {
            return Ok(Client {
                id: id.unwrap_or_default().to_owned(),
                proven: false,
            });
        }
    };
    let known = secrets::verify(&app.store, &id, &secret)
        && app
            .sessions
            .of_client(app, &format!("ClientApplication/{id}"))
            .is_some();
    if known {
        Ok(Client { id, proven: true })
    } else {
        Err(refused())
    }
}

fn client_credentials(
    app: &App,
    headers: &HeaderMap,
    address: Option<&str>,
    form: &Form,
) -> Result<Response, Response> {
    let client = client(app, headers, form)?;
    if !client.proven {
        return Err(bad(
            "invalid_request",
            "client_id or client_secret is missing",
        ));
    }
    let reference = format!("ClientApplication/{}", client.id);
    let gone = || bad("invalid_client", "the client has no membership any more");
    let actor = app.sessions.of_client(app, &reference).ok_or_else(gone)?;
    if !actor.rights.admits(address) {
        return Err(bad("invalid_grant", NOT_ADMITTED));
    }
    let scope = form.get("scope")?.unwrap_or("openid");
    sign_in::check_scopes(scope).map_err(|denied| bad("invalid_scope", &denied.to_string()))?;
    if Scopes::parse(scope).0.need_patient() {
        return Err(bad(
            "invalid_scope",
            "a patient/ scope needs a launch, which client credentials do not have",
        ));
    }
    let signed_in = SignedIn {
        login: uuid::Uuid::new_v4().to_string(),
        client: client.id,
        scope: scope.to_owned(),
        nonce: None,
    };
    answer(app, &actor, &signed_in, None)
}

fn code(app: &App, headers: &HeaderMap, form: &Form) -> Result<Response, Response> {
    let client = client(app, headers, form)?;
    let code = form
        .get("code")?
        .ok_or_else(|| bad("invalid_request", "code is missing"))?;
    let redeemed = match app.sign_in.logins.redeem(code, Instant::now()) {
        Ok(redeemed) => redeemed,
        Err(BadCode::Unknown) => {
            return Err(bad("invalid_grant", "the code is not valid, or no longer"));
        }
        Err(BadCode::Again(login)) => {
            // RFC 6749, 4.1.2: somebody else has the code, so what it gave is taken back.
            refresh::end(&app.store, &login, latest(app)).map_err(internal)?;
            return Err(bad(
                "invalid_grant",
                "the code was used before; the sign-in has ended",
            ));
        }
    };
    let Redeemed {
        id,
        login,
        membership,
    } = redeemed;
    if login.client != client.id {
        return Err(bad("invalid_grant", "the code is another client's"));
    }
    if login.redirect.is_some() && login.redirect.as_deref() != form.get("redirect_uri")? {
        return Err(bad(
            "invalid_grant",
            "redirect_uri is not the one that the code was sent to",
        ));
    }
    match (&login.challenge, form.get("code_verifier")?) {
        (Some(challenge), Some(verifier)) if challenge.proves(verifier) => {}
        (Some(_), Some(_)) => return Err(bad("invalid_grant", "the code verifier is wrong")),
        (Some(_), None) => return Err(bad("invalid_request", "code_verifier is missing")),
        (None, _) if client.proven => {}
        (None, _) => {
            return Err(bad(
                "invalid_client",
                "a sign-in without a code challenge needs the client's secret",
            ));
        }
    }
    let actor = app
        .sessions
        .member(app, &membership)
        .ok_or_else(no_member)?;
    let signed_in = SignedIn {
        login: id,
        client: login.client,
        scope: login.scope,
        nonce: login.nonce,
    };
    // In one transaction, which a new password takes its turn with: it ends what has begun.
    let transaction = app.store.begin();
    if !app.sign_in.logins.holds(&signed_in.login) {
        return Err(bad("invalid_grant", "the code is not valid, or no longer"));
    }
    if let Some(user) = actor.user.strip_prefix("User/") {
        let rest = if login.remember {
            refresh_lifetime(app)
        } else {
            0
        };
        let until = app.tokens.ends(App::now()).saturating_add(rest);
        signed_in::note(&transaction, &signed_in.login, user, until);
    }
    let refresh = if login.remember {
        let grant = Grant {
            login: signed_in.login.clone(),
            client: signed_in.client.clone(),
            membership,
            scope: signed_in.scope.clone(),
            until: App::now().saturating_add(refresh_lifetime(app)),
            spent: false,
        };
        Some(refresh::issue(&transaction, &grant).map_err(internal)?)
    } else {
        None
    };
    transaction.commit().map_err(internal)?;
    answer(app, &actor, &signed_in, refresh)
}

fn refresh_token(app: &App, headers: &HeaderMap, form: &Form) -> Result<Response, Response> {
    let client = client(app, headers, form)?;
    let token = form
        .get("refresh_token")?
        .ok_or_else(|| bad("invalid_request", "refresh_token is missing"))?;
    let scope = form.get("scope")?;
    let rotated = refresh::rotate(&app.store, token, &client.id, scope, App::now());
    let (grant, next) = rotated.map_err(|refused| match refused {
        Refused::Unknown | Refused::Again => bad("invalid_grant", &refused.to_string()),
        Refused::Scope => bad("invalid_scope", &refused.to_string()),
        Refused::Random(_) | Refused::Store(_) => internal(refused),
    })?;
    let actor = app
        .sessions
        .member(app, &grant.membership)
        .ok_or_else(no_member)?;
    let signed_in = SignedIn {
        login: grant.login,
        client: grant.client,
        scope: grant.scope,
        nonce: None,
    };
    answer(app, &actor, &signed_in, Some(next))
}

fn no_member() -> Response {
    bad(
        "invalid_grant",
        "you are no member of this project, or no longer",
    )
}

/// When the last token of a sign-in that begins now ends.
fn latest(app: &App) -> i64 {
    App::now().saturating_add(refresh_lifetime(app).max(app.tokens.lifetime()))
}

/// Seconds that somebody stays signed in who asks for it.
fn refresh_lifetime(app: &App) -> i64 {
    i64::try_from(app.sign_in.refresh_lifetime.as_secs()).unwrap_or(i64::MAX)
}

/// A sign-in, as its tokens tell of it.
#[derive(Debug)]
struct SignedIn {
    login: String,
    client: String,
    scope: String,
    nonce: Option<String>,
}

fn answer(
    app: &App,
    actor: &Actor,
    signed_in: &SignedIn,
    refresh: Option<String>,
) -> Result<Response, Response> {
    let now = App::now();
    let (_, sub) = actor.user.split_once('/').unwrap_or_default();
    let token = app
        .tokens
        .issue(&Claims {
            iss: app.base_url.to_string(),
            jti: uuid::Uuid::new_v4().to_string(),
            sub: sub.to_owned(),
            client_id: signed_in.client.clone(),
            login_id: signed_in.login.clone(),
            membership: actor.membership.id.to_string(),
            profile: actor.profile.clone(),
            scope: signed_in.scope.clone(),
            iat: now,
            exp: app.tokens.ends(now),
            nonce: signed_in.nonce.clone(),
        })
        .map_err(internal)?;
    let mut answer = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": app.tokens.lifetime(),
        "scope": signed_in.scope,
        "project": { "reference": actor.project },
        "profile": { "reference": actor.profile },
    });
    if let Some(members) = answer.as_object_mut() {
        members.extend(refresh.map(|token| ("refresh_token".to_owned(), token.into())));
        // The patient of the launch (SMART App Launch 2.0, 5.1): of a patient, that patient.
        let patient = actor.profile.strip_prefix("Patient/");
        members.extend(patient.map(|id| ("patient".to_owned(), id.into())));
    }
    Ok(plain_json(StatusCode::OK, &answer))
}
