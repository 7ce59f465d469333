//! A scripted FHIR server that lets everybody do everything, and knows the forms that the verbs need.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fhirward_harness::client::{Credentials, ServerProfile, Target};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

pub const BINDING_TOKEN: &str = "binding-token-0815";
const SECRET: &str = "secret-of-everybody";

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Sent {
    pub method: String,
    /// Below the FHIR base.
    pub path: String,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

#[derive(Clone)]
pub struct Fake {
    base: String,
    resources: Arc<Mutex<BTreeMap<String, Vec<Value>>>>,
    texts: Arc<Mutex<BTreeMap<String, Upload>>>,
    gone: Arc<Mutex<Vec<String>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
    next: Arc<AtomicUsize>,
    looks: Arc<AtomicUsize>,
    live: broadcast::Sender<String>,
    socket: Socket,
}

/// What becomes of a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Socket {
    Serves,
    /// It refuses what binds it.
    Refuses,
    /// It closes as soon as something is to be told.
    Closes,
    /// The same, without a word.
    Breaks,
}

/// A media type and the bytes.
type Upload = (String, Vec<u8>);
type Answer = (u16, Value, Vec<(&'static str, String)>);

impl Fake {
    pub async fn start() -> Self {
        Self::with_socket(Socket::Serves).await
    }

    pub async fn with_socket(socket: Socket) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            base: format!("http://{}/", listener.local_addr().unwrap()),
            resources: Arc::default(),
            texts: Arc::default(),
            gone: Arc::default(),
            sent: Arc::default(),
            next: Arc::default(),
            looks: Arc::default(),
            live: broadcast::channel(16).0,
            socket,
        };
        let app = Router::new()
            .route("/ws", any(live))
            .fallback(handle)
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        fake
    }

    pub fn target(&self) -> Target {
        let admin = Credentials {
            id: "admin".into(),
            secret: SecretString::from(SECRET),
        };
        Target::new(&self.base, admin, ServerProfile::generic()).unwrap()
    }

    pub fn leftovers(&self) -> Vec<String> {
        let gone = self.gone.lock().unwrap();
        let resources = self.resources.lock().unwrap();
        resources
            .keys()
            .filter(|key| !gone.contains(key))
            .cloned()
            .collect()
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    fn current(&self, reference: &str) -> Option<Value> {
        if self
            .gone
            .lock()
            .unwrap()
            .iter()
            .any(|gone| gone == reference)
        {
            return None;
        }
        self.resources
            .lock()
            .unwrap()
            .get(reference)?
            .last()
            .cloned()
    }

    fn put(&self, kind: &str, id: Option<&str>, mut resource: Value) -> Value {
        let id = id.map_or_else(
            || format!("x{:06}", self.next.fetch_add(1, Ordering::SeqCst)),
            str::to_owned,
        );
        let mut resources = self.resources.lock().unwrap();
        let versions = resources.entry(format!("{kind}/{id}")).or_default();
        resource["resourceType"] = kind.into();
        resource["id"] = id.into();
        resource["meta"]["versionId"] = (versions.len() + 1).to_string().into();
        versions.push(resource.clone());
        resource
    }

    fn identified(&self, kind: &str, query: &str) -> Option<Value> {
        let value = query.strip_prefix("identifier=")?;
        let resources = self.resources.lock().unwrap();
        resources
            .values()
            .filter_map(|versions| versions.last())
            .find(|r| r["resourceType"] == kind && r["identifier"][0]["value"] == value)
            .cloned()
    }

    fn member(&self, client: &str) -> Value {
        let user = format!("ClientApplication/{client}");
        let resources = self.resources.lock().unwrap();
        resources
            .values()
            .filter_map(|versions| versions.last())
            .find(|r| r["user"]["reference"] == user)
            .cloned()
            .unwrap_or_default()
    }

    /// One request, of its own or of a Bundle.
    fn fhir(&self, method: &str, path: &str, headers: &HeaderMap, body: Value) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = path.split('/').collect();
        let header = |name: &str| headers.get(name).map(|v| v.to_str().unwrap().to_owned());
        match (method, parts.as_slice()) {
            ("GET", ["metadata"]) => ok(statement()),
            ("POST", [""]) => self.bundle(&body),
            ("POST", ["$echo"]) => ok(body),
            ("GET", [_, _, "$get-ws-binding-token"]) => ok(json!({
                "resourceType": "Parameters", "parameter": [
                    { "name": "token", "valueString": BINDING_TOKEN },
                    { "name": "websocket-url", "valueUrl": format!("{}ws", self.base).replace("http", "ws") },
                ],
            })),
            ("POST", [_]) if body["status"] == "refused" => refused(422, "business-rule"),
            ("POST", [kind]) => {
                let search = header("if-none-exist").unwrap_or_default();
                match self.identified(kind, &search) {
                    Some(found) => ok(found),
                    None => created(self.put(kind, None, body)),
                }
            }
            ("PUT", [kind]) => match self.identified(kind, query) {
                Some(found) => ok(self.put(kind, found["id"].as_str(), body)),
                None => created(self.put(kind, None, body)),
            },
            ("GET", [kind]) => self.search(kind, query),
            ("GET", [kind, id, "_history"]) => self.history(&format!("{kind}/{id}"), query),
            (_, [kind, id]) => {
                let reference = format!("{kind}/{id}");
                let Some(stored) = self.current(&reference) else {
                    return refused(404, "not-found");
                };
                let version = format!("W/\"{}\"", stored["meta"]["versionId"].as_str().unwrap());
                if header("if-match").is_some_and(|wanted| wanted != version) {
                    return refused(412, "conflict");
                }
                match method {
                    "GET" => ok(stored),
                    "PUT" => ok(self.put(kind, Some(id), body)),
                    "PATCH" => {
                        let mut patched = stored;
                        for operation in body.as_array().unwrap() {
                            let key = operation["path"].as_str().unwrap().trim_start_matches('/');
                            patched[key] = operation["value"].clone();
                        }
                        ok(self.put(kind, Some(id), patched))
                    }
                    _ => {
                        self.gone.lock().unwrap().push(reference);
                        ok(json!({ "resourceType": "OperationOutcome" }))
                    }
                }
            }
            _ => refused(404, "not-found"),
        }
    }

    fn bundle(&self, bundle: &Value) -> Answer {
        let entries = bundle["entry"].as_array().unwrap();
        // Ids first, so that every entry can name every other one.
        let mut text = bundle.to_string();
        let mut ids = Vec::new();
        for entry in entries {
            let id = entry["fullUrl"].as_str().map(|url| {
                let id = format!("x{:06}", self.next.fetch_add(1, Ordering::SeqCst));
                let kind = entry["resource"]["resourceType"].as_str().unwrap();
                text = text.replace(
                    &format!("\"reference\":\"{url}\""),
                    &format!("\"reference\":\"{kind}/{id}\""),
                );
                id
            });
            ids.push(id);
        }
        let filled: Value = serde_json::from_str(&text).unwrap();
        let mut responses = Vec::new();
        for (entry, id) in filled["entry"].as_array().unwrap().iter().zip(ids) {
            let request = &entry["request"];
            let method = request["method"].as_str().unwrap();
            let mut body = entry["resource"].clone();
            if method == "PATCH" {
                let bytes = STANDARD.decode(body["data"].as_str().unwrap()).unwrap();
                body = serde_json::from_slice(&bytes).unwrap();
            }
            let mut headers = HeaderMap::new();
            if let Some(version) = request["ifMatch"].as_str() {
                headers.insert("if-match", version.parse().unwrap());
            }
            let (status, body, _) = match (method, id) {
                ("POST", Some(id)) => {
                    let kind = body["resourceType"].as_str().unwrap().to_owned();
                    created(self.put(&kind, Some(&id), body))
                }
                _ => self.fhir(method, request["url"].as_str().unwrap(), &headers, body),
            };
            let key = if status < 400 { "resource" } else { "outcome" };
            let mut response = json!({ "response": { "status": status.to_string() } });
            if key == "resource" {
                response["resource"] = body;
            } else {
                response["response"]["outcome"] = body;
            }
            responses.push(response);
        }
        ok(json!({ "resourceType": "Bundle", "type": "transaction-response", "entry": responses }))
    }

    fn search(&self, kind: &str, query: &str) -> Answer {
        let ids: Vec<&str> = query
            .strip_prefix("_id=")
            .map_or(Vec::new(), |ids| ids.split(',').collect());
        let user = query.strip_prefix("user=");
        let lost = query == "lagging=1" && {
            let look = self.looks.fetch_add(1, Ordering::SeqCst);
            !(2..5).contains(&look)
        };
        let gone = self.gone.lock().unwrap().clone();
        let resources = self.resources.lock().unwrap();
        let entries: Vec<Value> = resources
            .iter()
            .filter(|(reference, _)| !gone.contains(reference) && !lost)
            .filter_map(|(_, versions)| versions.last())
            .filter(|r| r["resourceType"] == kind)
            .filter(|r| ids.is_empty() || ids.iter().any(|id| r["id"] == **id))
            .filter(|r| user.is_none_or(|user| r["user"]["reference"] == user))
            .map(|r| json!({ "resource": r, "search": { "mode": "match" } }))
            .collect();
        ok(json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries }))
    }

    /// Two versions a page, the newest first.
    fn history(&self, reference: &str, query: &str) -> Answer {
        let page: usize = query
            .strip_prefix("page=")
            .map_or(0, |page| page.parse().unwrap());
        let versions = self
            .resources
            .lock()
            .unwrap()
            .get(reference)
            .cloned()
            .unwrap_or_default();
        let all: Vec<Value> = versions
            .into_iter()
            .rev()
            .map(|r| json!({ "resource": r }))
            .collect();
        let entries: Vec<Value> = all.iter().skip(page * 2).take(2).cloned().collect();
        let mut bundle = json!({ "resourceType": "Bundle", "type": "history", "entry": entries });
        if all.len() > (page + 1) * 2 {
            let url = format!(
                "{}fhir/R4/{reference}/_history?page={}",
                self.base,
                page + 1
            );
            bundle["link"] = json!([{ "relation": "next", "url": url }]);
        }
        ok(bundle)
    }

    /// Tells subscribers of a new message: again, where the first time was not taken.
    async fn publish(&self, resource: Value) {
        let status = json!({ "resourceType": "SubscriptionStatus", "type": "event-notification" });
        let bundle = json!({ "resourceType": "Bundle", "type": "history",
            "entry": [{ "resource": status }, { "resource": resource }] });
        drop(self.live.send(bundle.to_string()));
        let hooks: Vec<String> = {
            let resources = self.resources.lock().unwrap();
            let subscriptions = resources.values().filter_map(|versions| versions.last());
            subscriptions
                .filter_map(|r| r["channel"]["endpoint"].as_str().map(str::to_owned))
                .collect()
        };
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for hook in hooks {
            for _ in 0..3 {
                let call = client
                    .post(&hook)
                    .header(header::CONTENT_TYPE, "application/fhir+json")
                    .body(resource.to_string());
                if call.send().await.unwrap().status().is_success() {
                    break;
                }
            }
        }
    }
}

