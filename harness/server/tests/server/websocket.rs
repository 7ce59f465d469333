//! Subscriptions by WebSocket, spoken as MedplumClient speaks it.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::sink::words;
use crate::support::{Actor, PATIENCE, World, idle, participant};

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(world: &World) -> Self {
        let base = world.server.base_url.as_str().replacen("http", "ws", 1);
        Self(
            connect_async(format!("{base}ws/subscriptions-r4"))
                .await
                .unwrap()
                .0,
        )
    }

    async fn say(&mut self, message: &Value) {
        self.0
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    async fn bind(&mut self, token: &str) {
        self.say(&json!({ "type": "bind-with-token", "payload": { "token": token } }))
            .await;
    }

    /// The next message; of a heartbeat only when it is asked for.
    async fn hear(&mut self) -> Value {
        let message = tokio::time::timeout(PATIENCE, self.0.next()).await;
        match message.unwrap().unwrap().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("no text: {other:?}"),
        }
    }

    /// The words of the next message that is told of; also what `SubscriptionStatus` says of it.
    async fn told(&mut self) -> (String, Value) {
        let bundle = self.hear().await;
        assert_eq!(bundle["resourceType"], "Bundle", "{bundle}");
        let status = bundle["entry"][0]["resource"].clone();
        assert_eq!(status["resourceType"], "SubscriptionStatus");
        assert_eq!(status["type"], "event-notification");
        (words(&bundle["entry"][1]["resource"]), status)
    }

    async fn bound(&mut self, token: &str) {
        self.bind(token).await;
        let bundle = self.hear().await;
        let status = &bundle["entry"][0]["resource"];
        assert_eq!(status["type"], "handshake", "{bundle}");
    }

    /// The code that the server closes with.
    async fn closed(&mut self) -> u16 {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await;
            match message.unwrap().unwrap().unwrap() {
                Message::Close(frame) => return frame.unwrap().code.into(),
                _ => continue,
            }
        }
    }
}

fn subscription(criteria: &str) -> Value {
    json!({
        "resourceType": "Subscription",
        "status": "active",
        "reason": "WebSocket subscription for Practitioner/a",
        "criteria": criteria,
        "channel": { "type": "websocket" },
    })
}

fn message(words: &str, sender: &str) -> Value {
    json!({
        "resourceType": "Communication",
        "status": "in-progress",
        "sender": { "reference": sender },
        "payload": [{ "contentString": words }],
    })
}

/// A participant that may subscribe, as Medplum's documentation has the policy.
async fn subscriber(world: &World) -> Actor {
    let mut policy = participant();
    let entry =
        json!({ "resourceType": "Subscription", "criteria": "Subscription?type=websocket" });
    policy.as_array_mut().unwrap().push(entry);
    world.actor(policy).await
}

fn part(parameters: &Value, name: &str) -> String {
    let parts = parameters["parameter"].as_array().unwrap();
    let part = parts.iter().find(|part| part["name"] == name).unwrap();
    let mut values = part
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, _)| key.starts_with("value"));
    values.next().unwrap().1.as_str().unwrap().to_owned()
}

