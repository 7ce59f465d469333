//! What a subscriber is told of a change: never more than its author sees.

use serde_json::Value;

use super::author;
use super::definition::Definition;
use crate::access::Access;
use crate::app::App;
use crate::store::{Change, Version, View as _};

/// What a notification tells.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) change: Change,
    /// `Type/id`
    pub(crate) reference: String,
    /// The resource as the author sees it; of a deletion, what was deleted.
    pub(crate) resource: Value,
}

impl Notice {
    /// The interaction, as the header names it.
    pub(crate) fn interaction(&self) -> &'static str {
        match self.change {
            Change::Create => "create",
            Change::Update => "update",
            Change::Delete => "delete",
        }
    }
}

/// What there is to tell of a change, if anything.
///
/// The criteria are asked of what the author sees, not of what is stored. So whether a
/// notification comes tells nothing of fields that are hidden from the author.
///
/// As in a history, a version is told of only while the author may read the newest one, or, of what
/// was deleted, could read it at its end: who hides a resource hides what it was before.
///
/// # Errors
/// Why it cannot be told whether there is.
pub(crate) fn of(
    app: &App,
    definition: &Definition,
    before: Option<&Version>,
    after: &Version,
) -> Result<Option<Notice>, String> {
    let Some(author) = author::of(app, &definition.id) else {
        return Ok(None);
    };
    let access = Access::new(app, &app.store, &author);
    let Ok(current) = access.content(&after.resource) else {
        return Ok(None);
    };
    let newest = app.store.newest(&after.resource_type, &after.id);
    if newest.is_none_or(|newest| access.content(&newest.resource).is_err()) {
        return Ok(None);
    }
    let previous = before
        .filter(|before| definition.asks_for_previous() && !before.is_deletion())
        .and_then(|before| access.content(&before.resource).ok());
    if !definition.matches(after.change, previous.as_ref(), &current)? {
        return Ok(None);
    }
    Ok(Some(Notice {
        change: after.change,
        reference: after.reference(),
        resource: access.opened(current),
    }))
}
