//! Proof Key for Code Exchange (RFC 7636): who redeems a code is who asked for it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a sign-in was asked to be proven by: the SHA-256 of a verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge([u8; 32]);

impl Challenge {
    /// Reads the challenge of a request; none when it names none.
    ///
    /// # Errors
    /// When the method is not S256: `plain` proves nothing to who has seen the request. The text
    /// says what is wrong.
    pub(crate) fn parse(
        challenge: Option<&str>,
        method: Option<&str>,
    ) -> Result<Option<Self>, &'static str> {
        let Some(challenge) = challenge else {
            return match method {
                None => Ok(None),
                Some(_) => Err("the code challenge is missing"),
            };
        };
        // RFC 7636, 4.3: without a method it is `plain`.
        if method != Some("S256") {
            return Err("the only code challenge method is S256");
        }
        URL_SAFE_NO_PAD
            .decode(challenge)
            .ok()
            .and_then(|digest| digest.try_into().ok())
            .map(|digest| Some(Self(digest)))
            .ok_or("the code challenge is no SHA-256 in base64url")
    }

    /// The same for a request that carries the password as well: who sees it needs no verifier,
    /// so `plain` takes nothing away. Medplum's client falls back to it where it finds no
    /// `window.crypto`, as on Node.
    ///
    /// # Errors
    /// When the challenge is missing or cannot be one.
    pub(crate) fn beside_password(
        challenge: Option<&str>,
        method: Option<&str>,
    ) -> Result<Option<Self>, &'static str> {
        match (challenge, method) {
            (Some(verifier), Some("plain") | None) => Ok(Some(Self(digest(verifier)))),
            _ => Self::parse(challenge, method),
        }
    }

    /// Whether this is the verifier.
    pub(crate) fn proves(&self, verifier: &str) -> bool {
        bool::from(digest(verifier).ct_eq(&self.0))
    }
}

fn digest(verifier: &str) -> [u8; 32] {
    Sha256::digest(verifier.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The example of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc() {
        let challenge = Challenge::parse(Some(CHALLENGE), Some("S256"))
            .unwrap()
            .unwrap();
        assert!(challenge.proves(VERIFIER));
        assert!(!challenge.proves(CHALLENGE));
        assert!(!challenge.proves(""));
    }

    #[rstest]
    #[case::plain(Some(VERIFIER), Some("plain"))]
    #[case::no_method(Some(VERIFIER), None)]
    #[case::no_challenge(None, Some("S256"))]
    #[case::no_digest(Some("short"), Some("S256"))]
    fn refused(#[case] challenge: Option<&str>, #[case] method: Option<&str>) {
        assert!(Challenge::parse(challenge, method).is_err());
    }

    #[test]
    fn none_is_none() {
        assert_eq!(Challenge::parse(None, None), Ok(None));
        assert_eq!(Challenge::beside_password(None, None), Ok(None));
    }

    #[rstest]
    #[case::named(Some("plain"))]
    #[case::by_default(None)]
    fn plain_beside_a_password(#[case] method: Option<&str>) {
        let challenge = Challenge::beside_password(Some("v"), method).unwrap();
        assert!(challenge.as_ref().unwrap().proves("v"));
        assert!(!challenge.unwrap().proves("w"));
        assert!(Challenge::beside_password(Some("v"), Some("S512")).is_err());
        assert!(Challenge::beside_password(None, Some("plain")).is_err());
    }
}
