//! `Range`, for one range of bytes (RFC 9110, 14).

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What of the content is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it: nothing else was asked for, or not in a way that must be answered.
    Whole,
    /// These bytes: 206.
    Bytes(Range<usize>),
    /// Nothing that there is: 416.
    Unsatisfiable,
}

/// Reads `Range` for a content of `length` bytes whose ETag is `etag`.
///
/// Several ranges, other units and what cannot be read are answered with the whole, as the RFC
/// allows; so is a range of another version (`If-Range`).
pub(crate) fn asked_for(headers: &HeaderMap, length: usize, etag: &str) -> Part {
    let text = |name| headers.get(name)?.to_str().ok();
    let Some(range) = text(header::RANGE) else {
        return Part::Whole;
    };
    if headers.contains_key(header::IF_RANGE) && text(header::IF_RANGE) != Some(etag) {
        return Part::Whole;
    }
    parse(range, length).unwrap_or(Part::Whole)
}

fn parse(range: &str, length: usize) -> Option<Part> {
    let (unit, spec) = range.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = spec.trim().split_once('-')?;
    let part = match (number(first)?, number(last)?) {
        (None, None) => return None,
        // The last so many bytes.
        (None, Some(0)) => Part::Unsatisfiable,
        (None, Some(_)) if length == 0 => Part::Unsatisfiable,
        (None, Some(suffix)) => Part::Bytes(length.saturating_sub(suffix)..length),
        (Some(first), Some(last)) if last < first => return None,
        (Some(first), _) if first >= length => Part::Unsatisfiable,
        (Some(first), None) => Part::Bytes(first..length),
        (Some(first), Some(last)) => Part::Bytes(first..last.saturating_add(1).min(length)),
    };
    Some(part)
}

/// A number, or nothing where none stands; `None` for what is no number. One that is too large to
/// count is beyond every content.
fn number(text: &str) -> Option<Option<usize>> {
    let text = text.trim();
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((!text.is_empty()).then(|| text.parse().unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn headers(range: &str, if_range: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        if !if_range.is_empty() {
            headers.insert(header::IF_RANGE, HeaderValue::from_str(if_range).unwrap());
        }
        headers
    }

    #[rstest]
    #[case::first("bytes=0-3", "", Part::Bytes(0..4))]
    #[case::middle("bytes=2-2", "", Part::Bytes(2..3))]
    #[case::to_the_end("bytes=7-", "", Part::Bytes(7..10))]
    #[case::beyond_the_end("bytes=7-99", "", Part::Bytes(7..10))]
    #[case::suffix("bytes=-4", "", Part::Bytes(6..10))]
    #[case::long_suffix("bytes=-40", "", Part::Bytes(0..10))]
    #[case::no_suffix("bytes=-0", "", Part::Unsatisfiable)]
    #[case::behind("bytes=10-", "", Part::Unsatisfiable)]
    #[case::far_behind("bytes=99999999999999999999999-", "", Part::Unsatisfiable)]
    #[case::backwards("bytes=3-1", "", Part::Whole)]
    #[case::several("bytes=0-1,3-4", "", Part::Whole)]
    #[case::other_unit("lines=0-1", "", Part::Whole)]
    #[case::nothing("bytes=-", "", Part::Whole)]
    #[case::negative("bytes=--1", "", Part::Whole)]
    #[case::same_version("bytes=0-0", "\"v\"", Part::Bytes(0..1))]
    #[case::other_version("bytes=0-0", "\"w\"", Part::Whole)]
    fn ranges(#[case] range: &str, #[case] if_range: &str, #[case] expected: Part) {
        assert_eq!(asked_for(&headers(range, if_range), 10, "\"v\""), expected);
    }

    proptest! {
        #[test]
        fn a_range_is_never_outside_of_the_content(range in "(bytes=)?[0-9,-]{0,24}", length in 0_usize..50) {
            if let Part::Bytes(range) = asked_for(&headers(&range, ""), length, "") {
                prop_assert!(range.start < range.end && range.end <= length);
            }
        }
    }
}
