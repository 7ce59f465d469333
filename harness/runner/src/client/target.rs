//! The server under test, and what is known of it beforehand.

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// A client id and its secret. The secret never shows, not even in debug output.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The client id.
    pub id: String,
    /// The client secret.
    pub secret: SecretString,
}

/// How long to wait and how much to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For a connection.
    pub connect: Duration,
    /// For a request from its start to the last byte.
    pub request: Duration,
    /// For the body of an answer.
    pub response_bytes: usize,
    /// For the pages of a search.
    pub pages: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(30),
            response_bytes: 16 * 1024 * 1024,
            pages: 100,
        }
    }
}

/// A server and the admin's way in.
#[derive(Debug, Clone)]
pub struct Target {
    /// The FHIR base, with a slash at its end.
    pub base_url: Url,
    /// The token endpoint.
    pub token_url: Url,
    /// Where projects are administered, `…/admin/projects/`.
    pub admin_url: Url,
    /// Where the server says who is acting.
    pub who_am_i_url: Url,
    /// The project admin.
    pub admin: Credentials,
    /// What is known of this kind of server.
    pub profile: ServerProfile,
}

/// A URL that cannot be that of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` cannot be the address of a server: {reason}")]
pub struct BadServer {
    url: String,
    reason: String,
}

impl Target {
    /// The path of the FHIR base below the server's root.
    const FHIR: &'static str = "fhir/R4/";

    /// A server by its root, or by its FHIR base if that ends with `/fhir/R4`.
    ///
    /// # Errors
    /// An address that is not http or https, or that carries a user name or password.
    pub fn new(
        server: &str,
        admin: Credentials,
        profile: ServerProfile,
    ) -> Result<Self, BadServer> {
        let bad = |reason: &str| BadServer {
            // What stands before an @ may be a password.
            url: server.rsplit('@').next().unwrap_or_default().to_owned(),
            reason: reason.to_owned(),
        };
        let mut root = Url::parse(server).map_err(|error| bad(&error.to_string()))?;
        if !matches!(root.scheme(), "http" | "https") || !root.has_host() {
            return Err(bad("it must start with http:// or https://"));
        }
        if !root.username().is_empty() || root.password().is_some() {
            return Err(bad("a user name or password does not belong in it"));
        }
        root.set_query(None);
        root.set_fragment(None);
        let path = root.path().trim_end_matches('/');
        let path = path.strip_suffix("/fhir/R4").unwrap_or(path);
        let path = format!("{path}/");
        root.set_path(&path);
        let join = |path: &str| root.join(path).map_err(|error| bad(&error.to_string()));
        Ok(Self {
            base_url: join(Self::FHIR)?,
            token_url: join("oauth2/token")?,
            admin_url: join("admin/projects/")?,
            who_am_i_url: join("auth/me")?,
            admin,
            profile,
        })
    }
}

/// What is known of a kind of server beforehand. Plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerProfile {
    /// Its name.
    pub name: String,
    /// The media type of a JSON Patch.
    pub patch_media_type: String,
    /// The statuses that count as `denied`.
    pub denied: Vec<u16>,
    /// The statuses that count as `hidden`. 401 is none: it says that the token is bad.
    pub hidden: Vec<u16>,
    /// Whether it answers from a cache unless told not to.
    pub no_cache: bool,
}

impl ServerProfile {
    /// The names of the built-in ones.
    pub const NAMES: [&'static str; 2] = ["embedded", "generic"];

    /// The embedded server.
    pub fn embedded() -> Self {
        Self {
            name: "embedded".into(),
            ..Self::generic()
        }
    }

    /// A server of which nothing is known but that it has Medplum's endpoints.
    pub fn generic() -> Self {
        Self {
            name: "generic".into(),
            patch_media_type: "application/json-patch+json".into(),
            denied: vec![403],
            hidden: vec![403, 404, 410],
            no_cache: false,
        }
    }

    /// A built-in one.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "embedded" => Some(Self::embedded()),
            "generic" => Some(Self::generic()),
            _ => None,
        }
    }
}

impl fmt::Display for ServerProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