async fn token(actor: &Actor, subscription: &str) -> String {
    let answer = actor
        .get(&format!("{subscription}/$get-ws-binding-token"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    part(&answer.json(), "token")
}

/// A socket that is bound to a new Subscription of the actor.
async fn listen(world: &World, actor: &Actor, criteria: &str) -> (Socket, String) {
    let made = actor.make(subscription(criteria)).await;
    let mut socket = Socket::open(world).await;
    socket.bound(&token(actor, &made).await).await;
    (socket, made)
}

/// flow `live-updates-websocket`
#[tokio::test]
async fn a_message_of_the_thread_is_told_once() {
    let world = World::new().await;
    let header = world.admin.make(message("header", "Patient/1")).await;
    let criteria = format!("Communication?part-of={header}");
    let (mut socket, made) = listen(&world, &world.admin, &criteria).await;
    let child = |words: &str, part_of: &str| {
        let mut child = message(words, "Patient/1");
        child["partOf"] = json!([{ "reference": part_of }]);
        child
    };
    world
        .admin
        .make(child("another thread", "Communication/other"))
        .await;
    let told = world.admin.make(child("child", &header)).await;
    let (words, status) = socket.told().await;
    assert_eq!(words, "child");
    assert_eq!(status["status"], "active");
    assert_eq!(status["subscription"]["reference"], made);
    assert_eq!(status["notificationEvent"][0]["focus"]["reference"], told);
    let edit = json!([{ "op": "replace", "path": "/payload/0/contentString", "value": "edited" }]);
    world.admin.patch(&told, &edit).await;
    assert_eq!(socket.told().await.0, "edited");
    // A deletion shows what was deleted.
    world.admin.delete(&told).await;
    assert_eq!(socket.told().await.0, "edited");
    world.admin.make(child("next", &header)).await;
    assert_eq!(socket.told().await.0, "next");
}

#[tokio::test]
async fn the_token_says_where_to_connect_and_until_when() {
    let world = World::new().await;
    let made = world.admin.make(subscription("Communication")).await;
    let answer = world
        .admin
        .get(&format!("{made}/$get-ws-binding-token"))
        .await;
    let parameters = answer.json();
    let base = world.server.base_url.as_str().replacen("http", "ws", 1);
    assert_eq!(
        part(&parameters, "websocket-url"),
        format!("{base}ws/subscriptions-r4")
    );
    let end: jiff::Timestamp = part(&parameters, "expiration").parse().unwrap();
    let left = end.as_second() - jiff::Timestamp::now().as_second();
    assert!((3590..=3600).contains(&left), "{left}");
    assert_eq!(
        format!("Subscription/{}", part(&parameters, "subscription")),
        made
    );
}

#[tokio::test]
async fn two_listeners_hear_what_each_may_read() {
    let world = World::new().await;
    let (alice, bob) = (subscriber(&world).await, subscriber(&world).await);
    let (mut hers, _) = listen(&world, &alice, "Communication").await;
    let (mut his, _) = listen(&world, &bob, "Communication").await;
    for (words, sender) in [
        ("a", &alice.profile),
        ("b", &bob.profile),
        ("a2", &alice.profile),
    ] {
        world.admin.make(message(words, sender)).await;
    }
    assert_eq!(hers.told().await.0, "a");
    assert_eq!(hers.told().await.0, "a2");
    assert_eq!(his.told().await.0, "b");
}

/// Its notifications show what the author sees.
#[tokio::test]
async fn a_token_is_for_the_author_only() {
    let world = World::new().await;
    let (alice, bob) = (subscriber(&world).await, subscriber(&world).await);
    let made = alice.make(subscription("Communication")).await;
    let path = format!("{made}/$get-ws-binding-token");
    assert_eq!(bob.get(&path).await.status, 403);
    assert_eq!(world.nobody().get(&path).await.status, 401);
    assert_eq!(
        alice
            .get("Subscription/none/$get-ws-binding-token")
            .await
            .status,
        404
    );
    let stranger = world.actor(participant()).await;
    assert_eq!(stranger.get(&path).await.status, 403);
    let mut hook = subscription("Communication");
    hook["channel"] = json!({ "type": "rest-hook", "endpoint": "http://127.0.0.1:9/" });
    let hook = world.admin.make(hook).await;
    let path = format!("{hook}/$get-ws-binding-token");
    assert_eq!(world.admin.get(&path).await.status, 400);
    let put = world.admin.send(Method::PUT, &path, &[], None).await;
    assert_eq!(put.status, 405);
}

#[tokio::test]
async fn what_binds_nothing_is_answered_and_the_socket_stays() {
    let world = World::with(|config| config.messaging.binding_lifetime = Duration::ZERO).await;
    let made = world.admin.make(subscription("Communication")).await;
    let expired = token(&world.admin, &made).await;
    let mut socket = Socket::open(&world).await;
    for token in ["nonsense", &expired] {
        socket.bind(token).await;
        let answer = socket.hear().await;
        assert_eq!(answer["resourceType"], "OperationOutcome");
        assert_eq!(
            answer["issue"][0]["details"]["text"],
            "Token failed to validate. Check token expiry."
        );
    }
    socket.say(&json!({ "type": "bind" })).await;
    assert_eq!(socket.hear().await["resourceType"], "OperationOutcome");
    socket.say(&json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await, json!({ "type": "pong" }));
}

#[tokio::test]
async fn who_unbinds_hears_no_more() {
    let world = World::new().await;
    let made = world.admin.make(subscription("Communication")).await;
    let token = token(&world.admin, &made).await;
    let (mut one, mut two) = (Socket::open(&world).await, Socket::open(&world).await);
    one.bound(&token).await;
    two.bound(&token).await;
    one.say(&json!({ "type": "unbind-from-token", "payload": { "token": token } }))
        .await;
    one.say(&json!({ "type": "ping" })).await;
    assert_eq!(one.hear().await, json!({ "type": "pong" }));
    world.admin.make(message("a", "Patient/1")).await;
    assert_eq!(two.told().await.0, "a");
    one.say(&json!({ "type": "ping" })).await;
    assert_eq!(
        one.hear().await,
        json!({ "type": "pong" }),
        "and nothing before it"
    );
}

/// Withdrawn rights end the notifications, though the socket is open and bound.
#[tokio::test]
async fn withdrawn_rights_end_the_notifications_at_once() {
    let world = World::new().await;
    let (alice, bob) = (subscriber(&world).await, subscriber(&world).await);
    let (mut hers, _) = listen(&world, &alice, "Communication").await;
    let (mut his, _) = listen(&world, &bob, "Communication").await;
    let between = |words: &str| {
        let mut message = message(words, &alice.profile);
        message["recipient"] = json!([{ "reference": bob.profile }]);
        message
    };
    world.admin.make(between("before")).await;
    assert_eq!(hers.told().await.0, "before");
    assert_eq!(his.told().await.0, "before");
    let none = world.policy(json!([{ "resourceType": "Task" }])).await;
    let path = format!("ProjectMembership/{}", bob.membership);
    let mut membership = world.admin.get(&path).await.json();
    membership["accessPolicy"] = json!({ "reference": none });
    assert_eq!(world.admin.put(&path, &membership).await.status, 200);
    world.admin.make(between("after")).await;
    assert_eq!(hers.told().await.0, "after");
    his.say(&json!({ "type": "ping" })).await;
    assert_eq!(
        his.hear().await,
        json!({ "type": "pong" }),
        "and nothing before it"
    );
}

#[tokio::test]
async fn a_deleted_subscription_is_not_listened_to() {
    let world = World::new().await;
    let (mut socket, made) = listen(&world, &world.admin, "Communication").await;
    let (mut other, _) = listen(&world, &world.admin, "Communication").await;
    let again = token(&world.admin, &made).await;
    world.admin.delete(&made).await;
    world.admin.make(message("a", "Patient/1")).await;
    assert_eq!(other.told().await.0, "a");
    socket.bind(&again).await;
    assert_eq!(socket.hear().await["resourceType"], "OperationOutcome");
}

#[tokio::test]
async fn a_bound_socket_hears_that_it_is_served() {
    let world = World::with(|config| config.messaging.heartbeat = Duration::from_millis(20)).await;
    let (mut socket, made) = listen(&world, &world.admin, "Task").await;
    let beat = socket.hear().await;
    assert_eq!(beat["type"], "history");
    let status = &beat["entry"][0]["resource"];
    assert_eq!(status["type"], "heartbeat");
    assert_eq!(status["subscription"]["reference"], made);
}

/// A socket outlives the time after which an idle connection is closed.
#[tokio::test]
async fn a_quiet_socket_stays_open() {
    let world = World::with_limits(|limits| limits.idle_timeout = Duration::from_millis(100)).await;
    let (mut socket, _) = listen(&world, &world.admin, "Communication").await;
    idle(world.server.addr).await;
    world.admin.make(message("a", "Patient/1")).await;
    assert_eq!(socket.told().await.0, "a");
}

#[tokio::test]
async fn many_sockets_hear_the_same() {
    let world = World::new().await;
    let made = world.admin.make(subscription("Communication")).await;
    let token = token(&world.admin, &made).await;
    let mut sockets = Vec::new();
    for _ in 0..100 {
        let mut socket = Socket::open(&world).await;
        socket.bound(&token).await;
        sockets.push(socket);
    }
    for words in ["1", "2", "3"] {
        world.admin.make(message(words, "Patient/1")).await;
    }
    for socket in &mut sockets {
        for words in ["1", "2", "3"] {
            assert_eq!(socket.told().await.0, words);
        }
    }
}

/// One that does not read is closed, and keeps nobody else waiting.
#[tokio::test]
async fn a_socket_that_does_not_read_is_closed() {
    let world = World::with(|config| config.messaging.socket_waiting = 4).await;
    let (mut slow, made) = listen(&world, &world.admin, "Communication").await;
    let mut quick = Socket::open(&world).await;
    quick.bound(&token(&world.admin, &made).await).await;
    // More than the system keeps for a connection whose other end does not read.
    let long = json!({ "contentString": "x".repeat(900_000) });
    for n in 0..16 {
        let mut told = message(&n.to_string(), "Patient/1");
        told["payload"] = json!([told["payload"][0], long, long]);
        world.admin.make(told).await;
        assert_eq!(quick.told().await.0, n.to_string());
    }
    // Some were on their way before it was given up; the others it never gets.
    let mut heard = 0;
    while let Some(Ok(Message::Text(_))) =
        tokio::time::timeout(PATIENCE, slow.0.next()).await.unwrap()
    {
        heard += 1;
    }
    assert!(heard < 16, "{heard}");
}

#[tokio::test]
async fn a_stop_closes_the_sockets() {
    let world = World::new().await;
    let (mut socket, _) = listen(&world, &world.admin, "Communication").await;
    let stop = tokio::spawn(world.server.stop());
    assert_eq!(socket.closed().await, 1001);
    stop.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_is_no_websocket_is_told_so() {
    let world = World::new().await;
    let answer = world.admin.get("/ws/subscriptions-r4").await;
    assert_eq!(answer.status, 426);
    assert_eq!(answer.issue(), "not-supported");
}
