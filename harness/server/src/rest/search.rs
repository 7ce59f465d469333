//! Searches: on a type, on several, in a compartment; by `GET` and by `POST …/_search`.

use axum::response::Response;

use super::Context;
use crate::http::outcome::Failure;
use crate::http::query::pairs;
use crate::search::{self, Target};

/// A search whose parameters are in the URL.
pub(crate) fn by_get(context: &Context<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    search::run(context, target, pairs(context.query.unwrap_or_default())?)
}

/// A search whose parameters are in the form, and perhaps in the URL as well.
pub(crate) fn by_post(
    context: &Context<'_>,
    target: &Target<'_>,
    bytes: &[u8],
) -> Result<Response, Failure> {
    let form = std::str::from_utf8(bytes).map_err(|_| Failure::invalid("the form is no UTF-8"))?;
    let mut parameters = pairs(context.query.unwrap_or_default())?;
    parameters.extend(pairs(form)?);
    search::run(context, target, parameters)
}
