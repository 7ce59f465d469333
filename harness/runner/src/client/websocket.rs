//! A WebSocket over the same connections as everything else: the same authorities, the same
//! certificate of one's own, the same proxy. Source: RFC 6455, section 4.1.

use reqwest::header::{CONNECTION, UPGRADE};
use reqwest::{Method, StatusCode};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use url::Url;

use super::Client;
use super::error::{ClientError, Place};
use super::limits::Kind;
use super::transport::is_loopback;

/// The version of the protocol.
const VERSION: &str = "13";

impl Client {
    /// Opens a WebSocket at an address that the server gave. No token goes along: whoever has the
    /// address sends what proves who they are through the socket.
    pub(crate) async fn websocket(
        &self,
        address: &str,
    ) -> Result<WebSocketStream<reqwest::Upgraded>, ClientError> {
        let url = self.over_http(address)?;
        let place = Place::new(&Method::GET, url.path());
        let limits = &self.inner.limits;
        let time = limits.time_for(Kind::Operation);
        let proxy = self.inner.proxies.before(&url);
        let fault = |error| {
            let (connect, proxy) = (limits.connect, proxy.clone());
            ClientError::of(error, place.clone(), connect, time, proxy)
        };
        let key = generate_key();
        let response = self
            .inner
            .http
            .get(url)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header("Sec-WebSocket-Version", VERSION)
            .header("Sec-WebSocket-Key", &key)
            .timeout(time)
            .send()
            .await
            .map_err(fault)?;
        let unexpected = |text: String| ClientError::Unexpected {
            place: place.clone(),
            text,
        };
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let status = response.status().as_u16();
            return Err(unexpected(format!(
                "the server answers {status} and opens no WebSocket"
            )));
        }
        let accepted = response.headers().get("Sec-WebSocket-Accept");
        if accepted.is_none_or(|accepted| accepted != derive_accept_key(key.as_bytes()).as_str()) {
            let text =
                "what answers is no WebSocket: its Sec-WebSocket-Accept is not of this request";
            return Err(unexpected(text.to_owned()));
        }
        let stream = response.upgrade().await.map_err(fault)?;
        Ok(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
    }

    /// `wss://` is HTTPS until it is a WebSocket. What binds it must not go over the wire in the
    /// clear where nothing else does.
    fn over_http(&self, address: &str) -> Result<Url, ClientError> {
        let bad = |text: &str| ClientError::Unexpected {
            place: Place::new(&Method::GET, "websocket-url"),
            text: text.to_owned(),
        };
        let mut url =
            Url::parse(address).map_err(|error| bad(&format!("this is no address: {error}")))?;
        let scheme = match url.scheme() {
            "wss" | "https" => "https",
            "ws" | "http" => "http",
            _ => return Err(bad("the address is neither ws:// nor wss://")),
        };
        if scheme == "http" && self.inner.target.base_url.scheme() == "https" && !is_loopback(&url)
        {
            return Err(bad(
                "the server speaks https:// and gives an address with ws://, where everybody on the way reads along",
            ));
        }
        match url.set_scheme(scheme) {
            Ok(()) => Ok(url),
            Err(()) => Err(bad("the address is neither ws:// nor wss://")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rstest::rstest;

    use super::super::{Auth, Limits, Redactor, ServerProfile, Target};
    use super::*;

    #[rstest]
    #[case::tls(
        "https://a.example/fhir/R4/",
        "wss://a.example/ws",
        Ok("https://a.example/ws")
    )]
    #[case::another_host(
        "https://a.example/fhir/R4/",
        "wss://b.example/ws",
        Ok("https://b.example/ws")
    )]
    #[case::clear(
        "http://a.example/fhir/R4/",
        "ws://a.example/ws",
        Ok("http://a.example/ws")
    )]
    #[case::upgraded(
        "http://a.example/fhir/R4/",
        "wss://a.example/ws",
        Ok("https://a.example/ws")
    )]
    #[case::downgraded(
        "https://a.example/fhir/R4/",
        "ws://a.example/ws",
        Err("where everybody on the way reads along")
    )]
    #[case::never_on_the_wire(
        "https://a.example/fhir/R4/",
        "ws://127.0.0.1:9/ws",
        Ok("http://127.0.0.1:9/ws")
    )]
    #[case::other_scheme(
        "https://a.example/fhir/R4/",
        "ftp://a.example/",
        Err("neither ws:// nor wss://")
    )]
    #[case::no_address("https://a.example/fhir/R4/", "/ws", Err("this is no address"))]
    fn what_is_secret_goes_over_no_clearer_way(
        #[case] base: &str,
        #[case] address: &str,
        #[case] expected: Result<&str, &str>,
    ) {
        let target = Arc::new(Target::new(base, Auth::Nobody, ServerProfile::generic()).unwrap());
        let client = Client::new(
            &target,
            Auth::Nobody,
            Limits::default(),
            &Redactor::default(),
        )
        .unwrap();
        match (client.over_http(address), expected) {
            (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            (result, _) => panic!("{result:?}"),
        }
    }
}
