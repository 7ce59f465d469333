//! Tokens: got, kept, renewed.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::auth::{Auth, Password, SecretIn};
use super::error::{ClientError, Place};
use super::limits::Kind;
use super::target::WhoAmI;
use super::wire::shorten;
use super::{Answer, Client, Request, paging, text_at, transport};

/// A token this close to its end is replaced before it is used.
const REFRESH_BEFORE: Duration = Duration::from_secs(30);
/// Where a server does not say how long a token lasts.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);
/// The type of the assertion of a client (RFC 7523, 2.2).
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token and its end.
pub(super) struct Token {
    secret: SecretString,
    until: Instant,
    project: Option<String>,
}

/// Who a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acting {
    /// The profile, `Type/id`.
    pub reference: String,
    /// Whether they administer the project.
    pub admin: bool,
}

/// A token for one request.
pub(super) struct Held {
    pub(super) secret: SecretString,
    /// Whether it was got just now.
    fresh: bool,
}

/// A request to a place where people or programs sign in.
enum Form<'a> {
    Fields(
        &'a [(&'a str, &'a str)],
        Option<(&'a str, &'a SecretString)>,
    ),
    Json(&'a Value),
}

impl Client {
    /// Signs in, and tells the reference of the project, where the server names one.
    ///
    /// # Errors
    /// When the server refuses the credentials or gives no token.
    pub async fn sign_in(&self) -> Result<Option<String>, ClientError> {
        if !self.inner.auth.signs_in() {
            return Ok(None);
        }
        let mut held = self.inner.token.lock().await;
        let token = self.fetch_token().await?;
        let project = token.project.clone();
        *held = Some(token);
        Ok(project)
    }

    /// The token for a request.
    pub(super) async fn held(&self) -> Result<Option<Held>, ClientError> {
        let held = |secret: &SecretString, fresh| {
            Some(Held {
                secret: secret.clone(),
                fresh,
            })
        };
        match &self.inner.auth {
            Auth::Nobody => return Ok(None),
            Auth::Bearer(token) => return Ok(held(token, true)),
            Auth::OnBehalfOf { admin, .. } => return Box::pin(admin.held()).await,
            Auth::Client { .. } | Auth::Password(_) | Auth::Backend(_) => {}
        }
        let mut kept = self.inner.token.lock().await;
        if let Some(token) = kept.as_ref()
            && token.until > Instant::now()
        {
            return Ok(held(&token.secret, false));
        }
        let token = self.fetch_token().await?;
        let fresh = held(&token.secret, true);
        *kept = Some(token);
        Ok(fresh)
    }

    /// Forgets a token that was refused, so that the next request gets another. Says whether there
    /// is hope in that.
    pub(super) async fn renew(&self, refused: Option<Held>) -> bool {
        let Some(refused) = refused.filter(|held| !held.fresh) else {
            return false;
        };
        if let Auth::OnBehalfOf { admin, .. } = &self.inner.auth {
            return Box::pin(admin.renew(Some(refused))).await;
        }
        let mut kept = self.inner.token.lock().await;
        // Somebody else may have replaced it in the meantime.
        if kept
            .as_ref()
            .is_some_and(|token| token.secret.expose_secret() == refused.secret.expose_secret())
        {
            *kept = None;
        }
        true
    }

