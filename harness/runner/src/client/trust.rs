//! TLS that did not come to be: who does not trust whom, and why.

use std::error::Error;
use std::fmt;
use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};

/// Why TLS did not come to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distrust {
    /// Nobody whom this machine trusts vouches for the server.
    UnknownAuthority,
    /// The certificate is for other names.
    OtherName {
        /// The name of the server as it was asked for.
        wanted: String,
        /// Those in the certificate.
        found: Vec<String>,
    },
    /// The certificate is over.
    Expired,
    /// The certificate has not begun.
    Early,
    /// The server wants to know who calls.
    Anonymous,
    /// The server does not like who calls.
    Stranger,
    /// The server answers, and not in TLS.
    NoTls,
    /// Something else.
    Other(String),
}

impl Distrust {
    /// What TLS has to do with it that a request failed, if anything.
    pub(super) fn of(error: &reqwest::Error) -> Option<Self> {
        let mut cause: Option<&(dyn Error + 'static)> = error.source();
        while let Some(error) = cause {
            if let Some(found) = within(error) {
                return Some(Self::from(found));
            }
            cause = error.source();
        }
        None
    }

    /// What to try.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::UnknownAuthority => {
                "if that is right, name the authority that signed the certificate with --ca FILE \
                 (PEM); certificates are always verified"
            }
            Self::OtherName { .. } => {
                "use one of its names; or a certificate of the server has to name this one"
            }
            Self::Expired => {
                "whoever runs the server has to renew it; is the clock of this machine right?"
            }
            Self::Early => "is the clock of this machine right?",
            Self::Anonymous => "show one with --cert FILE --key FILE (PEM)",
            Self::Stranger => {
                "is it of an authority that the server trusts, for clients, and not over? see \
                 --cert and --key"
            }
            Self::NoTls => "write http:// if that is right, or name the port that speaks TLS",
            Self::Other(_) => {
                "the server and fhirward agree on no TLS: 1.2 and 1.3 are spoken, and certificates \
                 are always verified"
            }
        }
    }
}

/// An error of TLS, as it is wrapped in errors of input and output.
fn within<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e TlsError> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    within(inner)
}

impl From<&TlsError> for Distrust {
    fn from(error: &TlsError) -> Self {
        match error {
            TlsError::InvalidCertificate(certificate) => Self::from(certificate),
            TlsError::AlertReceived(alert) => match alert {
                AlertDescription::CertificateRequired => Self::Anonymous,
                AlertDescription::UnknownCA
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::DecryptError
                | AlertDescription::AccessDenied => Self::Stranger,
                other => Self::Other(format!("the server breaks off: {other:?}")),
            },
            TlsError::InvalidMessage(_) => Self::NoTls,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<&CertificateError> for Distrust {
    fn from(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownAuthority,
            CertificateError::NotValidForNameContext {
                expected,
                presented,
            } => Self::OtherName {
                wanted: expected.to_str().into_owned(),
                found: presented.iter().map(|name| plain(name)).collect(),
            },
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::Early
            }
            other => Self::Other(format!("the certificate of the server: {other}")),
        }
    }
}

/// `DnsName("a.example")` without its wrapping.
fn plain(name: &str) -> String {
    name.split('"').nth(1).unwrap_or(name).to_owned()
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAuthority => f.write_str(
                "the certificate of the server is signed by nobody whom this machine trusts",
            ),
            Self::OtherName { wanted, found } => write!(
                f,
                "the certificate of the server is for another name than `{wanted}`: {}",
                found.join(", ")
            ),
            Self::Expired => f.write_str("the certificate of the server has expired"),
            Self::Early => f.write_str("the certificate of the server is not valid yet"),
            Self::Anonymous => f.write_str("the server wants a certificate of whoever calls"),
            Self::Stranger => f.write_str("the server refuses the certificate of --cert"),
            Self::NoTls => f.write_str("the server speaks no TLS there"),
            Self::Other(text) => f.write_str(text),
        }
    }
}
