//! `/oauth2/authorize`: the code flow with a page to sign in on (RFC 6749, 4.1, with PKCE).
//!
//! Nothing is sent to an address that the client is not registered with: until the client and its
//! redirect URI are known, errors are shown here and not there.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::{Form, page};
use crate::app::App;
use crate::auth::pkce::Challenge;
use crate::auth::sign_in::{self, Asked, Begun, Denied, Next};
use crate::auth::user::text;
use crate::http::listener::Peer;
use crate::http::query;
use crate::store::{Version, View};

/// The parameters of the request, which the page carries along.
const CARRIED: [&str; 9] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "scope",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "aud",
];

/// A request that can be answered where it asks to.
struct Authorization {
    client: Arc<Version>,
    redirect: Url,
    /// The redirect URI as it was written.
    redirect_uri: String,
    state: Option<String>,
    scope: String,
    nonce: Option<String>,
    challenge: Challenge,
}

/// `GET`: the page to sign in on.
pub(super) async fn ask(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let Ok(pairs) = query::pairs(request.uri().query().unwrap_or_default()) else {
        return page::refusal("The address of this page is not well encoded.");
    };
    let form = Form(pairs);
    match Authorization::read(&app, &form) {
        Ok(authorization) => authorization.sign_in_page(&form, StatusCode::OK, None),
        Err(refused) => refused,
    }
}

