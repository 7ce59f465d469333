//! `X-Medplum-On-Behalf-Of`: an administrator of a project acts for one of its members.

use std::sync::Arc;

use axum::http::HeaderMap;

use super::Session;
use super::session::Actor;
use crate::app::App;
use crate::http::outcome::Failure;
use crate::store::View;

const HEADER: &str = "x-medplum-on-behalf-of";

/// Who the request is made for: the member that the header names, by its ProjectMembership or its
/// profile, else who signed in. The member's policy decides, within the scopes of the token; who
/// signed in stays the author.
///
/// # Errors
/// 403 for who does not administer the project. It knows all of its members, so one answer is
/// enough for members that there are not, that are another project's, or that have no access.
pub(super) fn acted_for(
    app: &App,
    headers: &HeaderMap,
    session: Session,
) -> Result<Arc<Actor>, Failure> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(session.actor);
    };
    if !session.actor.admin {
        return Err(Failure::forbidden(
            "only an administrator of the project acts on behalf of others",
        ));
    }
    let named = value.to_str().map(str::trim).unwrap_or_default();
    if values.next().is_some() || named.is_empty() {
        return Err(Failure::invalid(
            "X-Medplum-On-Behalf-Of names one ProjectMembership, or one profile, as Type/id",
        ));
    }
    let partition = &session.actor.partition;
    let member = match named.strip_prefix("ProjectMembership/") {
        Some(id) => app
            .store
            .current("ProjectMembership", id)
            .filter(|membership| partition.holds(&membership.resource))
            .and_then(|membership| app.sessions.member(app, &membership.id)),
        None => app.sessions.of_profile(app, partition, named),
    };
    let Some(member) = member else {
        return Err(Failure::forbidden(
            "X-Medplum-On-Behalf-Of names nobody who is exactly one active member of your project",
        ));
    };
    let limited = app.sessions.within(app, member, &session.scope);
    Ok(Arc::new(Actor {
        author: session.actor.author.clone(),
        ..Actor::clone(&limited)
    }))
}
