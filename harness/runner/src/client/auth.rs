//! How a caller shows who they are.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::jwt::SigningKey;
use super::{Client, Redactor};

/// A client id and its secret. The secret never shows, not even in debug output.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The client id.
    pub id: String,
    /// The client secret.
    pub secret: SecretString,
}

/// How a caller shows who they are.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Not at all: the server is open.
    Nobody,
    /// With a token that somebody else got, and that is not renewed.
    Bearer(SecretString),
    /// OAuth 2.0 client credentials (RFC 6749, 4.4).
    Client {
        /// The client.
        credentials: Credentials,
        /// Where the secret stands.
        sent: SecretIn,
        /// The scopes to ask for.
        scope: Option<String>,
    },
    /// Medplum's login with a password, then an authorization code with PKCE (RFC 7636).
    Password(Password),
    /// SMART Backend Services: a signed assertion in the place of a secret.
    Backend(Backend),
    /// Medplum's `X-Medplum-On-Behalf-Of`: a project admin acts as a member.
    OnBehalfOf {
        /// The admin, signed in.
        admin: Box<Client>,
        /// `ProjectMembership/id`, or the member's profile.
        member: String,
    },
}

/// Where a client secret stands in a token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecretIn {
    /// In the form.
    #[default]
    Body,
    /// In a Basic header.
    Basic,
}

/// A person's login.
#[derive(Debug, Clone)]
pub struct Password {
    /// The address they sign in with.
    pub email: String,
    /// The password.
    pub password: SecretString,
    /// The project, where they are a member of several.
    pub project: Option<String>,
}

/// A SMART backend service.
#[derive(Debug, Clone)]
pub struct Backend {
    /// The client id.
    pub client: String,
    /// The key that signs.
    pub key: SigningKey,
    /// The scopes to ask for.
    pub scope: String,
}

impl Auth {
    /// Client credentials in the form of the token request.
    pub fn client(credentials: Credentials) -> Self {
        Self::Client {
            credentials,
            sent: SecretIn::Body,
            scope: None,
        }
    }

    /// Whether it gets tokens that can be renewed.
    pub(super) fn signs_in(&self) -> bool {
        matches!(
            self,
            Self::Client { .. } | Self::Password(_) | Self::Backend(_)
        )
    }

    /// Tells a redactor what must never be shown.
    pub(super) fn hide(&self, redactor: &Redactor) {
        match self {
            Self::Nobody | Self::OnBehalfOf { .. } => {}
            Self::Bearer(token) => redactor.add(token.expose_secret()),
            Self::Client { credentials, .. } => {
                let secret = credentials.secret.expose_secret();
                redactor.add(secret);
                // The header as a whole, whatever stands around it.
                redactor.add(&basic(&credentials.id, secret));
            }
            Self::Password(login) => redactor.add(login.password.expose_secret()),
            Self::Backend(backend) => backend.key.hide(redactor),
        }
    }
}

/// What a Basic header holds (RFC 6749, 2.3.1 encodes both parts as a form does).
pub(super) fn basic(id: &str, secret: &str) -> String {
    use base64::Engine as _;
    let form =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", form(id), form(secret)))
}

impl From<Credentials> for Auth {
    fn from(credentials: Credentials) -> Self {
        Self::client(credentials)
    }
}

impl From<Option<Credentials>> for Auth {
    fn from(credentials: Option<Credentials>) -> Self {
        credentials.map_or(Self::Nobody, Self::client)
    }
}

impl fmt::Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "nobody",
            Self::Bearer(_) => "a bearer token",
            Self::Client { .. } => "client credentials",
            Self::Password(_) => "a password",
            Self::Backend(_) => "a signed assertion",
            Self::OnBehalfOf { .. } => "an admin on their behalf",
        })
    }
}
