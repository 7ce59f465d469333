//! Request and response headers of FHIR.

use axum::http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;

use super::outcome::{Failure, Issue};
use crate::store::Version;

/// An HTTP date, which has seconds only.
pub(crate) fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Checks `If-Match`, if there is one, against the current version.
///
/// Both `W/"v"` and `"v"` name a version; several may be listed; `*` is any.
///
/// # Errors
/// 412 when the version is not named, 400 when the header cannot be read: a check that the client
/// asked for is never skipped.
pub(crate) fn check_if_match(headers: &HeaderMap, current: &Version) -> Result<(), Failure> {
    match named_versions(headers, header::IF_MATCH.as_str())? {
        Some(tags) if !tags.matches(current) => Err(Failure::precondition_failed()),
        _ => Ok(()),
    }
}

/// Whether the client has the current version already, by `If-None-Match`, or where there is none
/// by `If-Modified-Since`, so that it need not be sent again.
///
/// # Errors
/// 400 when a header cannot be read.
pub(crate) fn not_modified(headers: &HeaderMap, current: &Version) -> Result<bool, Failure> {
    if let Some(tags) = named_versions(headers, header::IF_NONE_MATCH.as_str())? {
        return Ok(tags.matches(current));
    }
    let Some(given) = headers.get(header::IF_MODIFIED_SINCE) else {
        return Ok(false);
    };
    let since = given
        .to_str()
        .ok()
        .and_then(|text| jiff::fmt::rfc2822::parse(text.trim()).ok())
        .ok_or_else(|| {
            Failure::invalid(format!(
                "the header if-modified-since is no HTTP date such as {}",
                http_date(Timestamp::UNIX_EPOCH)
            ))
        })?;
    // An HTTP date has no parts of a second.
    Ok(current.last_updated.as_second() <= since.timestamp().as_second())
}

/// Checks `If-None-Match` of a write: it is done only where the named version is not the current
/// one, with `*` only where there is nothing.
///
/// # Errors
/// 412 when it is, 400 when the header cannot be read.
pub(crate) fn check_if_none_match(headers: &HeaderMap, current: &Version) -> Result<(), Failure> {
    match named_versions(headers, header::IF_NONE_MATCH.as_str())? {
        Some(tags) if tags.matches(current) => Err(Failure::precondition(
            "conflict",
            "what If-None-Match excludes is there",
        )),
        _ => Ok(()),
    }
}

/// The criteria of a conditional create; none for an empty header.
///
/// # Errors
/// 400 when it is no text, or stands there twice.
pub(crate) fn if_none_exist(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let mut values = headers.get_all(IF_NONE_EXIST).iter();
    let (Some(value), again) = (values.next(), values.next()) else {
        return Ok(None);
    };
    match (value.to_str(), again) {
        (Ok(criteria), None) => Ok(Some(criteria.trim()).filter(|text| !text.is_empty())),
        _ => Err(Failure::invalid(
            "the header if-none-exist must be one query such as identifier=system|value",
        )),
    }
}

/// The header of a conditional create.
pub(crate) const IF_NONE_EXIST: &str = "if-none-exist";

#[derive(Debug, PartialEq, Eq)]
enum Tags {
    Any,
    Versions(Vec<String>),
}

impl Tags {
    fn matches(&self, version: &Version) -> bool {
        match self {
            Self::Any => !version.is_deletion(),
            Self::Versions(ids) => ids.iter().any(|id| **id == *version.version_id),
        }
    }
}

fn named_versions(headers: &HeaderMap, name: &str) -> Result<Option<Tags>, Failure> {
    let mut values = headers.get_all(name).iter().peekable();
    if values.peek().is_none() {
        return Ok(None);
    }
    let unreadable = || {
        Failure::invalid(format!(
            "the header {name} is no list of ETags such as W/\"1\""
        ))
    };
    let mut versions = Vec::new();
    for value in values {
        for tag in value.to_str().map_err(|_| unreadable())?.split(',') {
            let tag = tag.trim();
            if tag == "*" {
                return Ok(Some(Tags::Any));
            }
            let quoted = tag.strip_prefix("W/").unwrap_or(tag);
            let id = quoted
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .ok_or_else(unreadable)?;
            versions.push(id.to_owned());
        }
    }
    Ok(Some(Tags::Versions(versions)))
}

/// Refuses headers that would change the meaning of the request and are not offered here.
/// Ignoring them would do something else than what the client asked for.
///
/// # Errors
/// 400 that names the header.
pub(crate) fn refuse_unsupported(headers: &HeaderMap) -> Result<(), Failure> {
    for (name, reason) in [
        (
            "x-medplum-on-behalf-of",
            "a request is always made as the client that signed in",
        ),
        (
            "x-http-method-override",
            "the method of a request is the one it is sent with",
        ),
        ("if-unmodified-since", "use If-Match with the ETag"),
    ] {
        if headers.contains_key(name) {
            return Err(Failure::not_supported(
                format!("the header {name} is not supported"),
                reason,
            ));
        }
    }
    Ok(())
}

