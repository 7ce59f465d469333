//! The content of a Binary under its own media type.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::range::{self, Part};
use super::{disposition, media, upload};
use crate::http::headers::{http_date, not_modified};
use crate::http::outcome::Failure;
use crate::store::Version;

/// The answer to a reader who asked for the content; `visible` is what the reader sees of the
/// resource. A content that is hidden is as one that is empty.
///
/// # Errors
/// 400 for a header that cannot be read.
pub(super) fn answer(
    headers: &HeaderMap,
    version: &Version,
    visible: &Value,
) -> Result<Response, Failure> {
    // The bytes of a version never change, so the tag is a strong one and ranges can rely on it.
    let etag = format!("\"{}\"", version.version_id);
    let (status, body, content_range) = if not_modified(headers, version)? {
        (StatusCode::NOT_MODIFIED, Vec::new(), None)
    } else {
        let content = bytes(visible)?;
        let length = content.len();
        match range::asked_for(headers, length, &etag) {
            Part::Whole => (StatusCode::OK, content, None),
            Part::Bytes(part) => {
                let shown = format!("bytes {}-{}/{length}", part.start, part.end - 1);
                let content = content.get(part).unwrap_or_default().to_vec();
                (StatusCode::PARTIAL_CONTENT, content, Some(shown))
            }
            Part::Unsatisfiable => (
                StatusCode::RANGE_NOT_SATISFIABLE,
                Vec::new(),
                Some(format!("bytes */{length}")),
            ),
        }
    };
    let media = visible
        .get("contentType")
        .and_then(Value::as_str)
        .and_then(media::normal)
        .unwrap_or_else(|| media::OCTET_STREAM.to_owned());
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut set = |name, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, &media);
    set(header::ETAG, &etag);
    set(header::LAST_MODIFIED, &http_date(version.last_updated));
    set(header::ACCEPT_RANGES, "bytes");
    // Kept only by the reader, who asks whether it may still have it.
    set(header::CACHE_CONTROL, "private, no-cache");
    set(header::VARY, "Accept, Authorization");
    if let Some(range) = content_range {
        set(header::CONTENT_RANGE, &range);
    }
    if let Some(context) = visible.pointer("/securityContext/reference") {
        set(
            header::HeaderName::from_static("x-security-context"),
            context.as_str().unwrap_or_default(),
        );
    }
    disposition::protect(headers, &media, upload::name_of(visible));
    Ok(response)
}

fn bytes(resource: &Value) -> Result<Vec<u8>, Failure> {
    let Some(data) = resource.get("data").and_then(Value::as_str) else {
        return Ok(Vec::new());
    };
    // FHIR allows white space in it; nearly none has any.
    let decoded = if data.contains(char::is_whitespace) {
        STANDARD.decode(data.split_whitespace().collect::<String>())
    } else {
        STANDARD.decode(data)
    };
    decoded.map_err(|_| Failure::internal("the content is stored as no base64"))
}
