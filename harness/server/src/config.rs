//! What a server is started with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use thiserror::Error;
use url::Url;

use crate::auth::random;

/// How the server is started.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen. Port 0 lets the system choose one. Anything but a loopback address opens
    /// the server to the network, without encryption.
    pub addr: SocketAddr,
    /// The client that administers the project and has full access.
    pub admin: Credentials,
    /// Whether `admin` is only for a data folder that has no administrator yet. Else it becomes
    /// one, with this secret, beside those that are there.
    pub keep_admin: bool,
    /// The id of the one project, which exists from the start. A data folder keeps its own.
    pub project: String,
    /// The folder that keeps everything; without one all is in memory. It is made when it does not
    /// exist. One process at a time can use it.
    pub data: Option<PathBuf>,
    /// What links and `Location` headers start with, when it is not the address listened on.
    pub public_url: Option<Url>,
    /// How long an access token is good for.
    pub token_lifetime: Duration,
    /// What a request may cost.
    pub limits: Limits,
}

impl Config {
    /// A server on a free loopback port, with a new project and the default limits.
    #[must_use]
    pub fn new(admin: Credentials) -> Self {
        Self {
            addr: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            admin,
            keep_admin: false,
            data: None,
            project: uuid::Uuid::new_v4().to_string(),
            public_url: None,
            token_lifetime: Duration::from_secs(3600),
            limits: Limits::default(),
        }
    }
}

/// A client id and its secret.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The id of the ClientApplication.
    pub id: String,
    /// Its secret; never printed, compared in constant time.
    pub secret: SecretString,
}

impl Credentials {
    /// New credentials: a random id and 256 random bits.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> Result<Self, RandomError> {
        Ok(Self {
            id: uuid::Uuid::new_v4().to_string(),
            secret: SecretString::from(random::token()?),
        })
    }
}

/// The system's source of randomness failed.
#[derive(Debug, Error)]
#[error("the system gave no random bytes: {0}")]
pub struct RandomError(pub(crate) getrandom::Error);

/// What a request may cost. Beyond a limit the answer is an error, never a part of the result.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest request body, in bytes.
    pub body_bytes: usize,
    /// The longest form in a request body, in bytes. One that is longer is answered with 413.
    pub form_bytes: usize,
    /// The longest query string, in bytes. One that is longer is answered with 414. Beyond some
    /// 65,500 bytes of URL the HTTP layer says so itself, without an OperationOutcome.
    pub query_bytes: usize,
    /// The searches and histories worked out at a time; others wait, at most for
    /// [`Limits::request_timeout`].
    pub max_scans: usize,
    /// The deepest nesting of a JSON body. Never more than
    /// [`MAX_DEPTH`](fhirward_engine::source::json::MAX_DEPTH), which the parser can carry.
    pub json_depth: usize,
    /// The most operations of one JSON Patch.
    pub patch_operations: usize,
    /// The entries of a page when `_count` is not given.
    pub default_page: usize,
    /// The entries of a page however large `_count` is.
    pub max_page: usize,
    /// The most resources that `_include` and `_revinclude` may add to a page.
    pub max_included: usize,
    /// How long a request may take, its body included.
    pub request_timeout: Duration,
    /// The connections served at a time; others wait to be accepted.
    pub max_connections: usize,
    /// How long a connection may stand without a request under way: before the first, between two,
    /// and until all of a request's head is there.
    pub idle_timeout: Duration,
    /// How long a stop waits for requests in flight.
    pub stop_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 * 1024 * 1024,
            form_bytes: 64_000,
            query_bytes: 64_000,
            max_scans: 4,
            json_depth: 100,
            patch_operations: 1000,
            default_page: 20,
            max_page: 1000,
            max_included: 5000,
            request_timeout: Duration::from_secs(60),
            max_connections: 512,
            idle_timeout: Duration::from_secs(10),
            stop_grace: Duration::from_secs(5),
        }
    }
}
