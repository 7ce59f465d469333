//! `DELETE Type/id`.

use axum::response::Response;

use super::Context;
use crate::http::headers::{check_if_match, check_if_none_match};
use crate::http::outcome::Failure;
use crate::http::reply::deleted;
use crate::store::Version;

/// Deletes a resource; its history stays. Deleting it again changes nothing.
pub(crate) fn delete(
    context: &Context<'_>,
    resource_type: &str,
    id: &str,
) -> Result<Response, Failure> {
    one(context, &*context.newest(resource_type, id)?)
}

/// Deletes the resource of which this is the newest version.
///
/// # Errors
/// 404 when it is hidden, 403 when it may not be deleted, 412 when another version was meant.
pub(super) fn one(context: &Context<'_>, existing: &Version) -> Result<Response, Failure> {
    context.access.delete(&existing.resource)?;
    check_if_match(context.headers, existing)?;
    check_if_none_match(context.headers, existing)?;
    if !existing.is_deletion() {
        context.transaction()?.delete(existing);
    }
    Ok(deleted(existing))
}
