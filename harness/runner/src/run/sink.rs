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
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::bindings::Missing;
pub(super) use super::inbox::Delivered;
use super::inbox::{Inbox, Line};
use super::judge::names_in;
use super::step::Trouble;
use super::whose::Waiting;
use crate::actor::SetupError;
use crate::client::{Client, Request, shorten, text_at};
use crate::expect::check_body;
use crate::scenario::{Action, Delivery, Payload, Sink, SinkKind, Step};

/// How long a server may take to say that a WebSocket is bound. Not all of them say so.
const HANDSHAKE: Duration = Duration::from_secs(2);
/// What to make of a sink at which nothing can arrive any more.
const DEAF: &str = "nothing can arrive here any more, so silence would prove nothing";

/// Something that carries deliveries to a sink, as long as it lives.
#[derive(Debug)]
struct Carrier {
    line: Line,
    task: JoinHandle<()>,
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One sink, open.
#[derive(Debug)]
struct Open {
    inbox: Arc<Inbox>,
    url: Option<String>,
    /// By the Subscription whose WebSocket it is; the web server is nobody's. Who binds the same one
    /// again has a new one.
    carriers: BTreeMap<String, Carrier>,
}

impl Open {
    /// Why silence would prove nothing here.
    fn ended(&self) -> Option<String> {
        self.carriers
            .values()
            .find_map(|carrier| carrier.line.ended())
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
            carriers: BTreeMap::new(),
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
            let line = Line::into(&open.inbox);
            let serving = line.clone();
            // It ends with the scenario, by being dropped.
            let task = tokio::spawn(async move {
                serving.end(match axum::serve(listener, app).await {
                    Ok(()) => "its web server has ended".to_owned(),
                    Err(error) => format!("its web server has ended: {error}"),
                });
            });
            open.carriers.insert(String::new(), Carrier { line, task });
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
        self.open
            .get(sink)
            .map_or_else(Vec::new, |open| open.inbox.all())
    }

    /// Waits until as much has arrived as is wanted, or the time is over. What is another
    /// scenario's does not count.
    pub(super) async fn wait(
        &self,
        delivery: &Delivery,
        expected: &[Value],
        waiting: &Waiting<'_>,
    ) -> Result<Vec<Delivered>, Trouble> {
        let doing = || format!("waiting at the sink {}", delivery.sink);
        let Some(open) = self.open.get(&delivery.sink) else {
            return Err(SetupError::new(doing(), "it is not open", "").into());
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
                let changed = open.inbox.changed.notified();
                tokio::pin!(changed);
                // Whatever comes between looking and waiting still wakes.
                changed.as_mut().enable();
                // Before looking: what came by a line that has ended is all there then.
                let ended = open.ended();
                taken.extend(open.inbox.take(most - taken.len(), &wanted));
                if taken.len() >= most || (all_of_the_time && !taken.is_empty()) {
                    return Ok(());
                }
                if let Some(why) = ended {
                    return Err(SetupError::new(doing(), why, DEAF));
                }
                changed.await;
            }
        };
        // Too late is an answer like any other: what has come by then.
        if let Ok(ended) = tokio::time::timeout(delivery.within, collect).await {
            ended?;
        }
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
        let line = Line::into(&open.inbox);
        let (reading, words) = (line.clone(), client.clone());
        let task = tokio::spawn(async move {
            let why = loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let clean = |text: &str| words.clean(&shorten(text));
                        notify(&reading, text.as_str(), &clean);
                    }
                    Some(Ok(Message::Close(frame))) => break closed(frame.as_ref()),
                    // The library answers pings; FHIR over a WebSocket is text.
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break format!("the WebSocket is broken: {error}"),
                    None => break closed(None),
                }
            };
            reading.end(words.clean(&shorten(&why)));
        });
        let carrier = Carrier {
            line: line.clone(),
            task,
        };
        open.carriers.insert(subscription.to_owned(), carrier);
        match tokio::time::timeout(HANDSHAKE, line.decided()).await {
            // Not all servers say that they deliver.
            Ok(()) | Err(tokio::time::error::Elapsed { .. }) => {}
        }
        match line.ended() {
            Some(why) => Err(fail(why, "does the server still know the Subscription?").into()),
            None => Ok(()),
        }
    }
}

fn closed(frame: Option<&CloseFrame>) -> String {
    match frame {
        Some(frame) if !frame.reason.is_empty() => {
            let (code, reason) = (u16::from(frame.code), frame.reason.as_str());
            format!("the server has closed the WebSocket ({code}): {reason}")
        }
        Some(frame) => {
            let code = u16::from(frame.code);
            format!("the server has closed the WebSocket ({code})")
        }
        None => "the WebSocket has ended without a word".to_owned(),
    }
}

