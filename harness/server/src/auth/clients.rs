//! The secrets of the clients, which are kept only as salted hashes.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::random;
use crate::config::RandomError;
use crate::store::{Store, Transaction};

/// The records that hold, by client, a salt of 16 bytes and the digest of salt and secret.
const SECRETS: &str = "client-secrets";

const SALT: usize = 16;

fn digest(salt: &[u8], secret: &SecretString) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(secret.expose_secret().as_bytes());
    hasher.finalize().into()
}

/// Sets or replaces the secret of a client.
///
/// # Errors
/// When there is no randomness for the salt.
pub(crate) fn set(
    transaction: &Transaction<'_>,
    id: &str,
    secret: &SecretString,
) -> Result<(), RandomError> {
    let salt = random::bytes::<SALT>()?;
    let record = [salt.as_slice(), &digest(&salt, secret)].concat();
    transaction.put_record(SECRETS, id, Some(record));
    Ok(())
}

/// Whether this is the secret of the client. A client that does not exist takes as long.
pub(crate) fn verify(store: &Store, id: &str, secret: &SecretString) -> bool {
    let record = store.record(SECRETS, id);
    let known = record
        .as_deref()
        .and_then(|record| record.split_at_checked(SALT));
    let (salt, expected) = known.unwrap_or((&[0; SALT], &[0; 32]));
    let equal = digest(salt, secret).as_slice().ct_eq(expected);
    bool::from(equal) && known.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_secret_of_a_known_client_passes() {
        let store = Store::default();
        let transaction = store.begin();
        set(&transaction, "a", &"one".into()).unwrap();
        transaction.commit().unwrap();
        assert!(verify(&store, "a", &"one".into()));
        assert!(!verify(&store, "a", &"two".into()));
        assert!(!verify(&store, "b", &"one".into()));
        assert!(!verify(&store, "b", &"".into()));
    }

    #[test]
    fn nothing_of_a_secret_is_kept_or_printed() {
        let store = Store::default();
        let transaction = store.begin();
        set(&transaction, "a", &"swordfish".into()).unwrap();
        let staged = format!("{transaction:?}");
        transaction.commit().unwrap();
        let kept = store.record(SECRETS, "a").unwrap();
        assert!(!kept.windows(9).any(|part| part == b"swordfish"));
        assert!(!format!("{staged}{store:?}").contains("swordfish"));
    }
}
