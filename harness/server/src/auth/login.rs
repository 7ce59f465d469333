//! Sign-ins under way: between the password and the token. They live for minutes and are not kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::pkce::Challenge;
use super::random;
use crate::config::RandomError;

/// How long a sign-in may take from the password to the token.
pub(crate) const LIFETIME: Duration = Duration::from_secs(300);

/// The sign-ins that may be under way. Beyond it the oldest are forgotten.
const MOST: usize = 10_000;

/// Somebody who gave the right password.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    /// The client that was named, empty without one.
    pub(crate) client: String,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<Challenge>,
    /// Where the code was sent by `/oauth2/authorize`; it is redeemed by naming it again.
    pub(crate) redirect: Option<String>,
    /// Whether there is to be a refresh token.
    pub(crate) remember: bool,
    /// The ids of the memberships to choose from.
    pub(crate) memberships: Vec<String>,
}

/// What a code stands for.
#[derive(Debug)]
pub(crate) struct Redeemed {
    /// The id of the sign-in.
    pub(crate) id: String,
    pub(crate) login: Login,
    /// The id of the membership that was chosen.
    pub(crate) membership: String,
}

/// Why a code is not redeemed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadCode {
    /// There is none like it, or no longer.
    Unknown,
    /// It was redeemed before: somebody else has it. With the id of the sign-in that is to end.
    Again(String),
}

/// The sign-ins under way.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    open: Mutex<HashMap<String, Open>>,
}

#[derive(Debug)]
struct Open {
    login: Login,
    until: Instant,
    /// The digest of the code, and the membership that it is for.
    code: Option<([u8; 32], String)>,
    redeemed: bool,
}

impl Logins {
    /// Begins a sign-in; its id.
    pub(crate) fn begin(&self, login: Login, now: Instant) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, open| now < open.until);
        if open.len() >= MOST {
            let oldest = open.iter().min_by_key(|(_, open)| open.until);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                open.remove(&oldest);
            }
        }
        let entry = Open {
            login,
            until: now + LIFETIME,
            code: None,
            redeemed: false,
        };
        open.insert(id.clone(), entry);
        id
    }

    /// The sign-in, while no membership is chosen.
    pub(crate) fn open(&self, id: &str, now: Instant) -> Option<Login> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = open.get(id)?;
        (now < entry.until && entry.code.is_none()).then(|| entry.login.clone())
    }

    /// Chooses a membership, once; the code for it. Nothing when the sign-in is not open or the
    /// membership not among its own.
    ///
    /// # Errors
    /// When there is no randomness for the code.
    pub(crate) fn choose(
        &self,
        id: &str,
        membership: &str,
        now: Instant,
    ) -> Result<Option<String>, RandomError> {
        let code = format!("{id}.{}", random::token()?);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = open.get_mut(id) else {
            return Ok(None);
        };
        let may = now < entry.until
            && entry.code.is_none()
            && entry.login.memberships.iter().any(|one| one == membership);
        Ok(may.then(|| {
            entry.code = Some((digest(&code), membership.to_owned()));
            code
        }))
    }

    /// Redeems a code, once.
    ///
    /// # Errors
    /// [`BadCode`]
    pub(crate) fn redeem(&self, code: &str, now: Instant) -> Result<Redeemed, BadCode> {
        let (id, _) = code.split_once('.').ok_or(BadCode::Unknown)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = open.get_mut(id).ok_or(BadCode::Unknown)?;
        let Some((expected, membership)) = &entry.code else {
            return Err(BadCode::Unknown);
        };
        if !bool::from(digest(code).ct_eq(expected)) || now >= entry.until {
            return Err(BadCode::Unknown);
        }
        if entry.redeemed {
            return Err(BadCode::Again(id.to_owned()));
        }
        entry.redeemed = true;
        Ok(Redeemed {
            id: id.to_owned(),
            login: entry.login.clone(),
            membership: membership.clone(),
        })
    }

    /// Ends the sign-ins under way that lead to one of these memberships.
    pub(crate) fn end(&self, is_one: impl Fn(&str) -> bool) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, open| !open.login.memberships.iter().any(|one| is_one(one)));
    }

    /// Whether a sign-in has not been ended since it began.
    pub(crate) fn holds(&self, id: &str) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.contains_key(id)
    }
}

fn digest(code: &str) -> [u8; 32] {
    Sha256::digest(code.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login {
            client: String::new(),
            scope: "openid".into(),
            nonce: None,
            challenge: None,
            redirect: None,
            remember: false,
            memberships: vec!["m".into(), "n".into()],
        }
    }

    #[test]
    fn a_code_is_redeemed_once() {
        let (logins, now) = (Logins::default(), Instant::now());
        let id = logins.begin(login(), now);
        let code = logins.choose(&id, "n", now).unwrap().unwrap();
        let redeemed = logins.redeem(&code, now).unwrap();
        assert_eq!((&*redeemed.id, &*redeemed.membership), (&*id, "n"));
        assert_eq!(logins.redeem(&code, now).unwrap_err(), BadCode::Again(id));
    }

    #[test]
    fn a_membership_is_chosen_once_and_from_ones_own() {
        let (logins, now) = (Logins::default(), Instant::now());
        let id = logins.begin(login(), now);
        assert_eq!(logins.choose(&id, "other", now).unwrap(), None);
        assert_eq!(logins.choose("other", "m", now).unwrap(), None);
        assert!(logins.choose(&id, "m", now).unwrap().is_some());
        assert_eq!(logins.choose(&id, "n", now).unwrap(), None);
        assert!(logins.open(&id, now).is_none());
    }

    #[test]
    fn nothing_is_redeemed_but_the_code() {
        let (logins, now) = (Logins::default(), Instant::now());
        let id = logins.begin(login(), now);
        assert_eq!(logins.redeem(&id, now).unwrap_err(), BadCode::Unknown);
        let code = logins.choose(&id, "m", now).unwrap().unwrap();
        for bad in [&*id, &format!("{id}."), &format!("{code}x"), "", "."] {
            assert_eq!(
                logins.redeem(bad, now).unwrap_err(),
                BadCode::Unknown,
                "{bad}"
            );
        }
        assert!(
            logins.redeem(&code, now).is_ok(),
            "wrong codes take nothing"
        );
    }

    #[test]
    fn sign_ins_end_by_their_memberships() {
        let (logins, now) = (Logins::default(), Instant::now());
        let id = logins.begin(login(), now);
        let code = logins.choose(&id, "n", now).unwrap().unwrap();
        logins.end(|membership| membership == "other");
        assert!(logins.holds(&id));
        logins.end(|membership| membership == "m");
        assert!(!logins.holds(&id));
        assert_eq!(logins.redeem(&code, now).unwrap_err(), BadCode::Unknown);
    }

    #[test]
    fn a_sign_in_ends_after_minutes() {
        let (logins, now) = (Logins::default(), Instant::now());
        let (slow, id) = (logins.begin(login(), now), logins.begin(login(), now));
        let code = logins.choose(&id, "m", now).unwrap().unwrap();
        let now = now + LIFETIME;
        assert_eq!(logins.redeem(&code, now).unwrap_err(), BadCode::Unknown);
        assert_eq!(logins.choose(&slow, "m", now).unwrap(), None);
    }
}
