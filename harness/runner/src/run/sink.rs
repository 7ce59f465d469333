//! What the server sends of its own accord: an HTTP server on loopback, or a bound WebSocket.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use super::bindings::Missing;
use super::judge::names_in;
use super::step::Trouble;
use super::whose::Waiting;
use crate::actor::SetupError;
use crate::client::{Client, Request, shorten, text_at};
use crate::expect::check_body;
use crate::scenario::{Action, Delivery, Payload, Sink, SinkKind, Step};

/// How long a server may take to say that a WebSocket is bound. Not all of them say so.
const HANDSHAKE: Duration = Duration::from_secs(2);

/// Something that the server sent.
#[derive(Debug, Clone)]
pub(super) struct Delivered {
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    pub(super) body: Option<Value>,
}

/// What has arrived and was not yet waited for.
#[derive(Debug, Default)]
struct Inbox {
    waiting: Mutex<Vec<Delivered>>,
    arrived: Notify,
    /// The WebSocket is bound.
    bound: Notify,
}

impl Inbox {
    fn put(&self, delivered: Delivered) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(delivered);
        drop(waiting);
        self.arrived.notify_waiters();
    }

    /// Takes out what is wanted, up to a number.
    fn take(&self, most: usize, wanted: &dyn Fn(&Delivered) -> bool) -> Vec<Delivered> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        waiting.retain(|delivered| {
            let take = taken.len() < most && wanted(delivered);
            if take {
                taken.push(delivered.clone());
            }
            !take
        });
        taken
    }
}

/// One sink, open.
#[derive(Debug)]
struct Open {
    inbox: Arc<Inbox>,
    url: Option<String>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// The sinks of a scenario.
#[derive(Debug, Default)]
pub(super) struct Sinks {
    open: BTreeMap<String, Open>,
    /// For each sink that a step was to bring to life: the first such step that did not, and
    /// whether nothing is wrong with that. Nothing where another step did.
    lifeless: BTreeMap<String, Option<(String, bool)>>,
}

impl Sinks {
    /// Opens a sink; its address, where it has one.
    pub(super) async fn open(&mut self, sink: &Sink) -> Result<Option<String>, SetupError> {
        let inbox = Arc::new(Inbox::default());
        let mut open = Open {
            inbox: Arc::clone(&inbox),
            url: None,
            task: None,
        };
        if sink.kind == SinkKind::Http {
            let fail = |error: std::io::Error| {
                let doing = format!("opening the sink {}", sink.name);
                SetupError::new(doing, error.to_string(), "is loopback reachable here?")
            };
            let listener = TcpListener::bind("127.0.0.1:0").await.map_err(fail)?;
            let address = listener.local_addr().map_err(fail)?;
            // Nobody else on this machine knows the path.
            let path = format!("/{}", uuid::Uuid::new_v4().simple());
            open.url = Some(format!("http://{address}{path}"));
            let counter = Counter {
                inbox,
                path,
                replies: sink.replies.clone(),
                calls: Arc::default(),
            };
            let app = Router::new().fallback(receive).with_state(counter);
            open.task = Some(tokio::spawn(async move {
                // It ends with the scenario, by being dropped.
                drop(axum::serve(listener, app).await);
            }));
        }
        let url = open.url.clone();
        self.open.insert(sink.name.clone(), open);
        Ok(url)
    }

    /// Remembers what became of a step that tells the server of a sink.
    pub(super) fn note(&mut self, step: &Step, done: bool, not_offered: bool) {
        for name in told_of(&step.action) {
            if !self.open.contains_key(&name) {
                continue;
            }
            if done {
                self.lifeless.insert(name, None);
            } else {
                self.lifeless
                    .entry(name)
                    .or_insert_with(|| Some((step.id.clone(), not_offered)));
            }
        }
    }

    /// Why nothing can arrive at a sink: nobody told the server of it.
    pub(super) fn blocked(&self, sink: &str) -> Option<Missing> {
        let (step, not_offered) = self.lifeless.get(sink)?.as_ref()?;
        let why = if *not_offered {
            format!("needs something to arrive at `{sink}`, and step {step} is not played")
        } else {
            format!("needs something to arrive at `{sink}`, which step {step} did not arrange")
        };
        Some(Missing {
            why,
            not_offered: *not_offered,
        })
    }

    /// What arrived that nobody waited for.
    pub(super) fn others(&self, sink: &str) -> Vec<Delivered> {
        self.open.get(sink).map_or_else(Vec::new, |open| {
            let waiting = open.inbox.waiting.lock();
            waiting.unwrap_or_else(PoisonError::into_inner).clone()
        })
    }