/// Refuses what only asks for a format that this server does not write: by `_format`, or without
/// one by `Accept`. Source: <http://hl7.org/fhir/R4/http.html#mime-type>.
///
/// # Errors
/// 406 that names the formats.
pub(crate) fn check_format(headers: &HeaderMap, pairs: &[(String, String)]) -> Result<(), Failure> {
    let mut asked = pairs
        .iter()
        .filter(|(name, _)| name == "_format")
        .peekable();
    if asked.peek().is_some() {
        return match asked.find(|(_, value)| !is_json(value)) {
            None => Ok(()),
            Some((_, value)) => Err(not_acceptable(format!(
                "`_format={value}` is not supported"
            ))),
        };
    }
    let mut named = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|media| {
            media
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase()
        })
        .filter(|media| !media.is_empty())
        .peekable();
    // A browser that asks for HTML gets JSON, as it does from any JSON API.
    if named.peek().is_none()
        || named.any(|media| media.ends_with('*') || media.contains("json") || media == "text/html")
    {
        return Ok(());
    }
    Err(not_acceptable(
        "what is accepted is not supported".to_owned(),
    ))
}

fn not_acceptable(text: String) -> Failure {
    let issue = Issue::error("not-supported", text).with_diagnostics(
        "the only format is application/fhir+json; `_format=json` asks for it by name",
    );
    Failure::new(StatusCode::NOT_ACCEPTABLE, vec![issue])
}

fn is_json(format: &str) -> bool {
    // An unescaped `+` of `application/fhir+json` arrives as a space.
    let format = format.replace(' ', "+").to_ascii_lowercase();
    matches!(
        format.split(';').next().unwrap_or_default().trim(),
        "json" | "application/json" | "application/fhir+json" | "text/json"
    )
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use rstest::rstest;
    use serde_json::json;

    use std::sync::Arc;

    use super::*;
    use crate::store::{Draft, Store};

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    fn version() -> Arc<Version> {
        let store = Store::default();
        store
            .begin()
            .insert(Draft::new("Task", "a".into(), json!({})))
    }

    #[rstest]
    #[case::weak("W/\"V\"", 200)]
    #[case::strong("\"V\"", 200)]
    #[case::any("*", 200)]
    #[case::listed("W/\"old\", W/\"V\"", 200)]
    #[case::stale("W/\"old\"", 412)]
    #[case::part_of_it("W/\"\"", 412)]
    #[case::unquoted("V", 400)]
    #[case::half_quoted("\"V", 400)]
    fn if_match(#[case] header: &str, #[case] status: u16) {
        let version = version();
        let header = header.replace('V', &version.version_id);
        let answer = check_if_match(&headers("if-match", &header), &version);
        assert_eq!(
            answer.map_or_else(|failure| failure.status().as_u16(), |()| 200),
            status
        );
    }

    #[rstest]
    #[case("*/*", "", true)]
    #[case("application/fhir+json", "", true)]
    #[case("text/html", "", true)]
    #[case("application/fhir+xml, application/json;q=0.5", "", true)]
    #[case("application/fhir+xml", "", false)]
    #[case("text/turtle", "", false)]
    #[case("application/fhir+xml", "_format=json", true)]
    #[case("application/fhir+json", "_format=xml", false)]
    #[case("*/*", "_format=application/fhir+json", true)]
    #[case("*/*", "_format=application/json;fhirVersion=4.0", true)]
    #[case("*/*", "_format=ttl", false)]
    fn formats(#[case] header: &str, #[case] query: &str, #[case] ok: bool) {
        let pairs = super::super::query::pairs(query).unwrap();
        assert_eq!(check_format(&headers("accept", header), &pairs).is_ok(), ok);
    }

    #[rstest]
    #[case::before("Thu, 01 Jan 1970 00:00:00 GMT", Some(false))]
    #[case::after("Fri, 01 Jan 2100 00:00:00 GMT", Some(true))]
    #[case::no_date("yesterday", None)]
    fn if_modified_since(#[case] header: &str, #[case] expected: Option<bool>) {
        let version = version();
        let given = headers("if-modified-since", header);
        assert_eq!(not_modified(&given, &version).ok(), expected);
        let mut both = given;
        both.insert("if-none-match", HeaderValue::from_static("W/\"other\""));
        assert_eq!(not_modified(&both, &version).ok(), Some(false));
    }

    #[test]
    fn dates_are_of_http() {
        assert_eq!(
            http_date(Timestamp::UNIX_EPOCH),
            "Thu, 01 Jan 1970 00:00:00 GMT"
        );
    }
}
