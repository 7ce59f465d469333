//! Media types: of what is uploaded, and of what a reader asks for.

use axum::http::{HeaderMap, header};

use crate::http::outcome::Failure;

/// What an upload without a `Content-Type` is taken for (RFC 9110, 8.3).
pub(crate) const OCTET_STREAM: &str = "application/octet-stream";

/// The longest media type, with its parameters.
const MAX_LENGTH: usize = 255;

/// The `Content-Type` of an upload, as `Binary.contentType` keeps it.
///
/// # Errors
/// 400 when it is no media type or stands twice.
pub(crate) fn of_upload(headers: &HeaderMap) -> Result<String, Failure> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(value) = values.next() else {
        return Ok(OCTET_STREAM.to_owned());
    };
    if values.next().is_some() {
        return Err(Failure::invalid("the header Content-Type stands twice"));
    }
    value.to_str().ok().and_then(normal).ok_or_else(|| {
        Failure::invalid("the header Content-Type is no media type such as application/pdf")
    })
}

/// A media type with single spaces, as a FHIR `code` wants it; nothing when it is none.
pub(crate) fn normal(text: &str) -> Option<String> {
    let text = text.trim();
    let (kind, subtype) = essence(text).split_once('/')?;
    let good = text.len() <= MAX_LENGTH
        && is_token(kind)
        && is_token(subtype)
        && kind != "*"
        && subtype != "*"
        && text.bytes().all(|b| (b' '..0x7f).contains(&b));
    good.then(|| text.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

/// The media type without its parameters.
pub(crate) fn essence(media: &str) -> &str {
    media.split(';').next().unwrap_or_default().trim()
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Whether the text names JSON that may be a resource.
pub(crate) fn may_be_resource(media: &str) -> bool {
    let media = essence(media);
    media.eq_ignore_ascii_case("application/fhir+json")
        || media.eq_ignore_ascii_case("application/json")
}

/// Which form of a Binary a reader gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The content, under its own media type.
    Content,
    /// The resource, with the content in `data`.
    Resource,
}

/// The form that the reader asks for: the resource when FHIR JSON is named and nothing is wanted
/// more, else the content. R4 gives content to everybody who does not ask for FHIR.
///
/// `application/json` asks for the content: it may be JSON itself.
pub(crate) fn asked_for(headers: &HeaderMap, query: Option<&str>) -> Form {
    let by_format = query.is_some_and(|query| {
        query
            .split('&')
            .any(|pair| pair.split('=').next() == Some("_format"))
    });
    // What `_format` may name is checked where all parameters are; only JSON is left.
    if by_format {
        return Form::Resource;
    }
    let (mut fhir, mut other) = (0, 0);
    for range in headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
    {
        let of = if essence(range).eq_ignore_ascii_case("application/fhir+json") {
            &mut fhir
        } else {
            &mut other
        };
        *of = (*of).max(quality(range));
    }
    if fhir > 0 && fhir >= other {
        Form::Resource
    } else {
        Form::Content
    }
}

/// The weight of a media range in thousandths; 1 when it has none that can be read.
fn quality(range: &str) -> u32 {
    let weight = range.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    let Some(weight) = weight else { return 1000 };
    let (whole, part) = weight.split_once('.').unwrap_or((weight, ""));
    let digits: String = part.chars().chain("000".chars()).take(3).collect();
    match (whole, digits.parse::<u32>()) {
        ("0", Ok(thousandths)) => thousandths,
        _ => 1000,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("application/pdf", Some("application/pdf"))]
    #[case::with_parameter("text/plain;  charset=utf-8", Some("text/plain; charset=utf-8"))]
    #[case::no_subtype("pdf", None)]
    #[case::empty("", None)]
    #[case::range("image/*", None)]
    #[case::a_second_header_in_it("text/plain\r\nX: y", None)]
    fn media_types(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(normal(text).as_deref(), expected);
    }

    /// R4 binary.html: the resource for those who ask for FHIR, the content for all others.
    #[rstest]
    #[case::nothing("", None, Form::Content)]
    #[case::anything("*/*", None, Form::Content)]
    #[case::fhir("application/fhir+json", None, Form::Resource)]
    #[case::medplum_client("application/fhir+json, */*; q=0.1", None, Form::Resource)]
    #[case::rather_not_fhir("application/fhir+json;q=0.5, image/png", None, Form::Content)]
    #[case::never_fhir("application/fhir+json;q=0", None, Form::Content)]
    #[case::plain_json("application/json", None, Form::Content)]
    #[case::browser("text/html,application/xml;q=0.9,*/*;q=0.8", None, Form::Content)]
    #[case::format("*/*", Some("_format=json"), Form::Resource)]
    #[case::other_parameter("*/*", Some("_pretty=true"), Form::Content)]
    fn forms(#[case] accept: &str, #[case] query: Option<&str>, #[case] expected: Form) {
        let mut headers = HeaderMap::new();
        if !accept.is_empty() {
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        }
        assert_eq!(asked_for(&headers, query), expected);
    }
}
