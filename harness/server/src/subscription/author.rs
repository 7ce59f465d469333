//! In whose name a Subscription is carried out: the membership that wrote it last.

use std::sync::Arc;

use crate::app::App;
use crate::auth::session::Actor;
use crate::store::Transaction;

/// The records of the authors' memberships, by id of the Subscription.
const AUTHORS: &str = "subscription-authors";

/// Keeps the author, with the version that it writes.
pub(crate) fn note(transaction: &Transaction<'_>, subscription: &str, membership: &str) {
    transaction.put_record(AUTHORS, subscription, Some(membership.as_bytes().to_vec()));
}

/// The id of the author's membership.
pub(crate) fn membership(app: &App, subscription: &str) -> Option<String> {
    let kept = app.store.record(AUTHORS, subscription)?;
    String::from_utf8(kept.to_vec()).ok()
}

/// What the author of a Subscription may do now; nothing once the membership is gone.
pub(crate) fn of(app: &App, subscription: &str) -> Option<Arc<Actor>> {
    acting(app, &membership(app, subscription)?)
}

/// What a member may do now, without the scopes of any one token.
pub(crate) fn acting(app: &App, membership: &str) -> Option<Arc<Actor>> {
    app.sessions.member(app, membership)
}
