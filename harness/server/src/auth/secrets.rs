//! The secrets of clients, which are kept only as salted digests.
//!
//! A secret is compared with every request that signs in by Basic, and has 256 random bits when
//! this server makes it: a slow hash, as passwords need, would protect nothing more.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::random;
use crate::config::RandomError;
use crate::store::Store;

/// The table of the records that hold the digests, by the id of the ClientApplication.
pub(crate) const TABLE: &str = "client-secret";

const SALT: usize = 16;

/// The record of a secret.
///
/// # Errors
/// When there is no randomness for the salt.
pub(crate) fn record(secret: &SecretString) -> Result<Vec<u8>, RandomError> {
    let salt = random::bytes::<SALT>()?;
    Ok([salt.as_slice(), &digest(&salt, secret)].concat())
}

/// Whether this is the secret of the client. A client that does not exist takes as long.
pub(crate) fn verify(store: &Store, id: &str, secret: &SecretString) -> bool {
    matches(store.record(TABLE, id).as_deref(), secret)
}

fn matches(record: Option<&[u8]>, secret: &SecretString) -> bool {
    let (salt, expected) = record
        .and_then(|record| record.split_at_checked(SALT))
        .unwrap_or((&[0; SALT], &[0; 32]));
    let equal = digest(salt, secret).as_slice().ct_eq(expected);
    bool::from(equal) && record.is_some()
}

fn digest(salt: &[u8], secret: &SecretString) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(secret.expose_secret().as_bytes());
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_secret_of_a_known_client_passes() {
        let record = record(&"one".into()).unwrap();
        assert!(matches(Some(&record), &"one".into()));
        assert!(!matches(Some(&record), &"two".into()));
        assert!(!matches(Some(&[]), &"".into()));
        assert!(!matches(None, &"one".into()));
        assert!(!matches(None, &"".into()));
    }

    #[test]
    fn nothing_of_a_secret_is_kept() {
        let record = record(&"swordfish".into()).unwrap();
        assert!(!record.windows(9).any(|part| part == b"swordfish"));
    }
}
