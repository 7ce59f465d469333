//! HTTP: routes, bodies, headers, and the OperationOutcome that every error is.

pub(crate) mod body;
pub(crate) mod headers;
pub(crate) mod listener;
pub(crate) mod log;
pub(crate) mod oauth;
pub(crate) mod outcome;
pub(crate) mod query;
pub(crate) mod reply;
pub(crate) mod route;
pub(crate) mod router;
pub(crate) mod shape;
mod subset;
