//! FHIR over HTTP: one client per actor, no cookies, no redirects followed, every failure typed.

mod error;
mod paging;
mod redact;
mod target;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, IF_MATCH, LOCATION};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

pub use error::{ClientError, Place};
pub(crate) use paging::reference_of;
pub use paging::{Found, search_path};
pub use redact::Redactor;
pub use target::{Credentials, Limits, ServerProfile, Target};

/// A token this close to its end is replaced before it is used.
const REFRESH_BEFORE: Duration = Duration::from_secs(30);
/// Where a server does not say how long a token lasts.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);
const FHIR_JSON: &str = "application/fhir+json";

/// A server's answer that is FHIR, whatever its status. 5xx and 429 are no answers but errors.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The version in the ETag.
    pub version: Option<String>,
    /// `Type/id` in the Location.
    pub location: Option<String>,
    /// The JSON, if there is any.
    pub body: Option<Value>,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as it came, where the request takes any media type.
    pub text: Option<String>,
}

impl Answer {
    /// A header, where it is readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The code of the first issue of an OperationOutcome.
    pub fn outcome(&self) -> Option<&str> {
        self.body
            .as_ref()
            .filter(|body| text_at(body, "/resourceType") == Some("OperationOutcome"))
            .and_then(|body| text_at(body, "/issue/0/code"))
    }

    /// Whether an OperationOutcome has an issue with this code.
    pub fn has_outcome(&self, code: &str) -> bool {
        self.outcome().is_some()
            && self
                .body
                .as_ref()
                .and_then(|body| body.get("issue")?.as_array())
                .is_some_and(|issues| {
                    issues
                        .iter()
                        .any(|issue| text_at(issue, "/code") == Some(code))
                })
    }

    /// `Type/id` of the resource in the answer.
    pub fn reference(&self) -> Option<String> {
        self.body
            .as_ref()
            .and_then(paging::reference_of)
            .or_else(|| self.location.clone())
    }

    /// The version of the resource in the answer.
    pub fn version_id(&self) -> Option<String> {
        let inside = self
            .body
            .as_ref()
            .and_then(|body| text_at(body, "/meta/versionId"));
        inside.map(str::to_owned).or_else(|| self.version.clone())
    }

    /// What the OperationOutcome says to people.
    pub fn explanation(&self) -> Option<&str> {
        let body = self.body.as_ref()?;
        text_at(body, "/issue/0/details/text")
            .or_else(|| text_at(body, "/issue/0/diagnostics"))
            .or_else(|| text_at(body, "/error_description"))
    }
}

pub(crate) fn text_at<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// What is asked of a server.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// Relative to the FHIR base.
    pub path: &'a str,
    /// The JSON body.
    pub body: Option<&'a Value>,
    /// Its media type, where it is not FHIR.
    pub media_type: Option<&'a str>,
    /// The version for `If-Match`.
    pub if_match: Option<&'a str>,
    /// A body that is no JSON value; goes before `body`.
    pub bytes: Option<&'a [u8]>,
    /// Other headers.
    pub headers: &'a [(String, String)],
    /// Whether an answer may be anything, and not only FHIR.
    pub any_media: bool,
}

impl<'a> Request<'a> {
    /// A request without body.
    pub fn new(method: Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            body: None,
            media_type: None,
            if_match: None,
            bytes: None,
            headers: &[],
            any_media: false,
        }
    }

    /// `GET`.
    pub fn get(path: &'a str) -> Self {
        Self::new(Method::GET, path)
    }

    /// With a body.
    #[must_use]
    pub fn with_body(mut self, body: &'a Value) -> Self {
        self.body = Some(body);
        self
    }
}

/// A signed-in caller. Cheap to clone; a clone shares the token.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    target: Arc<Target>,
    credentials: Option<Credentials>,
    /// A token that needs no signing in.
    bearer: Option<SecretString>,
    token: tokio::sync::Mutex<Option<Token>>,
    limits: Limits,
    redactor: Redactor,
}

