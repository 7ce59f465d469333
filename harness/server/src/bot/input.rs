//! What a Bot is given: JSON as a value, a form as an object, all other text as text.

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::binary::media;
use crate::config::Limits;
use crate::http::body;
use crate::http::outcome::{Failure, Issue};

/// Reads the body of an execution.
///
/// # Errors
/// 400 for JSON that cannot be read, 415 for bytes that are no text.
pub(super) fn read(media: &str, bytes: &Bytes, limits: &Limits) -> Result<Value, Failure> {
    let essence = media::essence(media).to_ascii_lowercase();
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    if essence == "application/json" || essence.ends_with("+json") {
        return body::json(bytes, limits);
    }
    if essence == "application/x-www-form-urlencoded" {
        return Ok(form(bytes));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(_) => {
            let text = format!("a Bot is given JSON, a form or text, and this `{essence}` is none");
            let issue = Issue::error("not-supported", text)
                .with_diagnostics("upload it as a Binary and give the Bot its reference");
            Err(Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                vec![issue],
            ))
        }
    }
}

/// The fields of a form; one that repeats is a list.
fn form(bytes: &[u8]) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    for (name, value) in form_urlencoded::parse(bytes) {
        let value = Value::String(value.into_owned());
        match fields.get_mut(&*name) {
            None => {
                fields.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::fhir("application/fhir+json", r#"{"a":1}"#, json!({ "a": 1 }))]
    #[case::json("application/json; charset=utf-8", "[1]", json!([1]))]
    #[case::form("application/x-www-form-urlencoded", "From=%2B1555&Media=a&Media=b", json!({ "From": "+1555", "Media": ["a", "b"] }))]
    #[case::hl7("x-application/hl7-v2+er7", "MSH|^~\\&|", json!("MSH|^~\\&|"))]
    #[case::nothing("application/json", "", json!({}))]
    fn inputs(#[case] media: &str, #[case] body: &'static str, #[case] expected: Value) {
        let bytes = Bytes::from_static(body.as_bytes());
        assert_eq!(read(media, &bytes, &Limits::default()).unwrap(), expected);
    }

    #[rstest]
    #[case("application/json", b"{")]
    #[case("image/png", b"\xff\xfe")]
    fn refusals(#[case] media: &str, #[case] body: &'static [u8]) {
        assert!(read(media, &Bytes::from_static(body), &Limits::default()).is_err());
    }
}
