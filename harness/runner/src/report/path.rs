//! Names of files as other programs want them. Nothing here looks at where it is: what reports say of
//! places is said when events are made.

use std::path::{Component, Path};

/// A path relative to a folder where it lies in it, with forward slashes and without `./`.
pub fn relative(path: &Path, here: Option<&Path>) -> String {
    let inside = here.and_then(|here| path.strip_prefix(here).ok());
    let mut parts: Vec<String> = Vec::new();
    for component in inside.unwrap_or(path).components() {
        match component {
            Component::CurDir | Component::RootDir => {}
            other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
        }
    }
    let joined = parts.join("/");
    if inside.is_none() && path.has_root() {
        format!("/{joined}")
    } else {
        joined
    }
}

/// A relative URI reference, or a `file:` URI for a path from the root: every byte that is no letter,
/// digit or one of `-._~/` is percent-encoded.
pub fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_working_directory() {
        let here = Path::new("/home/me/app");
        let cases = [
            ("policies/a.json", "policies/a.json"),
            ("./policies/a.json", "policies/a.json"),
            ("/home/me/app/policies/a.json", "policies/a.json"),
            ("../shared/a.json", "../shared/a.json"),
            ("/elsewhere/a.json", "/elsewhere/a.json"),
        ];
        for (given, wanted) in cases {
            assert_eq!(relative(Path::new(given), Some(here)), wanted, "{given}");
        }
    }

    #[test]
    fn uris_are_valid_for_any_name() {
        assert_eq!(uri("a b/ü#1%.json"), "a%20b/%C3%BC%231%25.json");
        assert_eq!(uri("/elsewhere/a.json"), "file:///elsewhere/a.json");
    }
}
