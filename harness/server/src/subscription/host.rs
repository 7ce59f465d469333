//! Where a notification may be sent: this machine, and the hosts that the server was started with.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The hosts besides this machine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts {
    allowed: Vec<Allowed>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Allowed {
    host: String,
    port: Option<u16>,
}

impl Hosts {
    /// Reads `HOST` or `HOST:PORT`; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// A sentence that names what is no host.
    pub(crate) fn parse(given: &[String]) -> Result<Self, String> {
        let one = |text: &String| {
            let refused =
                || format!("`{text}` is no host such as hooks.example.com or 10.0.0.7:8080");
            let url = Url::parse(&format!("http://{text}/")).map_err(|_| refused())?;
            let only_host = url.username().is_empty()
                && url.password().is_none()
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && !text.ends_with('/');
            let host = url.host_str().filter(|_| only_host).ok_or_else(refused)?;
            let port = if text.ends_with(":80") {
                Some(80)
            } else {
                url.port()
            };
            Ok(Allowed {
                host: host.to_owned(),
                port,
            })
        };
        Ok(Self {
            allowed: given.iter().map(one).collect::<Result<_, String>>()?,
        })
    }

    /// Whether a URL may be called. What its name leads to is looked at when it is called.
    ///
    /// # Errors
    /// A sentence that tells why not.
    pub(crate) fn check(&self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "`{}:` is not called; http: and https: are",
                url.scheme()
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL with a user or password is not called; use channel.header".into());
        }
        let (Some(host), Some(name)) = (url.host(), url.host_str()) else {
            return Err("the URL has no host".into());
        };
        let here = match host {
            Host::Domain(name) => is_local_name(name),
            Host::Ipv4(address) => IpAddr::from(address).is_loopback(),
            Host::Ipv6(address) => IpAddr::from(address).to_canonical().is_loopback(),
        };
        let port = url.port_or_known_default();
        let named = self.allowed.iter().any(|allowed| {
            allowed.host == name && (allowed.port.is_none() || allowed.port == port)
        });
        if here || named {
            return Ok(());
        }
        Err(format!(
            "the host `{name}` is not allowed: the server calls this machine only, and hosts that \
             it was started with (`--allow-hook {name}`)"
        ))
    }
}

/// Names that lead to this machine, whatever a name server says (RFC 6761, 6.3).
fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether an address may be connected to under a name.
///
/// A local name leads to this machine only. An allowed name may lead anywhere but to addresses
/// that are nobody's host: link-local ones, where clouds keep their credentials, and groups.
fn may_connect(name: &str, address: IpAddr) -> bool {
    let address = address.to_canonical();
    if is_local_name(name) {
        return address.is_loopback();
    }
    match address {
        IpAddr::V4(address) => {
            !(address.is_link_local()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_broadcast())
        }
        IpAddr::V6(address) => {
            !(address.is_unicast_link_local() || address.is_unspecified() || address.is_multicast())
        }
    }
}

/// Looks up a name for a connection and leaves out the addresses that may not be connected to. The
/// connection is made to what was looked at, so a name cannot lead elsewhere in between.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolver;

impl Resolver {
    pub(crate) fn shared() -> Arc<Self> {
        Arc::new(Self)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let good: Vec<SocketAddr> = found
                .filter(|address| may_connect(&name, address.ip()))
                .collect();
            if good.is_empty() {
                return Err(format!("`{name}` leads to no address that may be called").into());
            }
            Ok(Box::new(good.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn hosts() -> Hosts {
        let given = [
            "hooks.example.com",
            "10.0.0.7:8080",
            "[2001:db8::1]",
            "Ünicode.example:80",
        ];
        Hosts::parse(&given.map(str::to_owned)).unwrap()
    }

    #[rstest]
    #[case::loopback("http://127.0.0.1:9000/hook", true)]
    #[case::other_loopback("http://127.9.9.9/", true)]
    #[case::loopback_6("http://[::1]:9000/", true)]
    #[case::mapped_loopback("http://[::ffff:127.0.0.1]/", true)]
    #[case::local_name("https://localhost/", true)]
    #[case::local_subname("http://app.localhost:3000/", true)]
    #[case::hexadecimal_loopback("http://0x7f.1/", true)]
    #[case::allowed_name("https://hooks.example.com/a?b", true)]
    #[case::allowed_name_any_port("http://HOOKS.example.com:8443/", true)]
    #[case::allowed_address_and_port("http://10.0.0.7:8080/", true)]
    #[case::allowed_6("http://[2001:db8:0::1]:9/", true)]
    #[case::other_port("http://10.0.0.7/", false)]
    #[case::part_of_a_name("https://hooks.example.com.evil.example/", false)]
    #[case::subdomain("https://a.hooks.example.com/", false)]
    #[case::metadata("http://169.254.169.254/latest", false)]
    #[case::everywhere("http://0.0.0.0/", false)]
    #[case::not_quite_local("http://localhost.example/", false)]
    #[case::user("http://hooks.example.com@evil.example/", false)]
    #[case::password("http://a:b@127.0.0.1/", false)]
    #[case::file("file:///etc/passwd", false)]
    fn urls(#[case] url: &str, #[case] allowed: bool) {
        let answer = hosts().check(&Url::parse(url).unwrap());
        assert_eq!(answer.is_ok(), allowed, "{answer:?}");
    }

    #[rstest]
    #[case::local_elsewhere("app.localhost", "10.0.0.1", false)]
    #[case::local_here("app.localhost", "127.0.0.1", true)]
    #[case::named_here("hooks.example.com", "127.0.0.1", true)]
    #[case::private("hooks.example.com", "172.18.0.4", true)]
    #[case::metadata("hooks.example.com", "169.254.169.254", false)]
    #[case::mapped_metadata("hooks.example.com", "::ffff:169.254.169.254", false)]
    #[case::link_local("hooks.example.com", "fe80::1", false)]
    #[case::nowhere("hooks.example.com", "0.0.0.0", false)]
    fn addresses(#[case] name: &str, #[case] address: &str, #[case] allowed: bool) {
        assert_eq!(may_connect(name, address.parse().unwrap()), allowed);
    }

    #[rstest]
    #[case("http://a")]
    #[case("a/b")]
    #[case("a b")]
    #[case("u@a")]
    #[case("")]
    fn no_hosts(#[case] text: &str) {
        assert!(Hosts::parse(&[text.to_owned()]).is_err());
    }

    #[tokio::test]
    async fn a_local_name_is_resolved_to_this_machine_only() {
        let found = Resolver
            .resolve("localhost".parse().unwrap())
            .await
            .unwrap();
        assert!(found.map(|address| address.ip()).all(|ip| ip.is_loopback()));
    }
}
