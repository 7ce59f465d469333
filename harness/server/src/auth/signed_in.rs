//! The sign-ins of each user, so that a new password ends all of them but the one it came by.
//!
//! A token is verified without looking up its user's password, so that the sign-ins are ended one by
//! one, as a logout does.

use serde::{Deserialize, Serialize};

use super::refresh::{self, Grant};
use super::{password, user};
use crate::app::App;
use crate::store::Transaction;

/// The table of the sign-ins that gave tokens, by their id.
pub(crate) const TABLE: &str = "user-login";

/// A sign-in that gave tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SignIn {
    /// The id of the User.
    user: String,
    /// When the last of its tokens ends, in seconds since 1970.
    until: i64,
}

/// Keeps that a user signed in.
pub(crate) fn note(transaction: &Transaction<'_>, login: &str, user: &str, until: i64) {
    let sign_in = SignIn {
        user: user.to_owned(),
        until,
    };
    // A string and a number: there is nothing that could not be written.
    let record = serde_json::to_vec(&sign_in).unwrap_or_default();
    transaction.put_record(TABLE, login, Some(record));
}

/// Gives a user a new password and ends what was begun with the old one, whoever gives it: all
/// sign-ins but one, and those under way. Who else knew the old one is signed out.
pub(crate) fn replace_password(
    app: &App,
    transaction: &Transaction<'_>,
    user: &str,
    hash: String,
    but: Option<&str>,
) {
    transaction.put_record(password::TABLE, user, Some(hash.into_bytes()));
    end_others(transaction, user, but, app.tokens.lifetime());
    let own: Vec<_> = user::memberships(transaction, &format!("User/{user}")).collect();
    let is_own = |membership: &str| own.iter().any(|own| *own.id == *membership);
    app.sign_in.logins.end(is_own);
}

/// Ends the sign-ins of a user, but for one. A token is good for `lifetime` seconds.
fn end_others(transaction: &Transaction<'_>, user: &str, but: Option<&str>, lifetime: i64) {
    let others = |login: &str| Some(login) != but;
    for (login, record) in transaction.records(TABLE) {
        let sign_in: Option<SignIn> = serde_json::from_slice(&record).ok();
        if let Some(sign_in) = sign_in.filter(|it| it.user == user && others(&login)) {
            refresh::stage_end(transaction, &login, sign_in.until);
            transaction.put_record(TABLE, &login, None);
        }
    }
    // Those from before sign-ins were kept are known by their refresh tokens.
    let own: Vec<_> = user::memberships(transaction, &format!("User/{user}")).collect();
    for (_, record) in transaction.records(refresh::TABLE) {
        let grant: Option<Grant> = serde_json::from_slice(&record).ok();
        let grant = grant.filter(|grant| own.iter().any(|one| *one.id == grant.membership));
        if let Some(grant) = grant.filter(|grant| others(&grant.login)) {
            let until = grant.until.saturating_add(lifetime);
            refresh::stage_end(transaction, &grant.login, until);
        }
    }
}

/// Forgets what has ended by itself.
pub(crate) fn forget(transaction: &Transaction<'_>, now: i64) {
    for (login, record) in transaction.records(TABLE) {
        let sign_in: Option<SignIn> = serde_json::from_slice(&record).ok();
        if sign_in.is_none_or(|sign_in| now >= sign_in.until) {
            transaction.put_record(TABLE, &login, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn the_other_sign_ins_of_a_user_end() {
        let store = Store::default();
        let transaction = store.begin();
        for (login, user) in [("here", "alice"), ("there", "alice"), ("his", "bob")] {
            note(&transaction, login, user, 100);
        }
        end_others(&transaction, "alice", Some("here"), 10);
        transaction.commit().unwrap();
        let ended = ["here", "there", "his"].map(|login| refresh::has_ended(&store, login));
        assert_eq!(ended, [false, true, false]);
    }

    #[test]
    fn a_sign_in_is_forgotten_when_its_tokens_have_ended() {
        let store = Store::default();
        let transaction = store.begin();
        note(&transaction, "short", "alice", 10);
        note(&transaction, "long", "alice", 11);
        forget(&transaction, 10);
        assert_eq!(transaction.record(TABLE, "short"), None);
        assert!(transaction.record(TABLE, "long").is_some());
    }
}
