//! Why there is no answer. None of these is ever a denial.

use std::fmt;
use std::time::Duration;

use reqwest::Method;

use super::forward::Hindrance;
use super::trust::Distrust;
use crate::scenario::plural;

/// Which request, in words that hold no secret: the method and the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    method: String,
    path: String,
}

impl Place {
    /// A request. Only the path of a URL, never its user info.
    pub fn new(method: &Method, path: &str) -> Self {
        Self {
            method: method.to_string(),
            path: path.to_owned(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("{0}: the server refuses the connection")]
    Refused(Place),
    /// It took too long.
    #[error("{place}: no answer within {milliseconds} ms")]
    Timeout {
        /// Which request.
        place: Place,
        /// How long was waited.
        milliseconds: u128,
    },
    /// The connection broke, or never came to be.
    #[error("{place}: {text}")]
    Network {
        /// Which request.
        place: Place,
        /// What the network layer says.
        text: String,
        /// Whether something may have arrived.
        sent: bool,
    },
    /// TLS did not come to be.
    #[error("{place}: {why}")]
    Tls {
        /// Which request.
        place: Place,
        /// Why not.
        why: Distrust,
    },
    /// The proxy did not pass it on.
    #[error("{place}: the proxy {proxy} {what}")]
    Proxy {
        /// Which request.
        place: Place,
        /// Where the proxy is.
        proxy: String,
        /// What it did instead.
        what: Hindrance,
    },
    /// 5xx or 429.
    #[error("{place}: the server answers {status}{}", after_colon(.text))]
    Status {
        /// Which request.
        place: Place,
        /// The status.
        status: u16,
        /// What the server says about it.
        text: Option<String>,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// A web page.
    #[error("{place}: a web page instead of FHIR ({status}, {content_type}{})", titled(.title))]
    Html {
        /// Which request.
        place: Place,
        /// The status.
        status: u16,
        /// The declared type.
        content_type: String,
        /// The title of the page.
        title: Option<String>,
    },
    /// Something that is not JSON.
    #[error("{place}: the answer is not JSON ({status}, `{content_type}`): {error}")]
    NotJson {
        /// Which request.
        place: Place,
        /// The status.
        status: u16,
        /// The declared type.
        content_type: String,
        /// Where the JSON breaks.
        error: String,
    },
    /// A compressed answer, which nobody asked for and which may be of any size inside.
    #[error("{place}: the answer is compressed ({status}, `{encoding}`), which was not asked for")]
    Compressed {
        /// Which request.
        place: Place,
        /// The status.
        status: u16,
        /// The declared encoding.
        encoding: String,
    },
    /// A redirect, which is not followed because the token would go with it.
    #[error("{place}: the server redirects ({status}){}", to_host(.to))]
    Redirect {
        /// Which request.
        place: Place,
        /// The status.
        status: u16,
        /// The host it points to.
        to: Option<String>,
    },
    /// More than the limit.
    #[error("{place}: the answer is larger than {limit} bytes")]
    TooLarge {
        /// Which request.
        place: Place,
        /// The limit.
        limit: usize,
    },
    /// More pages than the limit: what was not found may still be there.
    #[error("{place}: truncated after {}: what is missing may be on a later one", plural(*.pages, "page"))]
    Truncated {
        /// Which search.
        place: Place,
        /// The pages that were read.
        pages: usize,
    },
    /// A `next` link to another server, which would get the token.
    #[error(
        "{place}: the link to the next page leads to another server (`{host}`) and is not followed"
    )]
    OtherOrigin {
        /// Which search.
        place: Place,
        /// The other host.
        host: String,
    },
    /// A search answer that is no searchset.
    #[error("{place}: {text}")]
    BadBundle {
        /// Which search.
        place: Place,
        /// What is wrong.
        text: String,
    },
    /// An answer that lacks what it is there for.
    #[error("{place}: {text}")]
    Unexpected {
        /// Which request.
        place: Place,
        /// What is missing.
        text: String,
    },
    /// A target that leaves the FHIR base.
    #[error("{0}: leads outside the FHIR base")]
    Outside(Place),
    /// The token endpoint refuses.
    #[error("{place}: sign-in refused ({status}): {text}")]
    SignIn {
        /// Which request.
        place: Place,
        /// The status.
        status: u16,
        /// What the server says.
        text: String,
    },
    /// The token endpoint gives no token.
    #[error("{place}: {text}")]
    NoToken {
        /// Which request.
        place: Place,
        /// What is wrong.
        text: String,
    },
    /// This machine cannot make requests.
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(String),
}

fn after_colon(text: &Option<String>) -> String {
    text.as_ref()
        .map(|text| format!(": {text}"))
        .unwrap_or_default()
}

fn titled(title: &Option<String>) -> String {
    title
        .as_ref()
        .map(|title| format!(", titled “{title}”"))
        .unwrap_or_default()
}

fn to_host(host: &Option<String>) -> String {
    host.as_ref()
        .map(|host| format!(" to `{host}`"))
        .unwrap_or_default()
}

impl ClientError {
    /// What went wrong below HTTP. `connect` and `whole` are the times that were allowed, `proxy` is
    /// what the request went through.
    pub(super) fn of(
        error: reqwest::Error,
        place: Place,
        connect: Duration,
        whole: Duration,
        proxy: Option<String>,
    ) -> Self {
        // The address may carry a secret, and the place says where it was.
        let error = error.without_url();
        if error.is_timeout() {
            let waited = if error.is_connect() { connect } else { whole };
            return Self::Timeout {
                place,
                milliseconds: waited.as_millis(),
            };
        }
        if let Some(why) = Distrust::of(&error) {
            return Self::Tls { place, why };
        }
        let hindered = |what| {
            let proxy = proxy.clone()?;
            let place = place.clone();
            Some(Self::Proxy { place, proxy, what })
        };
        let mut source: Option<&dyn std::error::Error> = Some(&error);
        let mut deepest = String::new();
        while let Some(cause) = source {
            if let Some(io) = cause.downcast_ref::<std::io::Error>()
                && io.kind() == std::io::ErrorKind::ConnectionRefused
            {
                return hindered(Hindrance::Refused).unwrap_or(Self::Refused(place));
            }
            deepest = cause.to_string();
            // The type of these errors has no name outside of its crate.
            let what = match deepest.as_str() {
                "tunnel error: proxy authorization required" => Some(Hindrance::Login),
                "tunnel error: unsuccessful" => Some(Hindrance::NoTunnel),
                _ => None,
            };
            if let Some(hindrance) = what.and_then(&hindered) {
                return hindrance;
            }
            source = cause.source();
        }
        let sent = !error.is_connect();
        let text = if !sent {
            format!("no connection: {deepest}")
        } else {
            format!("the connection broke: {deepest}")
        };
        Self::Network { place, text, sent }
    }

