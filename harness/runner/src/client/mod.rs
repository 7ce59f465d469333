//! FHIR over HTTP: one client per actor, no cookies, no redirects followed, every failure typed.

mod auth;
mod capabilities;
mod error;
mod forward;
mod hurry;
mod jwt;
mod limits;
mod paging;
mod profile;
mod redact;
mod retry;
mod sign_in;
mod tag;
mod target;
mod traffic;
mod transport;
mod trust;
mod websocket;
mod wire;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    IF_MATCH,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

pub use auth::{Auth, Backend, Credentials, Password, SecretIn};
pub use capabilities::{Capabilities, Need, Plain, Reason, UnknownNeed};
pub use error::{ClientError, Place};
pub use forward::Hindrance;
pub use hurry::{Hurry, PATIENCE};
pub use jwt::{BadKey, SigningKey};
pub use limits::{Kind, Limits, Retries, Timeouts};
pub(crate) use paging::reference_of;
pub use paging::{Found, search_path};
pub use profile::{
    ActorRules, AddressRules, BadProfile, InvitedSignIn, Layout, Logins, Offers, Provisioning,
    SearchRules, ServerProfile, WhoAmIKind, WhoAmIRules,
};
pub use redact::Redactor;
pub use tag::{RUN_TAG_SYSTEM, run_of};
pub use target::{BadServer, Target, WhoAmI};
pub use traffic::{Caller, Exchanged, Heard, Retried, Traffic};
pub use transport::Transport;
pub use trust::Distrust;

use forward::Proxies;
use retry::Again;
pub use sign_in::Acting;
use sign_in::Held;
pub(crate) use wire::{located, shorten};

