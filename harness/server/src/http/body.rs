//! Request bodies: size, media type, JSON, depth.

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::Source;
use fhirward_engine::source::json::Document;
use serde_json::{Map, Value};

use super::outcome::{Failure, Issue};
use crate::config::Limits;

/// Reads the whole body, of at most `limit` bytes.
///
/// # Errors
/// 413 when it is too large, 400 when it cannot be read.
pub(crate) async fn read(parts: Parts, body: Body, limit: usize) -> Result<Bytes, Failure> {
    let mut request = Request::from_parts(parts, body);
    DefaultBodyLimit::max(limit).apply(&mut request);
    Bytes::from_request(request, &())
        .await
        .map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                let text = format!("the body is larger than {limit} bytes");
                Failure::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    vec![Issue::error("too-long", text)],
                )
            } else {
                Failure::invalid("the body could not be read to its end")
            }
        })
}

/// Checks the media type of the body.
///
/// # Errors
/// 415 that names what is accepted.
pub(crate) fn check_media_type(headers: &HeaderMap, accepted: &[&str]) -> Result<(), Failure> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts.find_map(|part| {
        part.to_ascii_lowercase()
            .strip_prefix("charset=")
            .map(|c| c.trim_matches('"').to_owned())
    });
    if accepted.contains(&&*media)
        && charset
            .as_deref()
            .is_none_or(|charset| charset == "utf-8" || charset == "utf8")
    {
        return Ok(());
    }
    let text = if given.is_empty() {
        "the body has no content type".to_owned()
    } else {
        format!("the content type `{given}` is not supported here")
    };
    let issue = Issue::error("not-supported", text)
        .with_diagnostics(format!("accepted: {}", accepted.join(", ")));
    Err(Failure::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        vec![issue],
    ))
}

/// Parses JSON, whatever it is. A key that stands twice is an error: two readers of such a text
/// need not agree on what it says.
///
/// # Errors
/// 400 with line and column, or when it is nested too deeply.
pub(crate) fn json(bytes: &[u8], limits: &Limits) -> Result<Value, Failure> {
    let bad = |issues| Failure::new(StatusCode::BAD_REQUEST, issues);
    if bytes.is_empty() {
        return Err(bad(vec![Issue::error("structure", "the body is empty")]));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(bad(vec![Issue::error("structure", "the body is no UTF-8")]));
    };
    let document = Document::parse(&Source::new("body", text))
        .map_err(|fault| bad(vec![at_its_place(&fault)]))?;
    if !document.repeated_keys().is_empty() {
        return Err(bad(document
            .repeated_keys()
            .iter()
            .map(at_its_place)
            .collect()));
    }
    let value = document.value();
    if depth(value) > limits.json_depth {
        let text = format!(
            "the body is nested more than {} levels deep",
            limits.json_depth
        );
        return Err(bad(vec![Issue::error("too-costly", text)]));
    }
    Ok(value.clone())
}

fn at_its_place(fault: &Diagnostic) -> Issue {
    let text = match fault.line_column() {
        Some((line, column)) => format!("{} at line {line}, column {column}", fault.message),
        None => fault.message.clone(),
    };
    let issue = Issue::error("structure", text);
    match &fault.help {
        Some(help) => issue.with_diagnostics(help.clone()),
        None => issue,
    }
}

/// Parses a JSON object.
///
/// # Errors
/// As [`json`], and when it is something else.
pub(crate) fn object(bytes: &[u8], limits: &Limits) -> Result<Map<String, Value>, Failure> {
    match json(bytes, limits)? {
        Value::Object(object) => Ok(object),
        other => {
            let text = format!("the body must be a JSON object, not {}", kind(&other));
            Err(Failure::new(
                StatusCode::BAD_REQUEST,
                vec![Issue::error("structure", text)],
            ))
        }
    }
}

/// How deeply a value is nested; 0 for one that holds no other.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// What a JSON value is, for a sentence.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
