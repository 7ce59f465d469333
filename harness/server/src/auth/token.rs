//! Access tokens: JWTs signed with a key that lives as long as the server.
//!
//! Clients of such servers read the claims of their token (when it ends, whose it is), so it is a
//! JWT and not merely a random string. The server trusts nothing in it but the signature.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::random;
use crate::config::RandomError;

/// Makes and verifies access tokens.
pub(crate) struct Tokens {
    key: Hmac<Sha256>,
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
    /// Tokens of a new random key.
    ///
    /// # Errors
    /// When there is no randomness for the key.
    pub(crate) fn new(lifetime: Duration) -> Result<Self, RandomError> {
        let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        Ok(Self {
            key: Hmac::new(&random::bytes::<64>()?.into()),
            lifetime,
        })
    }

    /// Seconds that a token is good for.
    pub(crate) fn lifetime(&self) -> i64 {
        self.lifetime
    }

    /// A token for a client, within scopes, from `now` (seconds since 1970).
    pub(crate) fn issue(
        &self,
        client: &str,
        profile: &str,
        scope: &str,
        issuer: &str,
        now: i64,
    ) -> String {
        let claims = json!({
            "iss": issuer,
            "sub": client,
            "client_id": client,
            "login_id": uuid::Uuid::new_v4().to_string(),
            "profile": profile,
            "scope": scope,
            "iat": now,
            "exp": now.saturating_add(self.lifetime),
        });
        let head = URL_SAFE_NO_PAD.encode(json!({ "alg": "HS256", "typ": "JWT" }).to_string());
        let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self
            .key
            .clone()
            .chain_update(&signed)
            .finalize()
            .into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The client that a token was issued to and the scopes of the token, while it is good.
    pub(crate) fn verify(&self, token: &str, now: i64) -> Option<(String, String)> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        // Compares in constant time.
        self.key
            .clone()
            .chain_update(signed)
            .verify_slice(&signature)
            .ok()?;
        let (_, claims) = signed.split_once('.')?;
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let ends = claims.get("exp")?.as_i64()?;
        let text = |name: &str| claims.get(name)?.as_str().map(str::to_owned);
        (now < ends)
            .then(|| Some((text("client_id")?, text("scope")?)))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens::new(Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn a_token_is_good_until_it_ends() {
        let tokens = tokens();
        let token = tokens.issue("app", "Practitioner/a", "openid", "http://h/", 1000);
        let good = Some(("app".to_owned(), "openid".to_owned()));
        assert_eq!(tokens.verify(&token, 1000), good);
        assert_eq!(tokens.verify(&token, 1059), good);
        assert_eq!(tokens.verify(&token, 1060), None);
    }

    #[test]
    fn a_changed_or_foreign_token_is_refused() {
        let tokens = tokens();
        let token = tokens.issue("app", "Practitioner/a", "openid", "http://h/", 1000);
        let [head, _, signature] = *token.split('.').collect::<Vec<_>>() else {
            panic!("three parts")
        };
        let claims = URL_SAFE_NO_PAD.encode(r#"{"client_id":"other","exp":9999999999}"#);
        let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        for bad in [
            format!("{head}.{claims}.{signature}"),
            format!("{unsigned}.{claims}."),
            format!("{token}x"),
            token.trim_end_matches(signature).to_owned(),
            String::new(),
            "..".into(),
        ] {
            assert_eq!(tokens.verify(&bad, 1000), None, "{bad}");
        }
        assert_eq!(
            self::tokens().verify(&token, 1000),
            None,
            "another server's key"
        );
    }
}