fn statement() -> Value {
    json!({ "resourceType": "CapabilityStatement", "rest": [{
        "mode": "server", "interaction": [{ "code": "transaction" }],
        "resource": [{ "type": "Task", "interaction": [{ "code": "patch" }] }],
    }] })
}

fn ok(body: Value) -> Answer {
    (200, body, Vec::new())
}

fn created(body: Value) -> Answer {
    let kind = body["resourceType"].as_str().unwrap();
    let location = format!("{kind}/{}", body["id"].as_str().unwrap());
    (201, body, vec![("location", location)])
}

fn refused(status: u16, code: &str) -> Answer {
    let issue = json!([{ "severity": "error", "code": code }]);
    (
        status,
        json!({ "resourceType": "OperationOutcome", "issue": issue }),
        Vec::new(),
    )
}

async fn handle(State(fake): State<Fake>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let client = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().unwrap().strip_prefix("Bearer token-of-"))
        .map(str::to_owned);
    match path.as_str() {
        "/oauth2/token" => {
            let form: BTreeMap<String, String> = url::form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect();
            let token = json!({
                "access_token": format!("token-of-{}", form["client_id"]),
                "expires_in": 3600, "project": { "reference": "Project/p1" },
            });
            return reply((200, token, Vec::new()));
        }
        "/admin/projects/p1/client" => {
            let made = fake.put("ClientApplication", None, json!({ "secret": SECRET }));
            let user = json!({ "reference": format!("ClientApplication/{}", made["id"].as_str().unwrap()) });
            fake.put(
                "ProjectMembership",
                None,
                json!({ "user": user, "profile": user }),
            );
            return reply((201, made, Vec::new()));
        }
        _ => {}
    }
    let Some(client) = client else {
        return reply(refused(401, "login"));
    };
    if path == "/auth/me" {
        let profile = match client.as_str() {
            "admin" => json!({ "reference": "ClientApplication/admin" }),
            _ => fake.member(&client)["profile"].clone(),
        };
        return reply(ok(json!({ "profile": profile })));
    }
    let path = path
        .strip_prefix("/fhir/R4/")
        .unwrap_or_default()
        .to_owned();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    fake.sent.lock().unwrap().push(Sent {
        method: parts.method.to_string(),
        path: path.clone(),
        headers: parts.headers.clone(),
        text: text.clone(),
        body: body.clone(),
    });
    let kind = parts
        .headers
        .get(header::CONTENT_TYPE)
        .map(|kind| kind.to_str().unwrap().to_owned())
        .unwrap_or_default();
    if path == "Binary" {
        let made = fake.put("Binary", None, json!({ "contentType": kind }));
        let reference = format!("Binary/{}", made["id"].as_str().unwrap());
        fake.texts
            .lock()
            .unwrap()
            .insert(reference, (kind, bytes.to_vec()));
        return reply(created(made));
    }
    let stored = fake.texts.lock().unwrap().get(&path).cloned();
    if let (Some((kind, bytes)), "GET") = (stored, parts.method.as_str()) {
        let headers = [
            (header::CONTENT_TYPE, kind),
            (header::ETAG, "W/\"1\"".to_owned()),
        ];
        return (headers, bytes).into_response();
    }
    let answer = fake.fhir(parts.method.as_str(), &path, &parts.headers, body);
    if path == "Communication" && answer.0 == 201 {
        fake.publish(answer.1.clone()).await;
    }
    reply(answer)
}

