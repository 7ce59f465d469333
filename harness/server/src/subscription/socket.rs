//! `/ws/subscriptions-r4`: one connection, from its first message to its end.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{ConnectInfo, FromRequestParts as _, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::binding::Binding;
use super::protocol::{self, Said};
use super::sockets::Socket;
use super::{author, token};
use crate::app::App;
use crate::http::listener::{Peer, UnderWay};
use crate::http::outcome::{Failure, Issue};
use crate::store::{View as _, instant};

/// The path, below the server's base URL.
pub(crate) const PATH: &str = "ws/subscriptions-r4";

/// The longest message that a client sends.
const MAX_MESSAGE: usize = 64 * 1024;

/// How long a socket may take to accept one message.
const MAX_WRITE: Duration = Duration::from_secs(10);

/// How long a socket may stay without being bound to anything.
const MAX_UNBOUND: Duration = Duration::from_secs(60);

/// What a client is told whose token binds nothing.
const BAD_TOKEN: &str = "Token failed to validate. Check token expiry.";

/// Turns the connection into a WebSocket.
pub(crate) async fn upgrade(State(app): State<Arc<App>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let peer = parts.extensions.get::<ConnectInfo<Peer>>();
    // As long as the socket is open the connection is not idle.
    let under_way = peer.map(|ConnectInfo(peer)| peer.activity.begin());
    match WebSocketUpgrade::from_request_parts(&mut parts, &app).await {
        Ok(upgrade) => upgrade
            .max_message_size(MAX_MESSAGE)
            .max_frame_size(MAX_MESSAGE)
            .on_upgrade(move |socket| serve(app, socket, under_way)),
        Err(_) => {
            let issue = Issue::error("not-supported", "this is a WebSocket")
                .with_diagnostics("connect with ws:, not with http:");
            Failure::new(StatusCode::UPGRADE_REQUIRED, vec![issue]).into_response()
        }
    }
}

async fn serve(app: Arc<App>, mut connection: WebSocket, _under_way: Option<UnderWay>) {
    let settings = &app.messaging.settings;
    let mut socket = app.messaging.sockets.open(settings.socket_waiting);
    let mut beat = interval_at(Instant::now() + settings.heartbeat, settings.heartbeat);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut unbound_since = Instant::now();
    let closing = async |mut closing: tokio::sync::watch::Receiver<bool>| {
        // The sender lives as long as the server.
        let _: Result<_, _> = closing.wait_for(|closing| *closing).await;
    };
    let stopped = closing(socket.closing.clone());
    tokio::pin!(stopped);
    let farewell = loop {
        let say = tokio::select! {
            () = &mut stopped => break Some((close_code::AWAY, "the server stops")),
            () = socket.too_slow.notified() => {
                break Some((close_code::AGAIN, "more messages wait than may"));
            }
            Some(text) = socket.waiting.recv() => Some(text),
            said = connection.recv() => match said {
                Some(Ok(Message::Text(text))) => hear(&app, &socket, &text),
                Some(Ok(Message::Binary(_))) => {
                    break Some((close_code::UNSUPPORTED, "messages are text"));
                }
                // The library answers pings.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
                Some(Ok(Message::Close(_)) | Err(_)) | None => break None,
            },
            _ = beat.tick() => {
                let bound = socket.subscriptions(App::now());
                if !bound.is_empty() {
                    unbound_since = Instant::now();
                    let subscriptions = bound.iter().map(String::as_str);
                    let text = protocol::heartbeat(subscriptions, &instant(Timestamp::now()));
                    Some(text.into())
                } else if unbound_since.elapsed() > MAX_UNBOUND {
                    break Some((close_code::POLICY, "the socket is bound to nothing"));
                } else {
                    None
                }
            }
        };
        if let Some(text) = say
            && !matches!(
                timeout(MAX_WRITE, connection.send(Message::Text(text))).await,
                Ok(Ok(()))
            )
        {
            break None;
        }
    };
    if let Some((code, reason)) = farewell {
        let frame = CloseFrame {
            code,
            reason: Utf8Bytes::from_static(reason),
        };
        // Who does not take it is gone anyway.
        let _: Result<_, _> =
            timeout(MAX_WRITE, connection.send(Message::Close(Some(frame)))).await;
    }
}

/// Does what the client says; the answer, if there is one.
fn hear(app: &App, socket: &Socket<'_>, text: &str) -> Option<Utf8Bytes> {
    let answer = match Said::parse(text) {
        Err(wrong) => protocol::refusal(&wrong),
        Ok(Said::Ping) => protocol::pong(),
        Ok(Said::Bind(token)) => bind(app, socket, &token),
        Ok(Said::Unbind(token)) => {
            let binding = Binding::read(&token, &app.messaging.signing);
            let Some(binding) = binding else {
                return Some(protocol::refusal(BAD_TOKEN).into());
            };
            socket.unbind(&binding.subscription);
            return None;
        }
    };
    Some(answer.into())
}

fn bind(app: &App, socket: &Socket<'_>, token: &str) -> String {
    let binding = Binding::read(token, &app.messaging.signing)
        .filter(|binding| binding.is_good(App::now()))
        .filter(|binding| may_bind(app, binding));
    match binding {
        None => protocol::refusal(BAD_TOKEN),
        Some(binding) if socket.bind(&binding) => {
            protocol::handshake(&binding.subscription, &instant(Timestamp::now()))
        }
        Some(_) => protocol::refusal("the socket is bound to as many Subscriptions as it may"),
    }
}

/// Whether the one to whom the token was given is still the author of a Subscription that is
/// carried out.
fn may_bind(app: &App, binding: &Binding) -> bool {
    let id = &binding.subscription;
    let stored = app.store.current("Subscription", id);
    let live = stored.is_some_and(|stored| token::is_live(app, &stored.resource));
    live && author::kept(app, id).is_some_and(|author| author.to_text() == binding.author)
        && author::of(app, id).is_some()
}

/// The URL that a client connects to.
pub(crate) fn url(app: &App) -> String {
    let mut url = app.base_url.clone();
    let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
    // Both are schemes of the same kind, so that one can replace the other.
    let _: Result<(), ()> = url.set_scheme(scheme);
    format!("{url}{PATH}")
}

/// Whether a Subscription is one for WebSockets.
pub(crate) fn is_for_sockets(subscription: &Value) -> bool {
    subscription
        .pointer("/channel/type")
        .and_then(Value::as_str)
        == Some("websocket")
}
