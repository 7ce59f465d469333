//! `DELETE Type/id`.

use axum::response::Response;

use super::Context;
use crate::http::headers::check_if_match;
use crate::http::outcome::Failure;
use crate::http::reply::all_ok;

/// Deletes a resource; its history stays. Deleting it again changes nothing.
pub(crate) fn delete(
    context: &Context<'_>,
    resource_type: &str,
    id: &str,
) -> Result<Response, Failure> {
    let existing = context.newest(resource_type, id)?;
    context.access.delete(&existing.resource)?;
    check_if_match(context.headers, &existing)?;
    if !existing.is_deletion() {
        context.transaction()?.delete(&existing);
    }
    Ok(all_ok())
}
