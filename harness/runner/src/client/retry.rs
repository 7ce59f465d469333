//! What may be sent again: only what the server has certainly not acted upon, or may act upon twice.

use std::time::{Duration, SystemTime};

use reqwest::Method;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::error::ClientError;
use super::forward::Hindrance;

/// Whether it may be sent again, and how long the server asks to wait before.
pub(super) enum Again {
    /// Never.
    No,
    /// After a time.
    After(Option<Duration>),
}

/// Whether a request that ended like this may be sent again. `repeatable`: nothing happens twice if
/// it arrives twice.
pub(super) fn again(error: &ClientError, repeatable: bool) -> Again {
    match error {
        // It never arrived.
        ClientError::Refused(_)
        | ClientError::Network { sent: false, .. }
        | ClientError::Proxy {
            what: Hindrance::Refused | Hindrance::NoTunnel,
            ..
        } => Again::After(None),
        // A quota is looked at before anything is done.
        ClientError::Status {
            status: 429,
            retry_after,
            ..
        } => Again::After(*retry_after),
        // It may have arrived, and 503 may come of a gateway that gave up waiting.
        ClientError::Status {
            status: 503,
            retry_after,
            ..
        } if repeatable => Again::After(*retry_after),
        ClientError::Network { .. } if repeatable => Again::After(None),
        // A time-out has waited long enough already.
        _ => Again::No,
    }
}

/// Whether a method only looks.
pub(super) fn only_looks(method: &Method, path: &str) -> bool {
    let place = path.split('?').next().unwrap_or_default();
    matches!(*method, Method::GET | Method::HEAD)
        || (*method == Method::POST && place.ends_with("/_search"))
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    let now = jiff::Timestamp::try_from(now).ok()?;
    let wait = date.timestamp().duration_since(now);
    // A time that is over asks for no wait.
    Some(Duration::try_from(wait).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::error::Place;
    use super::*;

    fn status(status: u16) -> ClientError {
        ClientError::Status {
            place: Place::new(&Method::GET, "x"),
            status,
            text: None,
            retry_after: Some(Duration::from_secs(3)),
        }
    }

    fn broken(sent: bool) -> ClientError {
        ClientError::Network {
            place: Place::new(&Method::GET, "x"),
            text: String::new(),
            sent,
        }
    }

    #[rstest]
    #[case::refused(ClientError::Refused(Place::new(&Method::POST, "x")), false, true)]
    #[case::never_sent(broken(false), false, true)]
    #[case::perhaps_sent(broken(true), false, false)]
    #[case::perhaps_sent_look(broken(true), true, true)]
    #[case::quota(status(429), false, true)]
    #[case::unavailable_write(status(503), false, false)]
    #[case::unavailable_look(status(503), true, true)]
    #[case::broken_server(status(500), true, false)]
    #[case::gateway(status(502), true, false)]
    #[case::slow(
        ClientError::Timeout { place: Place::new(&Method::GET, "x"), milliseconds: 1 },
        true,
        false
    )]
    fn what_is_sent_again(#[case] error: ClientError, #[case] repeatable: bool, #[case] yes: bool) {
        assert_eq!(matches!(again(&error, repeatable), Again::After(_)), yes);
    }

    #[rstest]
    #[case("7", Some(7))]
    #[case("Thu, 01 Jan 1970 00:01:40 GMT", Some(40))]
    #[case::over("Thu, 01 Jan 1970 00:00:10 GMT", Some(0))]
    #[case::neither("soon", None)]
    fn how_long_a_server_asks_to_wait(#[case] text: &str, #[case] seconds: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(60);
        assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs));
    }
}
