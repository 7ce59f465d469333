//! `X-Signature`: by which a receiver knows that a notification is from here.

use std::fmt::Write as _;

use axum::http::HeaderValue;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The HMAC-SHA256 of the body in hexadecimal digits, as Medplum's documentation has it.
///
/// # Errors
/// Why there is none, of which a key of any length is no reason. What is to be signed is not sent
/// without.
pub(crate) fn of(body: &[u8], secret: &SecretString) -> Result<HeaderValue, String> {
    let unsigned = "the notification could not be signed";
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .map_err(|error| format!("{unsigned}: {error}"))?;
    let mut text = String::with_capacity(64);
    for byte in mac.chain_update(body).finalize().into_bytes() {
        // Writing into a String does not fail.
        let _: std::fmt::Result = write!(text, "{byte:02x}");
    }
    HeaderValue::try_from(text).map_err(|error| format!("{unsigned}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn known_answer() {
        assert_eq!(
            of(b"what do ya want for nothing?", &"Jefe".into()).unwrap(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_key_of_any_length_signs() {
        for length in [0, 1, 64, 65, 4096] {
            assert!(of(b"x", &"k".repeat(length).into()).is_ok(), "{length}");
        }
    }
}
