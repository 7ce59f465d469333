//! Users and their memberships, as they are stored.

use std::sync::Arc;

use serde_json::Value;

use crate::store::{Version, View};

/// The user of an e-mail address: in a project the one that belongs to it, else the one that
/// belongs to none. Without a project, the one that belongs to none, else the only one there is.
pub(crate) fn by_email(
    view: &dyn View,
    email: &str,
    project: Option<&str>,
) -> Option<Arc<Version>> {
    let email = email.to_lowercase();
    let all: Vec<_> = view
        .scan("User")
        .into_iter()
        .filter(|user| {
            text(&user.resource, "/email").is_some_and(|stored| stored.to_lowercase() == email)
        })
        .collect();
    let of = |project: Option<&str>| {
        let named = all.iter().find(|user| project_of(user) == project);
        named.cloned()
    };
    match project {
        Some(project) => of(Some(project)).or_else(|| of(None)),
        None => of(None).or_else(|| match all.as_slice() {
            [only] => Some(Arc::clone(only)),
            _ => None,
        }),
    }
}

/// The user of an e-mail address that belongs to a project, or to none.
pub(crate) fn exactly(view: &dyn View, email: &str, project: Option<&str>) -> Option<Arc<Version>> {
    let email = email.to_lowercase();
    view.scan("User").into_iter().find(|user| {
        project_of(user) == project
            && text(&user.resource, "/email").is_some_and(|stored| stored.to_lowercase() == email)
    })
}

/// The id of the project that a user belongs to.
pub(crate) fn project_of(user: &Version) -> Option<&str> {
    text(&user.resource, "/project/reference")?.strip_prefix("Project/")
}

/// All memberships of a User, ClientApplication or Bot.
pub(crate) fn memberships(view: &dyn View, reference: &str) -> impl Iterator<Item = Arc<Version>> {
    let all = view.scan("ProjectMembership").into_iter();
    all.filter(move |membership| text(&membership.resource, "/user/reference") == Some(reference))
}

/// Whether a membership was not switched off.
pub(crate) fn is_active(membership: &Value) -> bool {
    membership.get("active").is_none_or(|active| active == true)
}

/// A text at a place.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str()
}
