//! Subscriptions: who is told of what was written, as far as the one who asked may see it.
//!
//! A commit comes to the [`hub`], which asks of every Subscription on the type: what does its
//! author see of this resource ([`notice`]), and does that match? A `rest-hook` is then called by a
//! worker of its own ([`delivery`]), in order; a `websocket` is told at once ([`sockets`]).

pub(crate) mod author;
mod backoff;
pub(crate) mod binding;
pub(crate) mod call;
mod definition;
mod delivery;
mod expression;
mod extension;
mod hook;
pub(crate) mod host;
pub(crate) mod hub;
mod notice;
mod protocol;
mod signature;
pub(crate) mod socket;
pub(crate) mod sockets;
mod status;
pub(crate) mod token;

use axum::http::StatusCode;

use crate::http::outcome::Failure;
use crate::rest::Context;
use crate::store::Version;
use definition::Definition;

/// Looks at a version that an actor writes, before it is committed: a Subscription must be one
/// that can be carried out, and from now on it is this actor's.
///
/// # Errors
/// 400 with everything that cannot be carried out here.
pub(crate) fn written(context: &Context<'_>, version: &Version) -> Result<(), Failure> {
    if &*version.resource_type != "Subscription" {
        return Ok(());
    }
    let app = context.app;
    Definition::parse(
        &version.resource,
        &app.options,
        app.messaging.caller.hosts(),
    )
    .map_err(|issues| Failure::new(StatusCode::BAD_REQUEST, issues))?;
    author::note(
        context.transaction()?,
        &version.id,
        &author::Author {
            membership: context.access.membership().to_owned(),
            scope: context.access.scope().to_owned(),
        },
    );
    Ok(())
}