    /// The status of an answer that counts as an error.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the server was out of reach.
    pub fn is_transport(&self) -> bool {
        matches!(
            self,
            Self::Refused(_)
                | Self::Timeout { .. }
                | Self::Network { .. }
                | Self::Tls { .. }
                | Self::Proxy { .. }
        )
    }

    /// What to try.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Refused(_) => "is the server running, and is the port right?",
            Self::Timeout { .. } => "is the server overloaded? the time-outs can be raised",
            Self::Network { .. } => "check the host name, the proxy settings and the certificate",
            Self::Tls { why, .. } => why.help(),
            Self::Proxy { what, .. } => match what {
                Hindrance::Login => {
                    "--proxy http://NAME:PASSWORD@HOST:PORT, or so in the environment"
                }
                Hindrance::Refused | Hindrance::NoTunnel => {
                    "it is named by --proxy, by fhirward.toml, or by HTTPS_PROXY, HTTP_PROXY or ALL_PROXY of the environment; NO_PROXY names the hosts that need none"
                }
            },
            Self::Status { status: 429, .. } => {
                "the server's quota is used up: run fewer scenarios at once, or wait"
            }
            Self::Status { .. } => "the server's log says more",
            Self::Html { .. } | Self::NotJson { .. } => {
                "is this the FHIR base? it usually ends with /fhir/R4, and a proxy or login page may stand before it"
            }
            Self::Compressed { .. } => "a proxy in between may compress what it passes on",
            Self::Redirect { .. } => "use the address that the server redirects to",
            Self::TooLarge { .. } => "search more narrowly, or raise the limit",
            Self::Truncated { .. } => "search more narrowly, or raise the limit of pages",
            Self::OtherOrigin { .. } => {
                "the server's configured base URL differs from the one used here"
            }
            Self::BadBundle { .. } | Self::Unexpected { .. } => "is this the FHIR base?",
            Self::Outside(_) => "a target is relative, like `Communication/123`",
            Self::SignIn { .. } | Self::NoToken { .. } => {
                "check the client id and secret, and the token endpoint"
            }
            Self::Setup(_) => {
                "check --ca, --cert, --key and --proxy, and the certificates of this machine"
            }
        }
    }
}