/// Keeps a notification; what only says that the connection lives is none, and neither is a refusal,
/// after which nothing comes.
fn notify(line: &Line, text: &str, clean: &dyn Fn(&str) -> String) {
    let body: Option<Value> = serde_json::from_str(text).ok();
    match body.as_ref().and_then(kind_of) {
        Some("handshake") => return line.bind(),
        Some("heartbeat" | "ping" | "pong") => return,
        _ => {}
    }
    if let Some(outcome) = body.as_ref().filter(|body| is_outcome(body)) {
        if let Some(words) = refusal(outcome) {
            line.end(format!(
                "the server refuses over the WebSocket: {}",
                clean(&words)
            ));
        }
        return;
    }
    line.put(Delivered {
        headers: HeaderMap::new(),
        text: text.to_owned(),
        body,
    });
}

/// Notifications are Bundles, so an outcome is about what was asked of the server.
fn is_outcome(body: &Value) -> bool {
    text_at(body, "/resourceType") == Some("OperationOutcome")
}

/// What an outcome refuses; nothing where it only informs.
fn refusal(outcome: &Value) -> Option<String> {
    let issues = outcome.get("issue").and_then(Value::as_array);
    let Some(issues) = issues.filter(|issues| !issues.is_empty()) else {
        return Some("an OperationOutcome without an issue".to_owned());
    };
    let refuses =
        |issue: &&Value| !matches!(text_at(issue, "/severity"), Some("information" | "warning"));
    let issue = issues.iter().find(refuses)?;
    let words = ["/diagnostics", "/details/text", "/code"];
    let words = words.iter().find_map(|place| text_at(issue, place));
    Some(words.unwrap_or("an issue without words").to_owned())
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
        let inbox = Arc::new(Inbox::default());
        let line = Line::into(&inbox);
        for kind in ["heartbeat", "handshake", "event-notification"] {
            let status = json!({ "resourceType": "SubscriptionStatus", "type": kind });
            let bundle = json!({ "resourceType": "Bundle", "type": "history", "entry": [
                { "resource": { "resourceType": "Communication" } }, { "resource": status },
            ] });
            notify(&line, &bundle.to_string(), &str::to_owned);
        }
        assert_eq!(inbox.take(9, &|_| true).len(), 1);
        assert_eq!(line.ended(), None);
    }

    /// An outcome is no delivery; where it refuses, nothing comes.
    #[rstest::rstest]
    #[case::words(json!([{ "severity": "error", "diagnostics": "no such token" }]), Some("no such token"))]
    #[case::details(json!([{ "severity": "fatal", "details": { "text": "gone" } }]), Some("gone"))]
    #[case::code(json!([{ "severity": "warning" }, { "severity": "error", "code": "security" }]), Some("security"))]
    #[case::nothing(json!([]), Some("an OperationOutcome without an issue"))]
    #[case::informs(json!([{ "severity": "information", "code": "informational" }]), None)]
    fn an_outcome_over_the_socket(#[case] issue: Value, #[case] refused: Option<&str>) {
        let inbox = Arc::new(Inbox::default());
        let line = Line::into(&inbox);
        let outcome = json!({ "resourceType": "OperationOutcome", "issue": issue });
        notify(&line, &outcome.to_string(), &str::to_owned);
        assert!(inbox.all().is_empty());
        let why = refused.map(|words| format!("the server refuses over the WebSocket: {words}"));
        assert_eq!(line.ended(), why);
    }

    /// What came before the end is still there; silence after it proves nothing.
    #[tokio::test]
    async fn what_has_ended_proves_no_silence() {
        let mut sinks = sinks(SinkKind::Websocket).await;
        let open = sinks.open.get_mut("inbox").unwrap();
        let line = Line::into(&open.inbox);
        let task = tokio::spawn(std::future::pending());
        let carrier = Carrier {
            line: line.clone(),
            task,
        };
        open.carriers.insert("Subscription/1".into(), carrier);
        line.put(delivered("Task"));
        let tasks = [json!("Task")];
        let (nothing, patients) = (wanted(0, LONG), [json!("Patient")]);
        let (aliases, ledger) = (Aliases::default(), Ledger::default());
        let waiting = Waiting {
            scenario: "this",
            ledger: &ledger,
            aliases: &aliases,
        };
        let both = tokio::join!(sinks.wait(&nothing, &patients, &waiting), async {
            // Only once somebody waits.
            tokio::task::yield_now().await;
            line.end("it is closed".to_owned());
        });
        assert!(matches!(both.0, Err(Trouble::Setup(error)) if error.text == "it is closed"));
        assert_eq!(
            sinks
                .wait(&wanted(1, LONG), &tasks, &waiting)
                .await
                .unwrap()
                .len(),
            1
        );
        let second = sinks.wait(&wanted(1, LONG), &tasks, &waiting).await;
        assert!(matches!(second, Err(Trouble::Setup(_))));
    }
}