    async fn fetch_token(&self) -> Result<Token, ClientError> {
        let url = self.token_url().await?;
        let place = Place::new(&Method::POST, url.path());
        let answer = match &self.inner.auth {
            Auth::Nobody | Auth::Bearer(_) | Auth::OnBehalfOf { .. } => {
                return Err(ClientError::NoToken {
                    place,
                    text: "there are no credentials to sign in with".into(),
                });
            }
            Auth::Client {
                credentials,
                sent,
                scope,
            } => {
                let mut fields = vec![("grant_type", "client_credentials")];
                let basic = match sent {
                    SecretIn::Body => {
                        fields.push(("client_id", credentials.id.as_str()));
                        fields.push(("client_secret", credentials.secret.expose_secret()));
                        None
                    }
                    SecretIn::Basic => Some((credentials.id.as_str(), &credentials.secret)),
                };
                fields.extend(scope.as_deref().map(|scope| ("scope", scope)));
                self.ask(&url, &place, &Form::Fields(&fields, basic))
                    .await?
            }
            Auth::Password(login) => {
                let (code, verifier) = self.code_for(login).await?;
                let fields = [
                    ("grant_type", "authorization_code"),
                    ("code", code.expose_secret()),
                    ("code_verifier", verifier.expose_secret()),
                ];
                self.ask(&url, &place, &Form::Fields(&fields, None)).await?
            }
            Auth::Backend(backend) => {
                // Never the same twice: servers remember them.
                let id = uuid::Uuid::new_v4().to_string();
                let assertion = backend
                    .key
                    .assertion(&backend.client, url.as_str(), &id)
                    .map_err(|text| ClientError::NoToken {
                        place: place.clone(),
                        text,
                    })?;
                self.inner.redactor.add(assertion.expose_secret());
                let fields = [
                    ("grant_type", "client_credentials"),
                    ("scope", backend.scope.as_str()),
                    ("client_assertion_type", ASSERTION),
                    ("client_assertion", assertion.expose_secret()),
                ];
                self.ask(&url, &place, &Form::Fields(&fields, None)).await?
            }
        };
        self.token_of(answer.body.unwrap_or_default(), place)
    }

    fn token_of(&self, body: Value, place: Place) -> Result<Token, ClientError> {
        for name in ["/access_token", "/refresh_token", "/id_token"] {
            if let Some(secret) = text_at(&body, name) {
                self.inner.redactor.add(secret);
            }
        }
        let Some(token) = text_at(&body, "/access_token") else {
            return Err(ClientError::NoToken {
                place,
                text: "the answer has no `access_token`".into(),
            });
        };
        let lifetime = body
            .get("expires_in")
            .and_then(Value::as_u64)
            .map_or(DEFAULT_LIFETIME, Duration::from_secs);
        Ok(Token {
            secret: SecretString::from(token),
            until: end_of(lifetime),
            project: text_at(&body, "/project/reference").map(str::to_owned),
        })
    }