    /// Waits until as much has arrived as is wanted, or the time is over. What is another
    /// scenario's does not count.
    pub(super) async fn wait(
        &self,
        delivery: &Delivery,
        expected: &[Value],
        waiting: &Waiting<'_>,
    ) -> Result<Vec<Delivered>, Trouble> {
        let Some(open) = self.open.get(&delivery.sink) else {
            let doing = format!("waiting at the sink {}", delivery.sink);
            return Err(SetupError::new(doing, "it is not open", "").into());
        };
        let wanted = |delivered: &Delivered| {
            let body = delivered.body.as_ref();
            waiting.counts(delivered) && check_body(body, &delivery.matching, expected).is_empty()
        };
        let all_of_the_time = delivery.count == 0;
        let most = if all_of_the_time {
            usize::MAX
        } else {
            delivery.count
        };
        let mut taken = Vec::new();
        let collect = async {
            loop {
                let arrived = open.inbox.arrived.notified();
                tokio::pin!(arrived);
                // Whatever comes between looking and waiting still wakes.
                arrived.as_mut().enable();
                taken.extend(open.inbox.take(most - taken.len(), &wanted));
                if taken.len() >= most || (all_of_the_time && !taken.is_empty()) {
                    return;
                }
                arrived.await;
            }
        };
        // Too late is an answer like any other: what has come by then.
        drop(tokio::time::timeout(delivery.within, collect).await);
        Ok(taken)
    }

    /// Binds a WebSocket to a Subscription. Source: Medplum, `$get-ws-binding-token`.
    pub(super) async fn subscribe(
        &mut self,
        client: &Client,
        subscription: &str,
        sink: &str,
    ) -> Result<(), Trouble> {
        let doing = format!("binding {sink} to a subscription");
        let fail = |text: String, help: &str| SetupError::new(&doing, text, help);
        let path = format!("{subscription}/$get-ws-binding-token");
        let answer = client.send(Request::get(&path)).await?;
        let parameter = |name: &str| {
            let list = answer.body.as_ref()?.get("parameter")?.as_array()?;
            let found = list.iter().find(|p| text_at(p, "/name") == Some(name))?;
            text_at(found, "/valueString")
                .or_else(|| text_at(found, "/valueUrl"))
                .map(str::to_owned)
        };
        let (Some(token), Some(url)) = (parameter("token"), parameter("websocket-url")) else {
            let words = answer.explanation().unwrap_or_default();
            let text = format!(
                "the server answers {} without `token` and `websocket-url` {}",
                answer.status,
                client.clean(&shorten(words))
            );
            return Err(fail(text, "is the project allowed WebSocket subscriptions?").into());
        };
        client.hide(&token);
        let Some(open) = self.open.get_mut(sink) else {
            return Err(fail("the sink is not open".to_owned(), "").into());
        };
        let mut socket = client.websocket(&url).await?;
        let bind = json!({ "type": "bind-with-token", "payload": { "token": token } });
        socket
            .send(Message::text(bind.to_string()))
            .await
            .map_err(|error| fail(client.clean(&error.to_string()), ""))?;
        let inbox = Arc::clone(&open.inbox);
        let reading = Arc::clone(&inbox);
        open.task = Some(tokio::spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Text(text) = message {
                    notify(&reading, text.as_str());
                }
            }
        }));
        drop(tokio::time::timeout(HANDSHAKE, inbox.bound.notified()).await);
        Ok(())
    }
}

/// Keeps a notification; what only says that the connection lives is none.
fn notify(inbox: &Inbox, text: &str) {
    let body: Option<Value> = serde_json::from_str(text).ok();
    match body.as_ref().and_then(kind_of) {
        Some("handshake") => inbox.bound.notify_one(),
        Some("heartbeat" | "ping" | "pong") => {}
        _ => inbox.put(Delivered {
            headers: HeaderMap::new(),
            text: text.to_owned(),
            body,
        }),
    }
}

/// The type of the SubscriptionStatus in a notification, wherever in the Bundle it stands.
fn kind_of(body: &Value) -> Option<&str> {
    let Some(entries) = body.get("entry").and_then(Value::as_array) else {
        return text_at(body, "/type");
    };
    entries
        .iter()
        .filter_map(|entry| entry.get("resource"))
        .find(|resource| text_at(resource, "/resourceType") == Some("SubscriptionStatus"))
        .and_then(|status| text_at(status, "/type"))
}

/// The names by which a step can tell the server of a sink.
fn told_of(action: &Action) -> Vec<String> {
    match action {
        Action::Subscribe { sink, .. } => vec![sink.clone()],
        Action::Create { body, .. }
        | Action::Update { body, .. }
        | Action::Upsert { body, .. }
        | Action::Patch { body, .. } => names_in(body),
        Action::Operation {
            body: Some(body), ..
        } => names_in(body),
        Action::Raw {
            content: Some(content),
            ..
        }
        | Action::Upload { content, .. } => match &content.payload {
            Payload::Json(body) => names_in(body),
            Payload::Text(text) => text.references().map(|r| r.name.clone()).collect(),
            Payload::Bytes(_) => Vec::new(),
        },
        Action::Bundle { entries, .. } => {
            let entries = entries.iter().map(|entry| &entry.action);
            entries.flat_map(told_of).collect()
        }
        Action::Race(racers) => {
            let racers = racers.iter().map(|racer| &racer.action);
            racers.flat_map(told_of).collect()
        }
        _ => Vec::new(),
    }
}

