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

/// Whether `If-None-Match` names the current version, so that it need not be sent again.
///
/// # Errors
/// 400 when the header cannot be read.
pub(crate) fn not_modified(headers: &HeaderMap, current: &Version) -> Result<bool, Failure> {
    Ok(named_versions(headers, header::IF_NONE_MATCH.as_str())?
        .is_some_and(|tags| tags.matches(current)))
}

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
        ("if-none-exist", "conditional create is not offered"),
        (
            "x-medplum-on-behalf-of",
            "a request is always made as the client that signed in",
        ),
        (
            "x-http-method-override",
            "the method of a request is the one it is sent with",
        ),
        ("if-modified-since", "use If-None-Match with the ETag"),
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

/// Refuses an `Accept` that only names what this server does not write.
///
/// # Errors
/// 406.
pub(crate) fn check_accept(headers: &HeaderMap) -> Result<(), Failure> {
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
    let issue = Issue::error("not-supported", "the only format is application/fhir+json");
    Err(Failure::new(StatusCode::NOT_ACCEPTABLE, vec![issue]))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::store::{Draft, Store};

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
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
        let version = Store::default()
            .begin()
            .insert(Draft::new("Task", "a".into(), json!({})));
        let header = header.replace('V', &version.version_id);
        let answer = check_if_match(&headers("if-match", &header), &version);
        assert_eq!(
            answer.map_or_else(|failure| failure.status().as_u16(), |()| 200),
            status
        );
    }

    #[rstest]
    #[case("*/*", true)]
    #[case("application/fhir+json", true)]
    #[case("text/html", true)]
    #[case("application/fhir+xml, application/json;q=0.5", true)]
    #[case("application/fhir+xml", false)]
    #[case("text/turtle", false)]
    fn accept(#[case] header: &str, #[case] ok: bool) {
        assert_eq!(check_accept(&headers("accept", header)).is_ok(), ok);
    }

    #[test]
    fn dates_are_of_http() {
        assert_eq!(
            http_date(Timestamp::UNIX_EPOCH),
            "Thu, 01 Jan 1970 00:00:00 GMT"
        );
    }
}