const FHIR_JSON: &str = "application/fhir+json";
/// Medplum's header for an admin who acts as a member.
const ON_BEHALF_OF: &str = "x-medplum-on-behalf-of";

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
    /// Other headers. One of a name that is also made of something above takes its place.
    pub headers: &'a [(String, String)],
    /// Whether an answer may be anything, and not only FHIR.
    pub any_media: bool,
    /// Whether nothing happens twice if it arrives twice.
    pub repeatable: bool,
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
            repeatable: false,
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

    /// May be sent again whatever became of it.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
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
    proxies: Arc<Proxies>,
    target: Arc<Target>,
    auth: Auth,
    token: Arc<tokio::sync::Mutex<Option<sign_in::Token>>>,
    limits: Limits,
    redactor: Redactor,
    caller: Caller,
    /// The run whose tag everything gets that is created.
    run: Option<String>,
    /// Why requests were sent again, since somebody last asked.
    retries: Mutex<Vec<String>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.inner.target.base_url.as_str())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A caller.
    ///
    /// # Errors
    /// When the TLS set-up of this machine is unusable.
    pub fn new(
        target: &Arc<Target>,
        auth: impl Into<Auth>,
        limits: Limits,
        redactor: &Redactor,
    ) -> Result<Self, ClientError> {
        Self::of_run(
            target,
            auth.into(),
            limits,
            redactor,
            Caller::default(),
            None,
        )
    }

    /// A caller of a run, whose tag everything gets that they create.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_run(
        target: &Arc<Target>,
        auth: Auth,
        limits: Limits,
        redactor: &Redactor,
        caller: Caller,
        run: Option<&str>,
    ) -> Result<Self, ClientError> {
        auth.hide(redactor);
        let given = target.transport.proxy.as_ref();
        let proxies = Proxies::of(given, &target.base_url, redactor);
        if let Some(identity) = &target.transport.identity {
            redactor.add(identity.expose_secret());
        }
        Ok(Self {
            inner: Arc::new(Inner {
                http: target.transport.client(&target.base_url, &limits)?,
                proxies: Arc::new(proxies),
                target: Arc::clone(target),
                auth,
                token: Arc::default(),
                limits,
                redactor: redactor.clone(),
                caller,
                run: run.map(str::to_owned),
                retries: Mutex::new(Vec::new()),
            }),
        })
    }

    /// The same caller in another scenario: the token is shared, and what is told of requests is not.
    #[must_use]
    pub(crate) fn in_scenario(&self, scenario: &str) -> Self {
        let inner = &self.inner;
        Self {
            inner: Arc::new(Inner {
                http: inner.http.clone(),
                proxies: Arc::clone(&inner.proxies),
                target: Arc::clone(&inner.target),
                auth: inner.auth.clone(),
                token: Arc::clone(&inner.token),
                limits: inner.limits,
                redactor: inner.redactor.clone(),
                caller: Caller {
                    scenario: Some(scenario.to_owned()),
                    actor: inner.caller.actor.clone(),
                },
                run: inner.run.clone(),
                retries: Mutex::default(),
            }),
        }
    }

    /// Where it sends requests.
    pub fn target(&self) -> &Target {
        &self.inner.target
    }

    /// A text without the secrets of this run.
    pub fn clean(&self, text: &str) -> String {
        self.inner.redactor.clean(text)
    }

    /// Keeps a text out of all reports from now on.
    pub fn hide(&self, secret: &str) {
        self.inner.redactor.add(secret);
    }

    /// Why requests were sent again since this was last asked, in order.
    pub fn take_retries(&self) -> Vec<String> {
        let mut retries = self
            .inner
            .retries
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut retries)
    }

    /// Whether somebody has stopped the run.
    pub(crate) fn is_hurried(&self) -> bool {
        self.inner.target.traffic.hurry.has_begun()
    }

    /// Sends a request to the FHIR base.
    ///
    /// # Errors
    /// Everything that is not a FHIR answer with a status below 500 and other than 429.
    pub async fn send(&self, request: Request<'_>) -> Result<Answer, ClientError> {
        let base = &self.inner.target.base_url;
        let place = Place::new(&request.method, request.path);
        let is_below = |url: &Url| url.path().starts_with(base.path());
        // An address that the server itself gave, such as that of an attachment, is followed as far
        // as it stays there.
        let is_address = request.any_media && Url::parse(request.path).is_ok();
        let url = base
            .join(request.path)
            .ok()
            .filter(|url| url.origin() == base.origin() && (is_address || is_below(url)))
            .ok_or_else(|| ClientError::Outside(place.clone()))?;
        let looks = request.method == Method::GET
            && !request.any_media
            && Kind::of(&request.method, request.path) != Kind::Operation;
        let answer = self.send_to(url, place.clone(), request).await?;
        let is_resource = |body: &Value| text_at(body, "/resourceType").is_some();
        // Neither is there something to see in it, nor does it say that there is nothing.
        if looks && answer.status == 200 && !answer.body.as_ref().is_some_and(is_resource) {
            return Err(ClientError::Unexpected {
                place,
                text: "the answer (200) is no FHIR resource".into(),
            });
        }
        Ok(answer)
    }

    /// Sends a request to a URL outside the FHIR base, like the provisioning endpoints.
    ///
    /// # Errors
    /// As [`send`](Self::send), and for another server than that of the FHIR base: it would get the
    /// token.
    pub async fn send_to(
        &self,
        url: Url,
        place: Place,
        request: Request<'_>,
    ) -> Result<Answer, ClientError> {
        if url.origin() != self.inner.target.base_url.origin() {
            return Err(ClientError::Outside(place));
        }
        let body = self.body_of(&request, &url);
        let repeatable = request.repeatable || retry::only_looks(&request.method, request.path);
        let (mut tried, mut renewed) = (0, false);
        loop {
            let held = self.held().await?;
            let call = self.call(&url, &place, &request, body.as_deref(), held.as_ref())?;
            let kind = Kind::of(&request.method, request.path);
            let keeps = request.any_media;
            match self
                .receive(call, place.clone(), kind, keeps, body.as_deref())
                .await
            {
                Ok(answer) if answer.status == 401 && !renewed => {
                    // A token can end before its time: once, a new one is tried.
                    if !self.renew(held).await {
                        return Ok(answer);
                    }
                    renewed = true;
                    self.note_retry(
                        &place,
                        "the token is refused (401)",
                        tried + 2,
                        Duration::ZERO,
                    );
                }
                Err(error) => {
                    if !self
                        .waits_for_another_try(&place, &error, repeatable, tried)
                        .await
                    {
                        return Err(error);
                    }
                    tried += 1;
                }
                answered => return answered,
            }
        }
    }

    fn body_of<'b>(&self, request: &Request<'b>, url: &Url) -> Option<Cow<'b, [u8]>> {
        if let Some(bytes) = request.bytes {
            return Some(bytes.into());
        }
        let body = request.body?;
        // The endpoints of a project's administration take what they know, and no tags.
        let is_fhir = url.path().starts_with(self.inner.target.base_url.path());
        let writes = is_fhir
            && matches!(request.method, Method::POST | Method::PUT)
            && Kind::of(&request.method, request.path) == Kind::Write;
        let tagged = match &self.inner.run {
            Some(run) if writes => tag::tagged(body, run),
            _ => None,
        };
        Some(
            tagged
                .as_ref()
                .unwrap_or(body)
                .to_string()
                .into_bytes()
                .into(),
        )
    }

    fn call(
        &self,
        url: &Url,
        place: &Place,
        request: &Request<'_>,
        body: Option<&[u8]>,
        held: Option<&Held>,
    ) -> Result<reqwest::RequestBuilder, ClientError> {
        let text = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| ClientError::Unexpected {
                place: place.clone(),
                text: "a header holds characters that no header may have".into(),
            })
        };
        let mut headers = HeaderMap::new();
        // Who takes anything gets a Binary as what it holds.
        let accepted = if request.any_media { "*/*" } else { FHIR_JSON };
        headers.insert(ACCEPT, HeaderValue::from_static(accepted));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if self.inner.target.profile.no_cache {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        if let Some(version) = request.if_match {
            headers.insert(IF_MATCH, text(&format!("W/\"{version}\""))?);
        }
        if body.is_some() {
            headers.insert(CONTENT_TYPE, text(request.media_type.unwrap_or(FHIR_JSON))?);
        }
        if let Auth::OnBehalfOf { member, .. } = &self.inner.auth {
            headers.insert(ON_BEHALF_OF, text(member)?);
        }
        for (name, value) in request.headers {
            let name: HeaderName = name.parse().map_err(|_| ClientError::Unexpected {
                place: place.clone(),
                text: format!("`{name}` is no name of a header"),
            })?;
            headers.insert(name, text(value)?);
        }
        let mut call = self
            .inner
            .http
            .request(request.method.clone(), url.clone())
            .headers(headers);
        if let Some(held) = held {
            call = call.bearer_auth(held.secret.expose_secret());
        }
        if let Some(body) = body {
            call = call.body(body.to_vec());
        }
        Ok(call)
    }

    /// Whether a request that failed is to be sent again; if so, after the wait.
    async fn waits_for_another_try(
        &self,
        place: &Place,
        error: &ClientError,
        repeatable: bool,
        tried: u32,
    ) -> bool {
        let Again::After(asked) = retry::again(error, repeatable) else {
            return false;
        };
        let hurry = &self.inner.target.traffic.hurry;
        if hurry.has_begun() {
            return false;
        }
        let Some(wait) = self.inner.limits.retries.wait(tried, asked) else {
            return false;
        };
        self.note_retry(place, &error.to_string(), tried + 2, wait);
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            () = hurry.is_over() => false,
        }
    }

    fn note_retry(&self, place: &Place, because: &str, attempt: u32, wait: Duration) {
        let because = self.clean(because);
        let mut retries = self
            .inner
            .retries
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        retries.push(because.clone());
        drop(retries);
        self.inner.target.traffic.tell(|| {
            Heard::Retried(Retried {
                caller: self.inner.caller.clone(),
                request: self.clean(&place.to_string()),
                because,
                attempt,
                wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            })
        });
    }
}