/// `POST`: what was filled in.
pub(super) async fn answer(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let (parts, form) = match Form::read(&app, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    let authorization = match Authorization::read(&app, &form) {
        Ok(authorization) => authorization,
        Err(refused) => return refused,
    };
    let address = Peer::address(&parts.extensions);
    match authorization.step(&app, &form, address.as_deref()).await {
        Ok(Ok(Begun { id, next })) => authorization.go_on(&app, &form, &id, next),
        Ok(Err(denied)) => {
            let status = match denied {
                Denied::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
                Denied::Random(_) | Denied::Lost => StatusCode::INTERNAL_SERVER_ERROR,
                Denied::Wrong | Denied::NotAdmitted | Denied::Invalid(_) => StatusCode::BAD_REQUEST,
            };
            authorization.sign_in_page(&form, status, Some(&denied.to_string()))
        }
        Err(response) => response,
    }
}

impl Authorization {
    /// # Errors
    /// A page, while there is nowhere to send an error to; else the error, sent there.
    fn read(app: &App, form: &Form) -> Result<Self, Response> {
        let missing = |name: &str| page::refusal(&format!("The parameter {name} is missing."));
        let required = |name: &str| form.get(name)?.ok_or_else(|| missing(name));
        let (client_id, redirect_uri) = (required("client_id")?, required("redirect_uri")?);
        let client = app
            .store
            .current("ClientApplication", client_id)
            .ok_or_else(|| page::refusal("There is no client with this client_id."))?;
        let redirect = Url::parse(redirect_uri)
            .ok()
            .filter(|_| redirects(&client.resource).any(|one| one == redirect_uri))
            .ok_or_else(|| {
                page::refusal(
                    "The redirect_uri is not among the redirectUris of the ClientApplication.",
                )
            })?;
        let state = form.get("state")?.map(str::to_owned);
        let wrong = |code: &str, text: &str| {
            let mut redirect = redirect.clone();
            redirect
                .query_pairs_mut()
                .append_pair("error", code)
                .append_pair("error_description", text);
            send_to(redirect, state.as_deref())
        };
        if form.get("response_type")? != Some("code") {
            return Err(wrong(
                "unsupported_response_type",
                "the only response_type is code",
            ));
        }
        let challenge = Challenge::parse(
            form.get("code_challenge")?,
            form.get("code_challenge_method")?,
        );
        let challenge = match challenge {
            Ok(Some(challenge)) => challenge,
            Ok(None) => return Err(wrong("invalid_request", "code_challenge is missing")),
            Err(text) => return Err(wrong("invalid_request", text)),
        };
        let scope = form.get("scope")?.unwrap_or("openid").to_owned();
        sign_in::check_scopes(&scope)
            .map_err(|denied| wrong("invalid_scope", &denied.to_string()))?;
        // SMART names the FHIR server that the token is for.
        let aud = form.get("aud")?.map(|aud| aud.trim_end_matches('/'));
        if aud.is_some_and(|aud| aud != app.fhir_base.trim_end_matches('/')) {
            return Err(wrong("invalid_request", "aud is not this FHIR server"));
        }
        Ok(Self {
            client,
            redirect_uri: redirect_uri.to_owned(),
            state: state.clone(),
            scope,
            nonce: form.get("nonce")?.map(str::to_owned),
            challenge,
            redirect,
        })
    }

    /// Signs in, or chooses the membership of a sign-in under way.
    async fn step(
        &self,
        app: &Arc<App>,
        form: &Form,
        address: Option<&str>,
    ) -> Result<Result<Begun, Denied>, Response> {
        if let (Some(id), Some(membership)) = (form.get("login")?, form.get("membership")?) {
            let code = sign_in::choose(app, id, membership, address);
            return Ok(code.map(|code| Begun {
                id: id.to_owned(),
                next: Next::Code(code),
            }));
        }
        let asked = Asked {
            email: form.get("email")?.unwrap_or_default().to_owned(),
            password: SecretString::from(form.get("password")?.unwrap_or_default()),
            project: String::new(),
            client: self.client.id.to_string(),
            scope: self.scope.clone(),
            nonce: self.nonce.clone(),
            challenge: Some(self.challenge.clone()),
            redirect: Some(self.redirect_uri.clone()),
            remember: false,
        };
        Ok(sign_in::begin(app, asked, address).await)
    }

    /// Sends the code to the client, or asks which membership it is to be for.
    fn go_on(&self, app: &App, form: &Form, id: &str, next: Next) -> Response {
        match next {
            Next::Code(code) => {
                let mut redirect = self.redirect.clone();
                redirect.query_pairs_mut().append_pair("code", &code);
                send_to(redirect, self.state.as_deref())
            }
            Next::Choose(memberships) => {
                let named: Vec<_> = memberships
                    .iter()
                    .map(|membership| (membership.id.to_string(), called(app, membership)))
                    .collect();
                let mut hidden = carried(form);
                hidden.push(("login", id));
                page::Form {
                    title: "As whom?",
                    wrong: None,
                    hidden,
                    inputs: page::Inputs::Memberships(&named),
                }
                .response(StatusCode::OK)
            }
        }
    }

    fn sign_in_page(&self, form: &Form, status: StatusCode, wrong: Option<&str>) -> Response {
        let name = text(&self.client.resource, "/name").unwrap_or_default();
        page::Form {
            title: &format!("Sign in to {name}"),
            wrong,
            hidden: carried(form),
            inputs: page::Inputs::Password,
        }
        .response(status)
    }
}

fn carried(form: &Form) -> Vec<(&str, &str)> {
    form.0
        .iter()
        .filter(|(name, _)| CARRIED.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// What a member is called: the project and the profile.
fn called(app: &App, membership: &Version) -> String {
    let resource = &membership.resource;
    let project =
        text(resource, "/project/reference").and_then(|project| app.store.resolve(project));
    let project = project
        .as_ref()
        .and_then(|project| text(&project.resource, "/name"))
        .unwrap_or_default();
    let profile =
        text(resource, "/profile/display").or_else(|| text(resource, "/profile/reference"));
    format!("{project}: {}", profile.unwrap_or_default())
}

/// The addresses that a client is registered with.
fn redirects(client: &Value) -> impl Iterator<Item = &str> {
    let one = text(client, "/redirectUri");
    let several = client.get("redirectUris").and_then(Value::as_array);
    let several = several.into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(several)
}

fn send_to(mut url: Url, state: Option<&str>) -> Response {
    if let Some(state) = state {
        url.query_pairs_mut().append_pair("state", state);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    // A URL is ASCII.
    if let Ok(location) = HeaderValue::from_str(url.as_str()) {
        headers.insert(header::LOCATION, location);
    }
    response
}
