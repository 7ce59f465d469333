//! Query strings and forms: decoded pairs.

use axum::http::StatusCode;
use url::form_urlencoded;

use super::outcome::{Failure, Issue};
use super::shape::Shape;

/// Refuses a query string of more than `limit` bytes.
///
/// # Errors
/// 414.
pub(crate) fn check_length(query: Option<&str>, limit: usize) -> Result<(), Failure> {
    if query.is_none_or(|query| query.len() <= limit) {
        return Ok(());
    }
    let issue = Issue::error(
        "too-long",
        format!("the query string is larger than {limit} bytes"),
    );
    Err(Failure::new(StatusCode::URI_TOO_LONG, vec![issue]))
}

/// The pairs of a query string, decoded once; `+` is a space.
///
/// # Errors
/// 400 for what is not percent-encoded UTF-8: a value that was not understood must not filter.
pub(crate) fn pairs(query: &str) -> Result<Vec<(String, String)>, Failure> {
    let bad = |what: &str| Failure::invalid(format!("the query is not well encoded: {what}"));
    let mut bytes = query.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next(), bytes.next()];
            if !digits
                .iter()
                .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit()))
            {
                return Err(bad("a `%` without two hexadecimal digits"));
            }
        }
    }
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    if pairs
        .iter()
        .any(|(name, value)| name.contains('\u{fffd}') || value.contains('\u{fffd}'))
    {
        return Err(bad("bytes that are no UTF-8"));
    }
    if pairs.iter().any(|(name, _)| name.is_empty()) {
        return Err(bad("a parameter without a name"));
    }
    Ok(pairs)
}

/// Takes out the parameters that any request may have and that shape the answer only. They are
/// looked at elsewhere: [`super::headers::check_format`], [`super::shape::Shape`].
///
/// # Errors
/// 400 for a value that means nothing.
pub(crate) fn take_common(pairs: &mut Vec<(String, String)>) -> Result<(), Failure> {
    Shape::take(pairs, None)?;
    pairs.retain(|(name, _)| name != "_format");
    Ok(())
}

/// Refuses parameters where none are defined but those that shape the answer.
///
/// # Errors
/// 400 that names the first parameter.
pub(crate) fn refuse_parameters(query: Option<&str>) -> Result<(), Failure> {
    let mut pairs = pairs(query.unwrap_or_default())?;
    take_common(&mut pairs)?;
    match pairs.first() {
        None => Ok(()),
        Some((name, value)) if name == "_summary" => Err(Failure::invalid(format!(
            "`_summary={value}` is for searches"
        ))),
        Some((name, _)) => Err(Failure::not_supported(
            format!("the parameter `{name}` is not supported here"),
            "only `_format`, `_pretty`, `_summary` and `_elements` may be given with this \
             interaction",
        )),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a=b&c=d+e%26", Some(vec![("a", "b"), ("c", "d e&")]))]
    #[case("", Some(vec![]))]
    #[case("a", Some(vec![("a", "")]))]
    #[case("a=%zz", None)]
    #[case("a=%4", None)]
    #[case("a=%ff", None)]
    #[case("=b", None)]
    fn decoding(#[case] query: &str, #[case] expected: Option<Vec<(&str, &str)>>) {
        let expected = expected.map(|pairs| {
            pairs
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect()
        });
        assert_eq!(pairs(query).ok(), expected);
    }
}
