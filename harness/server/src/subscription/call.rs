//! Calling a program: the one that is named in a `rest-hook`, or the one behind a Bot.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use futures_util::StreamExt as _;
use reqwest::redirect;
use url::Url;

use super::host::{Hosts, Resolver};

/// An HTTP client that goes only where it may.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    client: reqwest::Client,
    hosts: Hosts,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

impl Caller {
    /// # Errors
    /// When the TLS library cannot be set up.
    pub(crate) fn new(hosts: Hosts) -> Result<Self, String> {
        // One that is installed already is as good.
        let _: Result<(), _> = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            // To follow one would be to call a host that was not looked at.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Resolver::shared())
            .user_agent(concat!("fhirward/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("no HTTP client: {error}"))?;
        Ok(Self { client, hosts })
    }

    pub(crate) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Posts a body and reads the answer, of at most `limit` bytes.
    ///
    /// # Errors
    /// A sentence without the URL and the headers, which may hold secrets.
    pub(crate) async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
        limit: usize,
    ) -> Result<Answer, String> {
        self.hosts.check(url)?;
        let call = async {
            let response = self
                .client
                .post(url.clone())
                .headers(headers)
                .body(body)
                .send()
                .await
                .map_err(|error| reason(&error))?;
            let status = response.status().as_u16();
            let content_type = response
                .headers()
                .get(header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned);
            let mut body = Vec::new();
            let mut chunks = response.bytes_stream();
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.map_err(|error| reason(&error))?;
                if body.len() + chunk.len() > limit {
                    return Err(format!("the answer is larger than {limit} bytes"));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Answer {
                status,
                content_type,
                body: body.into(),
            })
        };
        match tokio::time::timeout(timeout, call).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} ms", timeout.as_millis())),
        }
    }
}

/// Why a call failed: the innermost cause says most, and names no URL.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let what = if error.is_connect() {
        "no connection"
    } else {
        "the connection failed"
    };
    if std::ptr::addr_eq(std::ptr::from_ref(cause), std::ptr::from_ref(error)) {
        return what.to_owned();
    }
    format!("{what}: {cause}")
}
