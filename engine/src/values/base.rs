//! URLs on the FHIR base of a server, whichever way its URL is spelled.

/// What follows the base and a slash in an absolute URL on that base.
///
/// Scheme and host are compared without case, and the default port is no port, as RFC 3986 has it
/// (6.2.2.1, 6.2.3); a slash at the end of the base counts for nothing. Everything else is compared
/// as written: two names of one host are two hosts, and `//` in a path is not `/`.
#[inline]
pub(super) fn below<'t>(url: &'t str, base: &str) -> Option<&'t str> {
    // Scheme or not, what is on the base begins as it does; a relative reference seldom does.
    match (url.as_bytes().first(), base.as_bytes().first()) {
        (Some(one), Some(other)) if !one.eq_ignore_ascii_case(other) => None,
        _ => below_in_full(url, base),
    }
}

fn below_in_full<'t>(url: &'t str, base: &str) -> Option<&'t str> {
    let base = base.trim_end_matches('/');
    let below = |url: &'t str, base| url.strip_prefix(base)?.strip_prefix('/');
    if let Some(rest) = below(url, base) {
        return Some(rest);
    }
    let (url, base) = (Url::split(url)?, Url::split(base)?);
    if !url.is_on(&base) {
        return None;
    }
    below(url.path, base.path)
}

struct Url<'t> {
    scheme: &'t str,
    user: &'t str,
    host: &'t str,
    port: &'t str,
    /// From the first slash on.
    path: &'t str,
}

impl<'t> Url<'t> {
    fn split(text: &'t str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        // The colons of an IPv6 address stand in brackets.
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (place, ""),
        };
        Some(Self {
            scheme,
            user,
            host,
            port,
            path,
        })
    }

    fn port(&self) -> &str {
        match self.port {
            "" if self.scheme.eq_ignore_ascii_case("http") => "80",
            "" if self.scheme.eq_ignore_ascii_case("https") => "443",
            port => port,
        }
    }

    fn is_on(&self, other: &Url<'_>) -> bool {
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && self.user == other.user
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port() == other.port()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::same(
        "https://h.org/fhir/R4/Patient/a",
        "https://h.org/fhir/R4",
        Some("Patient/a")
    )]
    #[case::base_with_slash(
        "https://h.org/fhir/R4/Patient/a",
        "https://h.org/fhir/R4/",
        Some("Patient/a")
    )]
    #[case::no_path("https://h.org/Patient/a", "https://h.org", Some("Patient/a"))]
    #[case::no_path_with_slash("https://h.org/Patient/a", "https://h.org/", Some("Patient/a"))]
    #[case::case_of_scheme(
        "HTTPS://h.org/fhir/R4/Patient/a",
        "https://h.org/fhir/R4",
        Some("Patient/a")
    )]
    #[case::case_of_host(
        "https://H.Org/fhir/R4/Patient/a",
        "https://h.org/fhir/R4",
        Some("Patient/a")
    )]
    #[case::case_of_base(
        "https://h.org/fhir/R4/Patient/a",
        "HTTPS://H.ORG/fhir/R4",
        Some("Patient/a")
    )]
    #[case::default_port(
        "https://h.org:443/fhir/Patient/a",
        "https://h.org/fhir",
        Some("Patient/a")
    )]
    #[case::default_port_of_http("http://h.org/Patient/a", "http://h.org:80", Some("Patient/a"))]
    #[case::empty_port("http://h.org:/Patient/a", "http://h.org", Some("Patient/a"))]
    #[case::same_port(
        "http://h.org:8103/fhir/R4/Patient/a",
        "http://H.org:8103/fhir/R4/",
        Some("Patient/a")
    )]
    #[case::ipv6("http://[::1]:80/Patient/a", "http://[::1]", Some("Patient/a"))]
    #[case::other_port("http://h.org:8103/Patient/a", "http://h.org", None)]
    #[case::port_of_the_other_scheme("http://h.org:443/Patient/a", "http://h.org", None)]
    #[case::other_scheme("http://h.org/Patient/a", "https://h.org", None)]
    #[case::other_name_of_the_host(
        "http://localhost:8103/Patient/a",
        "http://127.0.0.1:8103",
        None
    )]
    #[case::longer_host("http://h.org.evil/Patient/a", "http://h.org", None)]
    #[case::user("http://h.org@evil/Patient/a", "http://h.org", None)]
    #[case::user_and_case("http://x@H.org/Patient/a", "http://h.org", None)]
    #[case::case_of_the_path("https://h.org/FHIR/R4/Patient/a", "https://h.org/fhir/R4", None)]
    #[case::longer_path("https://h.org/fhir/R45/Patient/a", "https://h.org/fhir/R4", None)]
    #[case::empty_segment("https://h.org//fhir/R4/Patient/a", "https://h.org/fhir/R4", None)]
    #[case::relative("Patient/a", "https://h.org", None)]
    #[case::relative_that_begins_as_the_base("HealthcareService/a", "https://h.org", None)]
    #[case::empty_base("/Patient/a", "", Some("Patient/a"))]
    #[case::base_of_slashes("/Patient/a", "//", Some("Patient/a"))]
    #[case::empty("", "https://h.org", None)]
    fn r6_this_servers_base(#[case] url: &str, #[case] base: &str, #[case] expected: Option<&str>) {
        assert_eq!(below(url, base), expected);
    }
}
