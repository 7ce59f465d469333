//! Access tokens: signed JWTs, which are verified without looking anything up.
//!
//! Clients of such servers read the claims of their token (when it ends, whose it is), so it is a
//! JWT and not merely a random string. The key is the server's own and kept with its data: nobody
//! else verifies these tokens, so it need not be a public one.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::random;
use crate::running::StartError;
use crate::store::Store;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The server.
    pub(crate) iss: String,
    /// Tells this token from all others, also from one of the same second.
    pub(crate) jti: String,
    /// Who signed in: the id of a User, of a ClientApplication or of a Bot.
    pub(crate) sub: String,
    /// The client that was signed in with; empty without one. Medplum's client compares it with
    /// its own.
    pub(crate) client_id: String,
    /// The sign-in that the token comes from: what a logout ends.
    pub(crate) login_id: String,
    /// The id of the ProjectMembership, which decides about everything.
    pub(crate) membership: String,
    /// The reference of the profile.
    pub(crate) profile: String,
    /// The scopes, which only take away.
    pub(crate) scope: String,
    /// When it was issued, in seconds since 1970.
    pub(crate) iat: i64,
    /// When it ends, in seconds since 1970.
    pub(crate) exp: i64,
    /// What the client sent along to know its token again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<String>,
}

/// The key could not sign.
#[derive(Debug, thiserror::Error)]
#[error("the token could not be signed")]
pub(crate) struct SignError;

/// The table and the key of the record that holds the key of the signature.
const KEY: (&str, &str) = ("signing-key", "access-token");

/// The key that tokens are signed with: made once, and kept with the data.
///
/// # Errors
/// When there is no randomness for it, or it cannot be kept.
pub(crate) fn key(store: &Store) -> Result<Arc<[u8]>, StartError> {
    let (table, name) = KEY;
    let transaction = store.begin();
    if let Some(key) = transaction.record(table, name) {
        return Ok(key);
    }
    let key = random::bytes::<64>()?;
    transaction.put_record(table, name, Some(key.to_vec()));
    transaction
        .commit()
        .map_err(|error| StartError::Store(error.to_string()))?;
    Ok(Arc::from(key.as_slice()))
}

/// Makes and verifies access tokens.
pub(crate) struct Tokens {
    sign: EncodingKey,
    verify: DecodingKey,
    validation: Validation,
    lifetime: i64,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Tokens of a key.
    pub(crate) fn new(key: &[u8], lifetime: Duration) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // Compared in `verify`, with the time that it is asked for.
        validation.validate_exp = false;
        validation.validate_aud = false;
        Self {
            sign: EncodingKey::from_secret(key),
            verify: DecodingKey::from_secret(key),
            validation,
            lifetime: i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX),
        }
    }

    /// Seconds that a token is good for.
    pub(crate) fn lifetime(&self) -> i64 {
        self.lifetime
    }

    /// When a token that is issued `now` ends.
    pub(crate) fn ends(&self, now: i64) -> i64 {
        now.saturating_add(self.lifetime)
    }

    /// The token of the claims.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(crate) fn issue(&self, claims: &Claims) -> Result<String, SignError> {
        encode(&Header::new(Algorithm::HS256), claims, &self.sign).map_err(|_| SignError)
    }

    /// The claims of a token, while it is good.
    pub(crate) fn verify(&self, token: &str, now: i64) -> Option<Claims> {
        let token = decode::<Claims>(token, &self.verify, &self.validation).ok()?;
        (now < token.claims.exp).then_some(token.claims)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn tokens() -> Tokens {
        Tokens::new(&[7; 64], Duration::from_secs(60))
    }

    fn claims() -> Claims {
        Claims {
            iss: "http://h/".into(),
            jti: "t".into(),
            sub: "app".into(),
            client_id: "app".into(),
            login_id: "l".into(),
            membership: "m".into(),
            profile: "Practitioner/a".into(),
            scope: "openid".into(),
            iat: 1000,
            exp: tokens().ends(1000),
            nonce: None,
        }
    }

    #[test]
    fn a_token_is_good_until_it_ends() {
        let tokens = tokens();
        let token = tokens.issue(&claims()).unwrap();
        assert_eq!(tokens.verify(&token, 1000), Some(claims()));
        assert_eq!(tokens.verify(&token, 1059), Some(claims()));
        assert_eq!(tokens.verify(&token, 1060), None);
    }

    #[test]
    fn a_changed_or_foreign_token_is_refused() {
        let tokens = tokens();
        let token = tokens.issue(&claims()).unwrap();
        let [head, _, signature] = *token.split('.').collect::<Vec<_>>() else {
            panic!("three parts")
        };
        let changed = URL_SAFE_NO_PAD.encode(
            serde_json::to_string(&Claims {
                membership: "other".into(),
                ..claims()
            })
            .unwrap(),
        );
        let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        for bad in [
            format!("{head}.{changed}.{signature}"),
            format!("{unsigned}.{changed}."),
            format!("{token}x"),
            token.trim_end_matches(signature).to_owned(),
            String::new(),
            "..".into(),
        ] {
            assert_eq!(tokens.verify(&bad, 1000), None, "{bad}");
        }
        let other = Tokens::new(&[8; 64], Duration::from_secs(60));
        assert_eq!(other.verify(&token, 1000), None, "another server's key");
    }

    #[test]
    fn the_key_is_not_printed() {
        assert!(!format!("{:?}", tokens()).contains('7'));
    }
}
