//! How connections are made: whom to trust, who one is, through which proxy.

use std::fmt;
use std::sync::Arc;

use reqwest::{Certificate, Identity, Proxy};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::error::ClientError;
use super::limits::Limits;

/// How connections are made. Certificates of servers are always verified.
#[derive(Clone, Default)]
pub struct Transport {
    /// Certificates of authorities to trust beside those of this machine, PEM.
    pub authorities: Option<Vec<u8>>,
    /// The certificate and the private key to show to the server, PEM.
    pub identity: Option<Arc<SecretString>>,
    /// The proxy; without, that of the environment.
    pub proxy: Option<Url>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("authorities", &self.authorities.is_some())
            .field("identity", &self.identity.is_some())
            .field("proxy", &self.proxy.as_ref().and_then(Url::host_str))
            .finish()
    }
}

impl Transport {
    /// Whether the certificates, the key and the proxy can be used.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, base: &Url) -> Result<(), ClientError> {
        self.client(base, &Limits::default()).map(drop)
    }

    /// A client that has nothing of any other: no cookies, no redirects, connections of its own.
    pub(super) fn client(
        &self,
        base: &Url,
        limits: &Limits,
    ) -> Result<reqwest::Client, ClientError> {
        // A second installation is refused, which is as good: somebody else's choice stands.
        drop(rustls::crypto::ring::default_provider().install_default());
        let setup = |error: &dyn fmt::Display| ClientError::Setup(error.to_string());
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(limits.connect)
            .user_agent(concat!("fhirward/", env!("CARGO_PKG_VERSION")));
        if let Some(authorities) = &self.authorities {
            let certificates = Certificate::from_pem_bundle(authorities).map_err(|error| {
                setup(&format!("the file of --ca holds no certificate: {error}"))
            })?;
            if certificates.is_empty() {
                return Err(setup(&"the file of --ca holds no certificate"));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        if let Some(identity) = &self.identity {
            let identity =
                Identity::from_pem(identity.expose_secret().as_bytes()).map_err(|_| {
                    // The reason could show a part of the key.
                    setup(&"the files of --cert and --key hold no certificate with its private key")
                })?;
            builder = builder.identity(identity);
        }
        if let Some(proxy) = &self.proxy {
            if !matches!(proxy.scheme(), "http" | "https") || !proxy.has_host() {
                return Err(setup(
                    &"the address of the proxy begins with neither http:// nor https://",
                ));
            }
            let proxy = Proxy::all(proxy.clone())
                .map_err(|_| setup(&"the address of the proxy cannot be used"))?;
            builder = builder.proxy(proxy);
        } else if is_loopback(base) {
            builder = builder.no_proxy();
        }
        builder.build().map_err(|error| match why_unbuilt(&error) {
            Some(rustls::Error::InconsistentKeys(_)) => {
                setup(&"the files of --cert and --key do not belong together: the key is of another certificate")
            }
            Some(other) => setup(other),
            None => setup(&error),
        })
    }
}

/// What TLS has against a client.
fn why_unbuilt(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// Whether a URL never leaves this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
