//! How often somebody may try to sign in to one account.
//!
//! An attempt counts before its password is compared, so that parallel attempts cannot outrun the
//! count, and is forgotten when it succeeds. Accounts that do not exist count alike.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

/// The accounts that are remembered. Beyond it the oldest are forgotten.
const ACCOUNTS: usize = 10_000;

/// Counts attempts by account, for which only a digest is kept.
#[derive(Debug)]
pub(crate) struct Throttle {
    attempts: u32,
    per: Duration,
    accounts: Mutex<HashMap<[u8; 32], Attempts>>,
}

#[derive(Debug, Clone, Copy)]
struct Attempts {
    count: u32,
    since: Instant,
}

impl Throttle {
    pub(crate) fn new(attempts: u32, per: Duration) -> Self {
        Self {
            attempts,
            per,
            accounts: Mutex::default(),
        }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// When there were too many: how long to wait for the next.
    pub(crate) fn attempt(&self, account: &str, now: Instant) -> Result<(), Duration> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= ACCOUNTS {
            accounts.retain(|_, attempts| now.duration_since(attempts.since) < self.per);
            let oldest = accounts.iter().min_by_key(|(_, attempts)| attempts.since);
            if accounts.len() >= ACCOUNTS
                && let Some((&oldest, _)) = oldest
            {
                accounts.remove(&oldest);
            }
        }
        let attempts = accounts.entry(digest(account)).or_insert(Attempts {
            count: 0,
            since: now,
        });
        if now.duration_since(attempts.since) >= self.per {
            *attempts = Attempts {
                count: 0,
                since: now,
            };
        }
        if attempts.count >= self.attempts {
            return Err(self.per - now.duration_since(attempts.since));
        }
        attempts.count += 1;
        Ok(())
    }

    /// The attempt was the right one.
    pub(crate) fn succeeded(&self, account: &str) {
        self.accounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&digest(account));
    }
}

fn digest(account: &str) -> [u8; 32] {
    Sha256::digest(account.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn too_many_attempts_wait_for_the_rest_of_the_time() {
        let throttle = Throttle::new(2, MINUTE);
        let start = Instant::now();
        assert_eq!(throttle.attempt("a", start), Ok(()));
        let later = start + 20 * SECOND;
        assert_eq!(throttle.attempt("a", later), Ok(()));
        assert_eq!(throttle.attempt("a", later), Err(40 * SECOND));
        assert_eq!(throttle.attempt("b", later), Ok(()), "another account");
        assert_eq!(throttle.attempt("a", start + MINUTE), Ok(()));
    }

    #[test]
    fn a_success_is_forgotten() {
        let throttle = Throttle::new(2, MINUTE);
        for _ in 0..10 {
            assert_eq!(throttle.attempt("a", Instant::now()), Ok(()));
            throttle.succeeded("a");
        }
    }

    #[test]
    fn the_accounts_that_are_remembered_are_bounded() {
        let throttle = Throttle::new(1, MINUTE);
        let mut now = Instant::now();
        for n in 0..ACCOUNTS + 10 {
            assert_eq!(throttle.attempt(&n.to_string(), now), Ok(()));
            now += Duration::from_millis(1);
        }
        assert!(throttle.accounts.lock().unwrap().len() <= ACCOUNTS);
        let last = (ACCOUNTS + 9).to_string();
        assert!(throttle.attempt(&last, now).is_err(), "the newest are kept");
    }
}