fn reply((status, body, headers): Answer) -> Response {
    let mut response = (
        StatusCode::from_u16(status).unwrap(),
        [(header::CONTENT_TYPE, "application/fhir+json")],
        body.to_string(),
    )
        .into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

async fn live(State(fake): State<Fake>, upgrade: WebSocketUpgrade) -> Response {
    let mut messages = fake.live.subscribe();
    upgrade.on_upgrade(async move |mut socket| {
        let Some(Ok(Message::Text(bind))) = socket.recv().await else {
            return;
        };
        let bind: Value = serde_json::from_str(bind.as_str()).unwrap();
        assert_eq!(bind["payload"]["token"], BINDING_TOKEN);
        if fake.socket == Socket::Refuses {
            let (_, refusal, _) = refused(400, "security");
            socket
                .send(Message::text(refusal.to_string()))
                .await
                .unwrap();
            // It stays open, as if it were to serve.
            while socket.recv().await.is_some() {}
            return;
        }
        for kind in ["handshake", "heartbeat"] {
            let status = json!({ "resourceType": "SubscriptionStatus", "type": kind });
            let text = json!({ "resourceType": "Bundle", "entry": [{ "resource": status }] });
            socket.send(Message::text(text.to_string())).await.unwrap();
        }
        while let Ok(text) = messages.recv().await {
            if fake.socket == Socket::Closes {
                let frame = CloseFrame {
                    code: 1008,
                    reason: "no longer yours".into(),
                };
                let _: Result<(), _> = socket.send(Message::Close(Some(frame))).await;
                return;
            }
            if fake.socket == Socket::Breaks {
                return;
            }
            if socket.send(Message::text(text)).await.is_err() {
                return;
            }
        }
    })
}
