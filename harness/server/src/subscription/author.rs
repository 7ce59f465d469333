//! In whose name a Subscription is carried out: the membership that wrote it last, within the scopes
//! of the token that it was written with.

use std::sync::Arc;

use crate::app::App;
use crate::auth::session::Actor;
use crate::store::Transaction;

/// The records of the authors' memberships, by id of the Subscription.
const AUTHORS: &str = "subscription-authors";

/// Who wrote a Subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Author {
    /// The id of the membership.
    pub(crate) membership: String,
    /// The scopes that limit what it does here; empty without.
    pub(crate) scope: String,
}

impl Author {
    /// The author as one text: the membership and, behind a space, the scopes. An id has none.
    pub(crate) fn to_text(&self) -> String {
        if self.scope.is_empty() {
            return self.membership.clone();
        }
        format!("{} {}", self.membership, self.scope)
    }

    fn from_text(text: &str) -> Self {
        let (membership, scope) = text.split_once(' ').unwrap_or((text, ""));
        Self {
            membership: membership.to_owned(),
            scope: scope.to_owned(),
        }
    }

    /// Whether somebody may hear what the author sees: the same member, under no other scopes.
    pub(crate) fn is_heard_by(&self, membership: &str, scope: &str) -> bool {
        self.membership == membership && (scope.is_empty() || scope == self.scope)
    }
}

/// Keeps the author, with the version that it writes.
pub(crate) fn note(transaction: &Transaction<'_>, subscription: &str, author: &Author) {
    let record = author.to_text().into_bytes();
    transaction.put_record(AUTHORS, subscription, Some(record));
}

/// Who wrote a Subscription last.
pub(crate) fn kept(app: &App, subscription: &str) -> Option<Author> {
    let kept = app.store.record(AUTHORS, subscription)?;
    Some(Author::from_text(std::str::from_utf8(&kept).ok()?))
}

/// What the author of a Subscription may do now; nothing once the membership is gone.
pub(crate) fn of(app: &App, subscription: &str) -> Option<Arc<Actor>> {
    let author = kept(app, subscription)?;
    let member = app.sessions.member(app, &author.membership)?;
    Some(app.sessions.within(app, member, &author.scope))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn author(membership: &str, scope: &str) -> Author {
        Author {
            membership: membership.into(),
            scope: scope.into(),
        }
    }

    #[rstest]
    #[case::record_without_scopes("m", author("m", ""))]
    #[case::scopes("m user/Patient.r openid", author("m", "user/Patient.r openid"))]
    fn what_is_kept_is_read(#[case] text: &str, #[case] expected: Author) {
        assert_eq!(Author::from_text(text), expected);
        assert_eq!(expected.to_text(), text);
    }

    #[rstest]
    #[case::same("m", "a", true)]
    #[case::whole("m", "", true)]
    #[case::other_scopes("m", "b", false)]
    #[case::other_member("n", "a", false)]
    fn who_hears(#[case] membership: &str, #[case] scope: &str, #[case] expected: bool) {
        assert_eq!(author("m", "a").is_heard_by(membership, scope), expected);
    }
}
