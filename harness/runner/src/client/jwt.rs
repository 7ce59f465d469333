//! The assertion of a SMART backend service (SMART App Launch 2, Backend Services; RFC 7523).

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::Redactor;

/// The specification allows five minutes; clocks differ.
const LIFETIME_SECONDS: u64 = 240;

/// A private key that signs assertions.
#[derive(Debug, Clone)]
pub struct SigningKey {
    pem: SecretString,
    id: Option<String>,
    algorithm: Algorithm,
}

/// A text that is no key for assertions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadKey(&'static str);

impl SigningKey {
    /// A key in PEM: RSA signs by RS384, an elliptic curve by ES384.
    ///
    /// # Errors
    /// What is neither. The text never shows in the error.
    pub fn new(pem: SecretString, id: Option<String>) -> Result<Self, BadKey> {
        let bytes = pem.expose_secret().as_bytes();
        let algorithm = if EncodingKey::from_rsa_pem(bytes).is_ok() {
            Algorithm::RS384
        } else if EncodingKey::from_ec_pem(bytes).is_ok() {
            Algorithm::ES384
        } else {
            return Err(BadKey(
                "the key is no private key in PEM, of RSA (for RS384) or of the curve P-384 (for ES384)",
            ));
        };
        let key = Self { pem, id, algorithm };
        // A key of another curve is only noticed when it signs.
        key.assertion("probe", "probe", "probe").map_err(|_| {
            BadKey("the key cannot sign: RS384 needs an RSA key, ES384 one of the curve P-384")
        })?;
        Ok(key)
    }

    pub(super) fn hide(&self, redactor: &Redactor) {
        redactor.add(self.pem.expose_secret());
    }

    /// An assertion for one token request.
    pub(super) fn assertion(
        &self,
        client: &str,
        audience: &str,
        id: &str,
    ) -> Result<SecretString, String> {
        #[derive(Serialize)]
        struct Claims<'a> {
            iss: &'a str,
            sub: &'a str,
            aud: &'a str,
            jti: &'a str,
            iat: u64,
            exp: u64,
        }
        let bytes = self.pem.expose_secret().as_bytes();
        let key = match self.algorithm {
            Algorithm::ES384 => EncodingKey::from_ec_pem(bytes),
            _ => EncodingKey::from_rsa_pem(bytes),
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let claims = Claims {
            iss: client,
            sub: client,
            aud: audience,
            jti: id,
            iat: now,
            exp: now + LIFETIME_SECONDS,
        };
        let mut header = Header::new(self.algorithm);
        header.kid.clone_from(&self.id);
        key.and_then(|key| encode(&header, &claims, &key))
            .map(SecretString::from)
            .map_err(|_| "the assertion cannot be signed".to_owned())
    }
}
