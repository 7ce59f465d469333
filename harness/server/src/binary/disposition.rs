//! How a browser may treat the content: under which name to save it, and that it must not run it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::media::essence;

/// What a browser may show without running anything.
const SHOWN: [&str; 11] = [
    "application/pdf",
    "image/apng",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/csv",
    "text/markdown",
    "text/plain",
];

/// The longest file name that is passed on, in characters.
const MAX_NAME: usize = 200;

/// Sets the headers that keep content of unknown origin from running in the server's name.
pub(crate) fn protect(headers: &mut HeaderMap, content_type: &str, name: Option<&str>) {
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    if let Ok(value) = HeaderValue::from_str(&disposition(content_type, name)) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
}

/// `inline` for what is only shown, `attachment` for all else: HTML, SVG and XML can run.
fn disposition(content_type: &str, name: Option<&str>) -> String {
    let essence = essence(content_type).to_ascii_lowercase();
    let shown = SHOWN.contains(&&*essence)
        || essence.starts_with("audio/")
        || essence.starts_with("video/");
    let kind = if shown { "inline" } else { "attachment" };
    match name.map(file_name).filter(|name| !name.is_empty()) {
        None => kind.to_owned(),
        Some(name) => format!(
            "{kind}; filename=\"{}\"; filename*=UTF-8''{}",
            ascii(&name),
            extended(&name)
        ),
    }
}

/// A name without folders and control characters.
pub(crate) fn file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_NAME)
        .collect();
    let name = name.trim().trim_start_matches('.');
    name.to_owned()
}

/// For readers that know ASCII only.
fn ascii(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect()
}

/// RFC 8187: percent-encoded UTF-8.
fn extended(name: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing into a String does not fail.
            let _: std::fmt::Result = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::pdf("application/pdf", None, "inline")]
    #[case::html("text/html; charset=utf-8", None, "attachment")]
    #[case::svg("image/svg+xml", None, "attachment")]
    #[case::unknown("application/octet-stream", None, "attachment")]
    #[case::named(
        "image/png",
        Some("scan 1.png"),
        "inline; filename=\"scan 1.png\"; filename*=UTF-8''scan%201.png"
    )]
    #[case::foreign_letters(
        "text/plain",
        Some("Befund é.txt"),
        "inline; filename=\"Befund _.txt\"; filename*=UTF-8''Befund%20%C3%A9.txt"
    )]
    #[case::quotes(
        "text/plain",
        Some("a\"; x=\"b.txt"),
        "inline; filename=\"a_; x=_b.txt\"; filename*=UTF-8''a%22%3B%20x%3D%22b.txt"
    )]
    #[case::folders(
        "text/plain",
        Some("../../etc/passwd"),
        "inline; filename=\"passwd\"; filename*=UTF-8''passwd"
    )]
    #[case::a_header_in_it(
        "text/plain",
        Some("a\r\nSet-Cookie: b"),
        "inline; filename=\"aSet-Cookie: b\"; filename*=UTF-8''aSet-Cookie%3A%20b"
    )]
    #[case::nothing_left("text/plain", Some("../.."), "inline")]
    fn dispositions(#[case] media: &str, #[case] name: Option<&str>, #[case] expected: &str) {
        assert_eq!(disposition(media, name), expected);
    }
}