struct Token {
    secret: SecretString,
    until: Instant,
    project: Option<String>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.inner.target.base_url.as_str())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A caller. Without credentials, requests carry no token.
    ///
    /// # Errors
    /// When the TLS set-up of this machine is unusable.
    pub fn new(
        target: &Arc<Target>,
        credentials: Option<Credentials>,
        limits: Limits,
        redactor: &Redactor,
    ) -> Result<Self, ClientError> {
        // A second installation is refused, which is as good: somebody else's choice stands.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(limits.connect)
            .timeout(limits.request)
            .user_agent(concat!("fhirward/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&target.base_url) {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| ClientError::Setup(error.to_string()))?;
        if let Some(credentials) = &credentials {
            redactor.add(credentials.secret.expose_secret());
        }
        Ok(Self {
            inner: Arc::new(Inner {
                http,
                target: Arc::clone(target),
                credentials,
                bearer: None,
                token: tokio::sync::Mutex::new(None),
                limits,
                redactor: redactor.clone(),
            }),
        })
    }

    /// A caller with a token that somebody else got for it, and that is not renewed.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_token(
        target: &Arc<Target>,
        token: &SecretString,
        limits: Limits,
        redactor: &Redactor,
    ) -> Result<Self, ClientError> {
        redactor.add(token.expose_secret());
        let mut client = Self::new(target, None, limits, redactor)?;
        if let Some(inner) = Arc::get_mut(&mut client.inner) {
            inner.bearer = Some(token.clone());
        }
        Ok(client)
    }

    /// Where it sends requests.
    pub fn target(&self) -> &Target {
        &self.inner.target
    }

    /// A text without the secrets of this run.
    pub fn clean(&self, text: &str) -> String {
        self.inner.redactor.clean(text)
    }

    /// Signs in, and tells the reference of the project.
    ///
    /// # Errors
    /// When the server refuses the credentials or gives no token.
    pub async fn sign_in(&self) -> Result<Option<String>, ClientError> {
        let mut held = self.inner.token.lock().await;
        let token = self.fetch_token().await?;
        let project = token.project.clone();
        *held = Some(token);
        Ok(project)
    }

    /// Sends a request to the FHIR base.
    ///
    /// # Errors
    /// Everything that is not a FHIR answer with a status below 500 and other than 429.
    pub async fn send(&self, request: Request<'_>) -> Result<Answer, ClientError> {
        let base = &self.inner.target.base_url;
        let place = Place::new(&request.method, request.path);
        let url = base
            .join(request.path)
            .ok()
            .filter(|url| url.origin() == base.origin() && url.path().starts_with(base.path()))
            .ok_or_else(|| ClientError::Outside(place.clone()))?;
        self.send_to(url, place, request).await
    }

    /// Sends a request to a URL outside the FHIR base, like the provisioning endpoints.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_to(
        &self,
        url: Url,
        place: Place,
        request: Request<'_>,
    ) -> Result<Answer, ClientError> {
        let mut call = self.inner.http.request(request.method, url);
        let own_accept = request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("accept"));
        if !own_accept {
            call = call.header(ACCEPT, FHIR_JSON);
        }
        for (name, value) in request.headers {
            call = call.header(name, value);
        }
        if self.inner.target.profile.no_cache {
            call = call.header(CACHE_CONTROL, "no-cache");
        }
        if let Some(version) = request.if_match {
            call = call.header(IF_MATCH, format!("W/\"{version}\""));
        }
        if let Some(bytes) = request.bytes {
            call = call
                .header(CONTENT_TYPE, request.media_type.unwrap_or(FHIR_JSON))
                .body(bytes.to_vec());
        } else if let Some(body) = request.body {
            call = call
                .header(CONTENT_TYPE, request.media_type.unwrap_or(FHIR_JSON))
                .body(body.to_string());
        }
        if let Some(token) = self.token().await? {
            call = call.bearer_auth(token.expose_secret());
        }
        self.receive(call, place, request.any_media).await
    }

    /// Keeps a text out of all reports from now on.
    pub(crate) fn hide(&self, secret: &str) {
        self.inner.redactor.add(secret);
    }

    /// Who the server thinks is acting, `Type/id`; `None` where it has no such endpoint.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn who_am_i(&self) -> Result<Option<String>, ClientError> {
        let url = self.inner.target.who_am_i_url.clone();
        let place = Place::new(&Method::GET, url.path());
        let answer = self
            .send_to(url.clone(), place.clone(), Request::get(url.path()))
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
        // Not knowing who acts is as bad as the wrong one acting.
        reference.map(Some).ok_or_else(|| ClientError::Unexpected {
            place,
            text: format!("the answer ({}) names no profile", answer.status),
        })
    }

    async fn token(&self) -> Result<Option<SecretString>, ClientError> {
        if self.inner.credentials.is_none() {
            return Ok(self.inner.bearer.clone());
        }
        let mut held = self.inner.token.lock().await;
        if let Some(token) = held.as_ref()
            && token.until > Instant::now()
        {
            return Ok(Some(token.secret.clone()));
        }
        let token = self.fetch_token().await?;
        let secret = token.secret.clone();
        *held = Some(token);
        Ok(Some(secret))
    }

    async fn fetch_token(&self) -> Result<Token, ClientError> {
        let url = self.inner.target.token_url.clone();
        let place = Place::new(&Method::POST, url.path());
        let Some(credentials) = &self.inner.credentials else {
            return Err(ClientError::NoToken {
                place,
                text: "there are no credentials to sign in with".into(),
            });
        };
        let call = self.inner.http.post(url).form(&[
            ("grant_type", "client_credentials"),
            ("client_id", credentials.id.as_str()),
            ("client_secret", credentials.secret.expose_secret()),
        ]);
        let answer = self.receive(call, place.clone(), false).await?;
        if !answer.is_success() {
            let words = answer.explanation().unwrap_or("no explanation");
            return Err(ClientError::SignIn {
                place,
                status: answer.status,
                text: self.inner.redactor.clean(&shorten(words)),
            });
        }
        let body = answer.body.unwrap_or_default();
        let Some(token) = text_at(&body, "/access_token") else {
            return Err(ClientError::NoToken {
                place,
                text: "the answer has no `access_token`".into(),
            });
        };
        self.inner.redactor.add(token);
        let lifetime = body
            .get("expires_in")
            .and_then(Value::as_u64)
            .map_or(DEFAULT_LIFETIME, Duration::from_secs);
        Ok(Token {
            secret: SecretString::from(token),
            until: Instant::now() + lifetime.saturating_sub(REFRESH_BEFORE),
            project: text_at(&body, "/project/reference").map(str::to_owned),
        })
    }

    async fn receive(
        &self,
        call: reqwest::RequestBuilder,
        place: Place,
        any_media: bool,
    ) -> Result<Answer, ClientError> {
        let fault = |error| ClientError::of(error, place.clone(), &self.inner.limits);
        let mut response = call.send().await.map_err(fault)?;
        let status = response.status();
        let headers = response.headers().clone();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(fault)? {
            if bytes.len() + chunk.len() > self.inner.limits.response_bytes {
                return Err(ClientError::TooLarge {
                    place,
                    limit: self.inner.limits.response_bytes,
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        self.read(status, headers, &bytes, place, any_media)
    }

    fn read(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        bytes: &[u8],
        place: Place,
        any_media: bool,
    ) -> Result<Answer, ClientError> {
        let header = |name| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        if status.is_redirection() && !any_media && status != StatusCode::NOT_MODIFIED {
            return Err(ClientError::Redirect {
                place,
                status: status.as_u16(),
                to: header(LOCATION)
                    .and_then(|to| Some(Url::parse(&to).ok()?.host_str()?.to_owned())),
            });
        }
        let content_type = header(CONTENT_TYPE).unwrap_or_default();
        let text = String::from_utf8_lossy(bytes);
        let body = if text.trim().is_empty() {
            None
        } else if any_media {
            serde_json::from_slice::<Value>(bytes).ok()
        } else if is_html(&content_type, &text) {
            return Err(ClientError::Html {
                place,
                status: status.as_u16(),
                content_type,
                title: title(&text).map(|title| self.inner.redactor.clean(&shorten(&title))),
            });
        } else {
            match serde_json::from_slice::<Value>(bytes) {
                Ok(body) => Some(body),
                // The status says all there is to say.
                Err(_) if status.is_server_error() => None,
                Err(error) => {
                    return Err(ClientError::NotJson {
                        place,
                        status: status.as_u16(),
                        content_type,
                        error: error.to_string(),
                    });
                }
            }
        };
        let answer = Answer {
            status: status.as_u16(),
            location: header(LOCATION).and_then(|to| located(&to)),
            version: header(ETAG)
                .map(|tag| tag.trim_start_matches("W/").trim_matches('"').to_owned()),
            body,
            text: any_media.then(|| text.into_owned()),
            headers,
        };
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(ClientError::Status {
                place,
                status: status.as_u16(),
                text: answer
                    .explanation()
                    .map(|words| self.inner.redactor.clean(&shorten(words))),
            });
        }
        Ok(answer)
    }
}

/// Keeps messages to one line of reasonable length.
pub(crate) fn shorten(text: &str) -> String {
    const LONGEST: usize = 200;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

/// `Type/id` of `[base/]Type/id[/_history/version]`.
pub(crate) fn located(location: &str) -> Option<String> {
    let path = location.split("/_history/").next()?.trim_end_matches('/');
    let mut parts = path.rsplit('/');
    let (id, kind) = (parts.next()?, parts.next()?);
    Some(format!("{kind}/{id}"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn is_html(content_type: &str, text: &str) -> bool {
    let start = text.trim_start();
    content_type.contains("html")
        || start
            .get(..9)
            .is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"))
        || start
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("<html"))
}

/// The title of a page: enough to recognise a proxy or a login page, and nothing personal.
fn title(html: &str) -> Option<String> {
    let lower = html.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    Some(html.get(start..end)?.trim().to_owned())
}