#[derive(Clone)]
struct Counter {
    inbox: Arc<Inbox>,
    path: String,
    replies: Vec<u16>,
    calls: Arc<Mutex<usize>>,
}

async fn receive(
    State(counter): State<Counter>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    if uri.path() != counter.path {
        return StatusCode::NOT_FOUND;
    }
    let call = {
        let mut calls = counter.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls += 1;
        *calls - 1
    };
    counter.inbox.put(Delivered {
        headers,
        text: String::from_utf8_lossy(&body).into_owned(),
        body: serde_json::from_slice(&body).ok(),
    });
    let reply = counter.replies.get(call).or(counter.replies.last());
    reply
        .and_then(|status| StatusCode::from_u16(*status).ok())
        .unwrap_or(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::super::whose::Ledger;
    use super::*;
    use crate::expect::Aliases;

    fn delivered(kind: &str) -> Delivered {
        Delivered {
            headers: HeaderMap::new(),
            text: String::new(),
            body: Some(json!({ "resourceType": kind })),
        }
    }

    fn wanted(count: usize, within: Duration) -> Delivery {
        let path = serde_json_path::JsonPath::parse("$.resourceType").unwrap();
        Delivery {
            sink: "inbox".into(),
            matching: vec![crate::scenario::Assertion {
                text: "$.resourceType".into(),
                path,
                expected: json!("Task"),
            }],
            count,
            within,
        }
    }

    async fn sinks(kind: SinkKind) -> Sinks {
        let mut sinks = Sinks::default();
        let sink = Sink {
            name: "inbox".into(),
            kind,
            replies: vec![500, 201],
        };
        sinks.open(&sink).await.unwrap();
        sinks
    }

    /// What has not come in an instant has not come in time.
    const INSTANT: Duration = Duration::from_millis(1);
    /// Never waited for in full.
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn what_comes_is_taken_once() {
        let sinks = sinks(SinkKind::Websocket).await;
        let inbox = Arc::clone(&sinks.open["inbox"].inbox);
        inbox.put(delivered("Task"));
        inbox.put(delivered("Patient"));
        let tasks = [json!("Task")];
        let (aliases, ledger) = (Aliases::default(), Ledger::default());
        let waiting = Waiting {
            scenario: "this",
            ledger: &ledger,
            aliases: &aliases,
        };
        let two = wanted(2, LONG);
        let (both, ()) = tokio::join!(sinks.wait(&two, &tasks, &waiting), async {
            // Only once somebody waits.
            tokio::task::yield_now().await;
            inbox.put(delivered("Task"));
        });
        assert_eq!(both.unwrap().len(), 2);
        let none = sinks
            .wait(&wanted(0, INSTANT), &tasks, &waiting)
            .await
            .unwrap();
        assert_eq!(none.len(), 0);
        let late = sinks
            .wait(&wanted(1, INSTANT), &tasks, &waiting)
            .await
            .unwrap();
        assert_eq!((late.len(), sinks.others("inbox").len()), (0, 1));
        inbox.put(delivered("Task"));
        let unwanted = sinks
            .wait(&wanted(0, LONG), &tasks, &waiting)
            .await
            .unwrap();
        assert_eq!(unwanted.len(), 1);
    }

    #[tokio::test]
    async fn replies_come_in_their_order_and_the_last_stays() {
        let sinks = sinks(SinkKind::Http).await;
        let url = sinks.open["inbox"].url.clone().unwrap();
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let sent = client
                .post(&url)
                .body(r#"{"resourceType":"Task"}"#)
                .send()
                .await;
            statuses.push(sent.unwrap().status().as_u16());
        }
        assert_eq!(statuses, [500, 201, 201]);
        let elsewhere = client.post(format!("{url}x")).send().await.unwrap();
        assert_eq!(elsewhere.status().as_u16(), 404);
        let tasks = [json!("Task")];
        let all = wanted(3, Duration::from_secs(5));
        let (aliases, ledger) = (Aliases::default(), Ledger::default());
        let waiting = Waiting {
            scenario: "this",
            ledger: &ledger,
            aliases: &aliases,
        };
        let came = sinks.wait(&all, &tasks, &waiting).await.unwrap();
        assert_eq!(came.len(), 3);
    }

    #[test]
    fn heartbeats_and_handshakes_are_no_notifications() {
        let inbox = Inbox::default();
        for kind in ["heartbeat", "handshake", "event-notification"] {
            let status = json!({ "resourceType": "SubscriptionStatus", "type": kind });
            let bundle = json!({ "resourceType": "Bundle", "type": "history", "entry": [
                { "resource": { "resourceType": "Communication" } }, { "resource": status },
            ] });
            notify(&inbox, &bundle.to_string());
        }
        assert_eq!(inbox.take(9, &|_| true).len(), 1);
    }
}
