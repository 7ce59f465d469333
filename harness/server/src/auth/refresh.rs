//! Refresh tokens, each good for one use, and sign-ins that have ended (RFC 6749, 6; RFC 9700,
//! 4.14.2).
//!
//! A refresh token is kept as its digest, and after its use as well: who uses it again is not who
//! got its successor, and which of the two is the thief nobody can tell. So the whole sign-in ends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{random, signed_in};
use crate::config::RandomError;
use crate::store::{Store, StoreError, Transaction};

/// The table of the refresh tokens, by their digest.
pub(crate) const TABLE: &str = "refresh-token";

/// The table of the sign-ins that have ended before their tokens did, by their id; the value is
/// until when that has to be known, in seconds since 1970.
pub(crate) const ENDED: &str = "ended-login";

/// What a refresh token is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// The id of the sign-in.
    pub(crate) login: String,
    /// The client that was signed in with, empty without one.
    pub(crate) client: String,
    /// The id of the ProjectMembership.
    pub(crate) membership: String,
    /// The scopes.
    pub(crate) scope: String,
    /// When the sign-in ends, in seconds since 1970.
    pub(crate) until: i64,
    /// Whether it was used.
    pub(crate) spent: bool,
}

/// Why a refresh token is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// There is none like it, or no longer.
    #[error("the refresh token is not valid, or no longer")]
    Unknown,
    /// It was used before, so its sign-in has ended.
    #[error("the refresh token was used before; the sign-in has ended")]
    Again,
    /// It is for other scopes.
    #[error("a refreshed token has the scopes of the sign-in")]
    Scope,
    /// There is no randomness for the next.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a refresh token, which is good once the transaction is kept.
///
/// # Errors
/// When there is no randomness.
pub(crate) fn issue(transaction: &Transaction<'_>, grant: &Grant) -> Result<String, RandomError> {
    let token = random::token()?;
    put(transaction, &key(&token), grant);
    Ok(token)
}

/// Trades a refresh token for the next one.
///
/// # Errors
/// [`Refused`]; when it was used before, the sign-in has ended with this.
pub(crate) fn rotate(
    store: &Store,
    token: &str,
    client: &str,
    scope: Option<&str>,
    now: i64,
) -> Result<(Grant, String), Refused> {
    // The one writer: what is read from here on stays as it is.
    let transaction = store.begin();
    let key = key(token);
    let record = transaction.record(TABLE, &key).ok_or(Refused::Unknown)?;
    let mut grant: Grant = serde_json::from_slice(&record).map_err(|_| Refused::Unknown)?;
    if now >= grant.until
        || grant.client != client
        || transaction.record(ENDED, &grant.login).is_some()
    {
        return Err(Refused::Unknown);
    }
    if grant.spent {
        stage_end(&transaction, &grant.login, grant.until);
        transaction.commit()?;
        return Err(Refused::Again);
    }
    // A scope of its own could only be the same or less; less would have to be understood.
    if scope.is_some_and(|scope| scope != grant.scope) {
        return Err(Refused::Scope);
    }
    let next = issue(&transaction, &grant)?;
    grant.spent = true;
    put(&transaction, &key, &grant);
    transaction.commit()?;
    Ok((grant, next))
}

/// Forgets what has ended by itself.
///
/// # Errors
/// When it cannot be kept.
pub(crate) fn forget(store: &Store, now: i64) -> Result<(), StoreError> {
    let transaction = store.begin();
    for (key, record) in transaction.records(TABLE) {
        let grant: Option<Grant> = serde_json::from_slice(&record).ok();
        if grant.is_none_or(|grant| now >= grant.until) {
            transaction.put_record(TABLE, &key, None);
        }
    }
    for (login, record) in transaction.records(ENDED) {
        let until = std::str::from_utf8(&record).ok();
        let until = until.and_then(|until| until.parse::<i64>().ok());
        if until.is_some_and(|until| now >= until) {
            transaction.put_record(ENDED, &login, None);
        }
    }
    signed_in::forget(&transaction, now);
    transaction.commit()?;
    Ok(())
}

/// Ends a sign-in: none of its tokens is good any more.
///
/// # Errors
/// When it cannot be kept.
pub(crate) fn end(store: &Store, login: &str, until: i64) -> Result<(), StoreError> {
    let transaction = store.begin();
    stage_end(&transaction, login, until);
    transaction.commit()?;
    Ok(())
}

/// Whether a sign-in has ended.
pub(crate) fn has_ended(store: &Store, login: &str) -> bool {
    store.record(ENDED, login).is_some()
}

fn put(transaction: &Transaction<'_>, key: &str, grant: &Grant) {
    // Strings, a number and a truth value: there is nothing that could not be written.
    let record = serde_json::to_vec(grant).unwrap_or_default();
    transaction.put_record(TABLE, key, Some(record));
}

/// Ends a sign-in with what else is written.
pub(crate) fn stage_end(transaction: &Transaction<'_>, login: &str, until: i64) {
    let record = until.to_string().into_bytes();
    transaction.put_record(ENDED, login, Some(record));
}

fn key(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}
