//! The secrets of the clients, which are kept only as salted hashes.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::random;
use crate::config::RandomError;

/// The clients that can sign in.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    hashes: RwLock<HashMap<String, Hash>>,
}

/// The salted hash of a secret.
#[derive(Debug, Clone)]
struct Hash {
    salt: [u8; 16],
    digest: [u8; 32],
}

impl Hash {
    fn of(salt: [u8; 16], secret: &SecretString) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(salt);
        hasher.update(secret.expose_secret().as_bytes());
        Self {
            salt,
            digest: hasher.finalize().into(),
        }
    }
}

impl Clients {
    /// Sets or replaces the secret of a client.
    ///
    /// # Errors
    /// When there is no randomness for the salt.
    pub(crate) fn set(&self, id: &str, secret: &SecretString) -> Result<(), RandomError> {
        let hash = Hash::of(random::bytes()?, secret);
        self.hashes
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.to_owned(), hash);
        Ok(())
    }

    /// Whether this is the secret of the client. A client that does not exist takes as long.
    pub(crate) fn verify(&self, id: &str, secret: &SecretString) -> bool {
        let known = self
            .hashes
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned();
        let expected = known.clone().unwrap_or(Hash {
            salt: [0; 16],
            digest: [0; 32],
        });
        let equal = Hash::of(expected.salt, secret)
            .digest
            .ct_eq(&expected.digest);
        bool::from(equal) && known.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_secret_of_a_known_client_passes() {
        let clients = Clients::default();
        clients.set("a", &"one".into()).unwrap();
        assert!(clients.verify("a", &"one".into()));
        assert!(!clients.verify("a", &"two".into()));
        assert!(!clients.verify("b", &"one".into()));
        assert!(!clients.verify("b", &"".into()));
    }

    #[test]
    fn nothing_of_a_secret_is_kept_or_printed() {
        let clients = Clients::default();
        clients.set("a", &"swordfish".into()).unwrap();
        assert!(!format!("{clients:?}").contains("swordfish"));
    }
}
