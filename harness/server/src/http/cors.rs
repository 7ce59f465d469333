//! Which pages may use the server from a browser (CORS, as the Fetch standard has it).
//!
//! Medplum's client sends `credentials: include`, so the origin is named in the answer: browsers
//! take no `*` then. That gives no page anything, since there are no cookies: what a page may do is
//! in the token that it sends itself.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use url::Url;

use crate::auth::settings::Origins;

/// The headers of answers that pages read.
const EXPOSED: [HeaderName; 11] = [
    header::ACCEPT_RANGES,
    header::CONTENT_DISPOSITION,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_RANGE,
    header::ETAG,
    header::LAST_MODIFIED,
    header::LINK,
    header::LOCATION,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
];

const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// How long a browser remembers the answer. Chromium remembers no longer than this.
const REMEMBERED: Duration = Duration::from_secs(7200);

/// The layer that answers browsers; `None` for every page.
pub(super) fn layer(origins: Option<&[HeaderValue]>) -> CorsLayer {
    let origins = match origins {
        None => AllowOrigin::mirror_request(),
        Some(origins) => AllowOrigin::list(origins.iter().cloned()),
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_credentials(true)
        .allow_methods(METHODS)
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
        .max_age(REMEMBERED)
}

/// The origins of the settings, as browsers write them.
///
/// # Errors
/// The text says which is none.
pub(crate) fn allowed(origins: &Origins) -> Result<Option<Vec<HeaderValue>>, String> {
    let Origins::Only(origins) = origins else {
        return Ok(None);
    };
    let header = |text: &String| {
        let origin = Url::parse(text).ok().map(|url| url.origin());
        origin
            .filter(|origin| origin.is_tuple() && origin.ascii_serialization() == *text)
            .and_then(|_| HeaderValue::from_str(text).ok())
            .ok_or_else(|| {
                format!("`{text}` is no origin, such as http://localhost:3000 (nothing behind it)")
            })
    };
    origins
        .iter()
        .map(header)
        .collect::<Result<_, _>>()
        .map(Some)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::good("http://localhost:3000", true)]
    #[case::tls("https://app.example.com", true)]
    #[case::slash("http://localhost:3000/", false)]
    #[case::path("https://app.example.com/x", false)]
    #[case::default_port("https://app.example.com:443", false)]
    #[case::star("*", false)]
    #[case::null("null", false)]
    #[case::no_scheme("localhost:3000", false)]
    #[case::no_origin("data:text/html,x", false)]
    fn origins(#[case] origin: &str, #[case] good: bool) {
        let only = Origins::Only(vec![origin.to_owned()]);
        assert_eq!(allowed(&only).is_ok(), good);
    }
}
