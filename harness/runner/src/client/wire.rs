//! From bytes to an answer, or to the reason why there is none.

use std::time::SystemTime;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, LOCATION, SET_COOKIE};
use serde_json::Value;
use url::Url;

use super::error::{ClientError, Place};
use super::forward::Hindrance;
use super::hurry::PATIENCE;
use super::limits::Kind;
use super::traffic::{Exchanged, Heard};
use super::{Answer, Client, retry};

impl Client {
    /// Sends once, when it is its turn, and takes what comes back, as far as the limits allow.
    pub(super) async fn receive(
        &self,
        call: reqwest::RequestBuilder,
        place: Place,
        kind: Kind,
        keep: bool,
        sent: Option<&[u8]>,
    ) -> Result<Answer, ClientError> {
        let hurry = &self.inner.target.traffic.hurry;
        let received = tokio::select! {
            biased;
            received = self.exchange(call, place.clone(), kind, keep, sent) => received,
            () = hurry.is_over() => Err(ClientError::Timeout {
                place,
                milliseconds: PATIENCE.as_millis(),
            }),
        };
        let silent = matches!(&received, Err(error) if error.is_transport());
        hurry.note(!silent);
        received
    }

    async fn exchange(
        &self,
        call: reqwest::RequestBuilder,
        place: Place,
        kind: Kind,
        keep: bool,
        sent: Option<&[u8]>,
    ) -> Result<Answer, ClientError> {
        let limits = &self.inner.limits;
        let time = limits.time_for(kind);
        let (http, call) = call.timeout(time).build_split();
        let call = call.map_err(|error| ClientError::Setup(error.without_url().to_string()))?;
        let proxy = self.inner.proxies.before(call.url());
        let fault = |error| {
            let (connect, proxy) = (limits.connect, proxy.clone());
            ClientError::of(error, place.clone(), connect, time, proxy)
        };
        let admitted = self.inner.target.traffic.admit().await;
        let mut response = http.execute(call).await.map_err(fault)?;
        let status = response.status();
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(ClientError::Proxy {
                place,
                proxy: proxy.unwrap_or_else(|| "before the server".to_owned()),
                what: Hindrance::Login,
            });
        }
        let headers = response.headers().clone();
        self.hide_cookies(&headers);
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(fault)? {
            if bytes.len() + chunk.len() > limits.response_bytes {
                return Err(ClientError::TooLarge {
                    place,
                    limit: limits.response_bytes,
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        drop(admitted);
        // A sign-in is nothing but secrets.
        if self.inner.target.traffic.wants_bodies() && kind != Kind::SignIn {
            self.tell_exchange(&place, sent, status, &bytes);
        }
        self.read(status, headers, bytes, place, keep)
    }

    fn tell_exchange(&self, place: &Place, sent: Option<&[u8]>, status: StatusCode, got: &[u8]) {
        let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
            Ok(text) => self.clean(text),
            Err(_) => format!("{} bytes", bytes.len()),
        };
        self.inner.target.traffic.tell(|| {
            Heard::Exchanged(Exchanged {
                caller: self.inner.caller.clone(),
                request: self.clean(&place.to_string()),
                sent: sent.map(text),
                status: status.as_u16(),
                received: (!got.is_empty()).then(|| text(got)),
            })
        });
    }

    /// Cookies are not kept, and what they hold is nobody's business.
    fn hide_cookies(&self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap_or_default();
            let pair = pair.split(';').next().unwrap_or_default();
            if let Some((_, value)) = pair.split_once('=') {
                self.inner.redactor.add(value.trim());
            }
        }
    }

    fn read(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        bytes: Vec<u8>,
        place: Place,
        keep: bool,
    ) -> Result<Answer, ClientError> {
        let header = |name| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        if status.is_redirection() && !keep && status != StatusCode::NOT_MODIFIED {
            return Err(ClientError::Redirect {
                place,
                status: status.as_u16(),
                to: header(LOCATION)
                    .and_then(|to| Some(Url::parse(&to).ok()?.host_str()?.to_owned())),
            });
        }
        let encoding = header(CONTENT_ENCODING).filter(|encoding| encoding != "identity");
        if let Some(encoding) = encoding {
            return Err(ClientError::Compressed {
                place,
                status: status.as_u16(),
                encoding: self.inner.redactor.clean(&shorten(&encoding)),
            });
        }
        let content_type = header(CONTENT_TYPE).unwrap_or_default();
        let body = if keep {
            serde_json::from_slice(&bytes).ok()
        } else {
            self.json(status, &content_type, &bytes, &place)?
        };
        let answer = Answer {
            status: status.as_u16(),
            location: header(LOCATION).and_then(|to| located(&to)),
            version: header(ETAG)
                .map(|tag| tag.trim_start_matches("W/").trim_matches('"').to_owned()),
            body,
            text: keep.then(|| String::from_utf8_lossy(&bytes).into_owned()),
            headers,
        };
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(ClientError::Status {
                place,
                status: status.as_u16(),
                text: answer
                    .explanation()
                    .map(|words| self.inner.redactor.clean(&shorten(words))),
                retry_after: retry::retry_after(&answer.headers, SystemTime::now()),
            });
        }
        Ok(answer)
    }

    fn json(
        &self,
        status: StatusCode,
        content_type: &str,
        bytes: &[u8],
        place: &Place,
    ) -> Result<Option<Value>, ClientError> {
        // The status says all there is to say.
        let told = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let text = String::from_utf8_lossy(bytes);
        if text.trim().is_empty() {
            return Ok(None);
        }
        if is_html(content_type, &text) {
            if told {
                return Ok(None);
            }
            return Err(ClientError::Html {
                place: place.clone(),
                status: status.as_u16(),
                content_type: self.inner.redactor.clean(&shorten(content_type)),
                title: title(&text).map(|title| self.inner.redactor.clean(&shorten(&title))),
            });
        }
        match serde_json::from_slice::<Value>(bytes) {
            Ok(body) => Ok(Some(body)),
            Err(_) if told => Ok(None),
            Err(error) => Err(ClientError::NotJson {
                place: place.clone(),
                status: status.as_u16(),
                content_type: self.inner.redactor.clean(&shorten(content_type)),
                error: error.to_string(),
            }),
        }
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