    /// Medplum's login: the password gives a code, and the code, with a verifier that only this
    /// caller has, a token.
    async fn code_for(
        &self,
        login: &Password,
    ) -> Result<(SecretString, SecretString), ClientError> {
        let simple = || uuid::Uuid::new_v4().simple().to_string();
        let verifier = SecretString::from(format!("{}{}", simple(), simple()));
        self.inner.redactor.add(verifier.expose_secret());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret().as_bytes()));
        let url = self.inner.target.login_url.clone();
        let place = Place::new(&Method::POST, url.path());
        let mut body = json!({
            "email": login.email,
            "password": login.password.expose_secret(),
            "scope": "openid",
            "codeChallengeMethod": "S256",
            "codeChallenge": challenge,
            "remember": false,
        });
        if let (Some(project), Some(members)) = (&login.project, body.as_object_mut()) {
            let id = project.strip_prefix("Project/").unwrap_or(project);
            members.insert("projectId".into(), id.into());
        }
        let answer = self.ask(&url, &place, &Form::Json(&body)).await?;
        let body = answer.body.unwrap_or_default();
        let body = match text_at(&body, "/code") {
            Some(_) => body,
            None => self.choose_membership(login, &body, &place).await?,
        };
        let Some(code) = text_at(&body, "/code") else {
            return Err(ClientError::NoToken {
                place,
                text: "the login is not answered with a `code`".into(),
            });
        };
        self.inner.redactor.add(code);
        Ok((SecretString::from(code), verifier))
    }

    /// Somebody may be a member of several projects.
    async fn choose_membership(
        &self,
        login: &Password,
        body: &Value,
        place: &Place,
    ) -> Result<Value, ClientError> {
        let nothing = |text: String| ClientError::NoToken {
            place: place.clone(),
            text,
        };
        let memberships: Vec<&Value> = body
            .get("memberships")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .collect();
        let wanted = |membership: &&&Value| {
            login.project.as_ref().is_none_or(|project| {
                text_at(membership, "/project/reference").is_some_and(|found| {
                    found.trim_start_matches("Project/") == project.trim_start_matches("Project/")
                })
            })
        };
        let mut fitting = memberships.iter().filter(wanted);
        let membership = match (fitting.next(), fitting.next()) {
            (Some(membership), None) => text_at(membership, "/id"),
            (None, _) => None,
            (Some(_), Some(_)) => {
                let text = "this person is a member of several projects: name one with `project`";
                return Err(nothing(text.to_owned()));
            }
        };
        let (Some(membership), Some(id)) = (membership, text_at(body, "/login")) else {
            let text = "the login is answered with neither a `code` nor a membership that fits";
            return Err(nothing(text.to_owned()));
        };
        let url = self
            .inner
            .target
            .login_url
            .join("profile")
            .map_err(|error| nothing(error.to_string()))?;
        let place = Place::new(&Method::POST, url.path());
        let choice = json!({ "login": id, "profile": membership });
        let answer = self.ask(&url, &place, &Form::Json(&choice)).await?;
        Ok(answer.body.unwrap_or_default())
    }

    /// Asks a place where one signs in; a refusal is an error.
    async fn ask(&self, url: &Url, place: &Place, form: &Form<'_>) -> Result<Answer, ClientError> {
        let mut tried = 0;
        loop {
            let call = self
                .inner
                .http
                .post(url.clone())
                .header(ACCEPT, "application/json")
                .header(ACCEPT_ENCODING, "identity");
            let call = match form {
                Form::Fields(fields, None) => call.form(fields),
                Form::Fields(fields, Some((id, secret))) => {
                    let basic = super::auth::basic(id, secret.expose_secret());
                    call.header(reqwest::header::AUTHORIZATION, format!("Basic {basic}"))
                        .form(fields)
                }
                Form::Json(body) => call
                    .header(CONTENT_TYPE, "application/json")
                    .body(body.to_string()),
            };
            let got = self
                .receive(call, place.clone(), Kind::SignIn, false, None)
                .await;
            match got {
                Ok(answer) if answer.is_success() => return Ok(answer),
                Ok(answer) => {
                    let words = answer.explanation().unwrap_or("no explanation");
                    return Err(ClientError::SignIn {
                        place: place.clone(),
                        status: answer.status,
                        text: self.inner.redactor.clean(&shorten(words)),
                    });
                }
                // A code is spent when it arrives; another answer says so. Nothing is made twice.
                Err(error) => {
                    if !self.waits_for_another_try(place, &error, true, tried).await {
                        return Err(error);
                    }
                    tried += 1;
                }
            }
        }
    }

    async fn token_url(&self) -> Result<Url, ClientError> {
        if let Some(url) = &self.inner.target.token_url {
            return Ok(url.clone());
        }
        self.endpoint(".well-known/smart-configuration", "token_endpoint")
            .await
    }

    /// An address that the server publishes. Secrets go there, so it is the server's own, or one
    /// that proves who it is.
    async fn endpoint(&self, document: &str, name: &str) -> Result<Url, ClientError> {
        let base = &self.inner.target.base_url;
        let place = Place::new(&Method::GET, document);
        let unexpected = |text: String| ClientError::Unexpected {
            place: place.clone(),
            text,
        };
        let at = base
            .join(document)
            .map_err(|error| unexpected(error.to_string()))?;
        let call = self
            .inner
            .http
            .get(at)
            .header(ACCEPT, "application/json")
            .header(ACCEPT_ENCODING, "identity");
        let answer = self
            .receive(call, place.clone(), Kind::SignIn, false, None)
            .await?;
        let body = answer.body.as_ref().filter(|_| answer.is_success());
        let url = body
            .and_then(|body| body.get(name)?.as_str())
            .ok_or_else(|| {
                unexpected(format!("the answer ({}) names no `{name}`", answer.status))
            })?;
        let url = Url::parse(url).map_err(|_| unexpected(format!("`{name}` is no address")))?;
        let safe = url.scheme() == "https"
            || url.origin() == base.origin()
            || (transport::is_loopback(&url) && transport::is_loopback(base));
        if safe {
            Ok(url)
        } else {
            let text = format!("`{name}` is neither on this server nor https, and gets no secrets");
            Err(unexpected(text))
        }
    }

    /// Who the server thinks is acting, `Type/id`; `None` where it has no way to say so.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn who_am_i(&self) -> Result<Option<String>, ClientError> {
        Ok(self.acting().await?.map(|acting| acting.reference))
    }

    /// Who the server thinks is acting, and as what; `None` where it has no way to say so.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn acting(&self) -> Result<Option<Acting>, ClientError> {
        match &self.inner.target.who_am_i {
            WhoAmI::Nowhere => Ok(None),
            WhoAmI::Medplum(url) => self.acting_at(url.clone()).await,
            WhoAmI::Userinfo => self.user_info().await,
        }
    }

    async fn acting_at(&self, url: Url) -> Result<Option<Acting>, ClientError> {
        let place = Place::new(&Method::GET, url.path());
        let path = url.path().to_owned();
        let answer = self
            .send_to(url, place.clone(), Request::get(&path))
            .await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let body = answer.body.as_ref().filter(|_| answer.is_success());
        let profile = body.and_then(|body| body.get("profile"));
        let reference = profile.and_then(|profile| {
            text_at(profile, "/reference")
                .map(str::to_owned)
                .or_else(|| paging::reference_of(profile))
        });
        let admin = body.and_then(|body| body.pointer("/membership/admin")?.as_bool());
        let acting = reference.map(|reference| Acting {
            reference,
            admin: admin == Some(true),
        });
        // Not knowing who acts is as bad as the wrong one acting.
        acting.map(Some).ok_or_else(|| ClientError::Unexpected {
            place,
            text: if answer.status == 401 {
                "the server refuses the token (401)".to_owned()
            } else {
                format!("the answer ({}) names no profile", answer.status)
            },
        })
    }

    /// The claim `fhirUser` (SMART App Launch 2, OpenID Connect) at the userinfo endpoint.
    async fn user_info(&self) -> Result<Option<Acting>, ClientError> {
        let url = self
            .endpoint(".well-known/openid-configuration", "userinfo_endpoint")
            .await?;
        let place = Place::new(&Method::GET, url.path());
        let call = self
            .inner
            .http
            .get(url)
            .header(ACCEPT, "application/json")
            .header(ACCEPT_ENCODING, "identity");
        let call = match self.held().await? {
            Some(held) => call.bearer_auth(held.secret.expose_secret()),
            None => call,
        };
        let answer = self
            .receive(call, place.clone(), Kind::SignIn, false, None)
            .await?;
        let body = answer.body.as_ref().filter(|_| answer.is_success());
        let user = body.and_then(|body| text_at(body, "/fhirUser").or(text_at(body, "/profile")));
        let mut parts = user.unwrap_or_default().rsplit('/');
        match (parts.next(), parts.next()) {
            (Some(id), Some(kind)) if !id.is_empty() => Ok(Some(Acting {
                reference: format!("{kind}/{id}"),
                admin: false,
            })),
            _ => Err(ClientError::Unexpected {
                place,
                text: format!("the answer ({}) names no `fhirUser`", answer.status),
            }),
        }
    }
}
/// When a token is renewed. One that lasts no longer than the margin is used until it is refused, and
/// one that lasts longer than time can be told as long as one of which nothing is said.
fn end_of(lifetime: Duration) -> Instant {
    let of = |lifetime: Duration| {
        let left = lifetime.checked_sub(REFRESH_BEFORE);
        left.filter(|left| !left.is_zero()).unwrap_or(lifetime / 2)
    };
    let now = Instant::now();
    now.checked_add(of(lifetime))
        .unwrap_or_else(|| now + of(DEFAULT_LIFETIME))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A server may say what it likes of how long a token lasts.
    #[rstest]
    #[case::usual(3600, 3500)]
    #[case::short(4, 1)]
    #[case::nothing(0, 0)]
    #[case::beyond_all_time(u64::MAX, 3500)]
    fn a_token_has_an_end(#[case] seconds: u64, #[case] at_least: u64) {
        let now = Instant::now();
        let end = end_of(Duration::from_secs(seconds));
        assert!(end >= now + Duration::from_secs(at_least));
    }
}
