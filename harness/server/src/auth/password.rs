//! Passwords, which are kept only as Argon2id hashes (RFC 9106) and compared off the request's
//! thread, a few at a time: each comparison takes the memory that it was told to take.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::random;
use super::settings::PasswordCost;
use crate::config::RandomError;

/// The table of the records that hold the hashes, by the id of the User.
pub(crate) const TABLE: &str = "password";

/// The shortest password that is accepted for a new one.
pub(crate) const SHORTEST: usize = 8;

/// The longest, in bytes: what is hashed is bounded.
pub(crate) const LONGEST: usize = 1024;

/// Hashes and compares passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    hasher: Argon2<'static>,
    /// The hash of a password that nobody has, for users that do not exist: refusing them takes
    /// as long as refusing a wrong password.
    decoy: String,
    room: Arc<Semaphore>,
}

/// The comparisons at a time. Others wait.
const AT_A_TIME: usize = 2;

/// Why passwords cannot be hashed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashError {
    /// The parameters are none that Argon2 can work with.
    #[error("the cost of passwords is not usable: {0}")]
    Cost(argon2::Error),
    /// There is no randomness for the salt.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Hashing failed, for want of memory.
    #[error("a password could not be hashed")]
    Hash,
}

impl Passwords {
    /// # Errors
    /// When the cost is none that Argon2 can work with.
    pub(crate) fn new(cost: &PasswordCost) -> Result<Self, HashError> {
        let params =
            Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(HashError::Cost)?;
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&hasher, &SecretString::from(random::token()?))?;
        Ok(Self {
            hasher,
            decoy,
            room: Arc::new(Semaphore::new(AT_A_TIME)),
        })
    }

    /// Room for a comparison or a hash, for as long as it is held.
    pub(crate) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    /// The hash of a new password, with its salt and its cost, as text.
    ///
    /// # Errors
    /// When there is no randomness or no memory.
    pub(crate) fn hash(&self, password: &SecretString) -> Result<String, HashError> {
        hash(&self.hasher, password)
    }

    /// Whether this is the password of the hash. Without one it takes as long, and is not.
    pub(crate) fn verify(&self, stored: Option<&str>, password: &SecretString) -> bool {
        let hash = stored.unwrap_or(&self.decoy);
        let equal = self
            .hasher
            .verify_password(password.expose_secret().as_bytes(), hash)
            .is_ok();
        equal && stored.is_some()
    }
}

fn hash(hasher: &Argon2<'static>, password: &SecretString) -> Result<String, HashError> {
    let salt = random::bytes::<16>()?;
    hasher
        .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|_| HashError::Hash)
}

/// What is wrong with a new password, if anything.
pub(crate) fn unusable(password: &SecretString) -> Option<String> {
    let password = password.expose_secret();
    if password.chars().count() < SHORTEST {
        Some(format!("a password has at least {SHORTEST} characters"))
    } else if password.len() > LONGEST {
        Some(format!("a password has at most {LONGEST} bytes"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Passwords {
        Passwords::new(&PasswordCost::least()).unwrap()
    }

    #[test]
    fn only_the_right_password_of_a_known_user_passes() {
        let passwords = passwords();
        let hash = passwords.hash(&"swordfish".into()).unwrap();
        assert!(passwords.verify(Some(&hash), &"swordfish".into()));
        assert!(!passwords.verify(Some(&hash), &"swordfisH".into()));
        assert!(!passwords.verify(None, &"swordfish".into()));
        assert!(!passwords.verify(Some("no hash"), &"swordfish".into()));
    }

    #[test]
    fn a_hash_tells_its_cost_and_has_a_salt_of_its_own() {
        let passwords = Passwords::new(&PasswordCost {
            memory_kib: 64,
            passes: 2,
            lanes: 1,
        })
        .unwrap();
        let (one, two) = (
            passwords.hash(&"swordfish".into()).unwrap(),
            passwords.hash(&"swordfish".into()).unwrap(),
        );
        assert!(one.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
        assert!(!one.contains("swordfish"));
    }

    #[test]
    fn a_cost_that_argon2_cannot_work_with_is_an_error() {
        let cost = PasswordCost {
            memory_kib: 1,
            passes: 1,
            lanes: 1,
        };
        assert!(matches!(Passwords::new(&cost), Err(HashError::Cost(_))));
    }

    #[test]
    fn new_passwords_are_neither_too_short_nor_too_long() {
        assert!(unusable(&"1234567".into()).is_some());
        assert!(unusable(&"12345678".into()).is_none());
        assert!(unusable(&"x".repeat(LONGEST + 1).into()).is_some());
    }
}
