//! Proxies: which one a request goes through, and what it says for itself.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::redact::Redactor;
use super::transport::is_loopback;

/// What a proxy did instead of passing a request on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// It does not listen.
    Refused,
    /// It wants to know who asks (407).
    Login,
    /// It reaches no server.
    NoTunnel,
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refuses the connection",
            Self::Login => "wants a name and a password, or others than it got (407)",
            Self::NoTunnel => "makes no connection to the server",
        })
    }
}

/// The proxies of a client.
#[derive(Debug)]
pub(super) enum Proxies {
    /// This one, for everything.
    Always(String),
    /// Those of the environment.
    Environment(Box<Matcher>),
    /// None.
    Never,
}

impl Proxies {
    /// As [`Transport::client`](super::Transport) sets them up. What is secret about them is hidden.
    pub(super) fn of(given: Option<&Url>, base: &Url, redactor: &Redactor) -> Self {
        if let Some(proxy) = given {
            hide(proxy, redactor);
            return Self::Always(named(
                proxy.host_str().unwrap_or_default(),
                proxy.port_or_known_default(),
            ));
        }
        if is_loopback(base) {
            return Self::Never;
        }
        let matcher = Matcher::from_system();
        for scheme in ["http", "https"] {
            let address = format!("{scheme}://fhirward.invalid/").parse().ok();
            if let Some(found) = address.and_then(|address| matcher.intercept(&address)) {
                let login = found.basic_auth().and_then(|header| header.to_str().ok());
                redactor.add(login.unwrap_or_default().trim_start_matches("Basic "));
            }
        }
        for name in ["http_proxy", "https_proxy", "all_proxy"] {
            for name in [name.to_owned(), name.to_ascii_uppercase()] {
                let set = std::env::var(name).ok();
                if let Some(proxy) = set.and_then(|set| Url::parse(&set).ok()) {
                    hide(&proxy, redactor);
                }
            }
        }
        Self::Environment(Box::new(matcher))
    }

    /// The proxy that a request goes through.
    pub(super) fn before(&self, url: &Url) -> Option<String> {
        match self {
            Self::Always(proxy) => Some(proxy.clone()),
            Self::Never => None,
            Self::Environment(matcher) => {
                let found = matcher.intercept(&url.as_str().parse().ok()?)?;
                let port = found.uri().port_u16();
                Some(named(found.uri().host().unwrap_or_default(), port))
            }
        }
    }
}

/// Its place, without its password.
fn named(host: &str, port: Option<u16>) -> String {
    match port {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The password as it stands in the address and as it is meant, alone and as proxies get it.
fn hide(proxy: &Url, redactor: &Redactor) {
    let Some(password) = proxy.password() else {
        return;
    };
    let plain = |text: &str| {
        let bytes = percent_decoded(text);
        String::from_utf8_lossy(&bytes).into_owned()
    };
    redactor.add(password);
    redactor.add(&plain(password));
    redactor.add(&format!("{}:{}", plain(proxy.username()), plain(password)));
}

fn percent_decoded(text: &str) -> Vec<u8> {
    // What follows a percent sign and is no number stays as it is.
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..2).map(|two| u8::from_str_radix(two, 16)) {
            Some(Ok(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(b'%');
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_as_they_stand_and_as_they_are_meant() {
        let redactor = Redactor::default();
        let proxy = Url::parse("http://me:one%2Ftwo%zz@proxy:3128").unwrap();
        let base = Url::parse("http://h/").unwrap();
        let proxies = Proxies::of(Some(&proxy), &base, &redactor);
        assert_eq!(proxies.before(&base).as_deref(), Some("proxy:3128"));
        for said in ["one%2Ftwo%zz", "one/two%zz", "bWU6b25lL3R3byV6eg=="] {
            let clean = redactor.clean(said);
            assert!(!clean.contains(said), "{clean}");
        }
    }

    #[test]
    fn the_proxies_of_the_environment_never_serve_this_machine() {
        let base = Url::parse("http://localhost:1/").unwrap();
        let proxies = Proxies::of(None, &base, &Redactor::default());
        assert_eq!(proxies.before(&base), None);
    }
}
