//! A small scripted FHIR server: policies are the engine's, and faults are injected by the test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fhirward_engine::policy::{
    Membership, Options, Policy, PolicyDocument, Request, Verdict, assemble,
};
use fhirward_engine::search::Query;
use fhirward_harness::client::{
    Auth, Credentials, Limits, Retries, ServerProfile, Target, Timeouts,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Digest as _;
use std::time::Duration;
use tokio::net::TcpListener;

pub const ADMIN_SECRET: &str = "admin-secret-4711";

/// What a test does to a request.
pub enum Fault {
    /// Nothing.
    None,
    /// The policy is not asked.
    Bypass,
    /// Another answer.
    Answer(u16, &'static str, String),
    /// No answer at all.
    Hang,
    /// The request is carried out, and its answer is changed.
    Rewrite(Box<dyn Fn(Value) -> Value + Send>),
}

/// A request, as a fault sees it.
pub struct Call {
    pub method: Method,
    /// Path and query below the root.
    pub path: String,
    /// `admin`, an actor's name, or empty.
    pub actor: String,
    pub token: String,
}

type Script = dyn Fn(&Call) -> Fault + Send + Sync;

#[derive(Default)]
struct Store {
    prefix: String,
    next: usize,
    resources: BTreeMap<String, Vec<Value>>,
    deleted: Vec<String>,
    secrets: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
    /// Authorization code to the client's id and the challenge.
    codes: BTreeMap<String, (String, String)>,
}

#[derive(Clone)]
pub struct Fake {
    store: Arc<Mutex<Store>>,
    script: Arc<Script>,
    base: String,
}

impl Fake {
    /// Starts a server without faults.
    pub async fn start() -> Self {
        Self::scripted("a", |_| Fault::None).await
    }

    /// Starts a server whose ids start with `prefix`.
    pub async fn scripted(
        prefix: &str,
        script: impl Fn(&Call) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let fake = Self {
            store: Arc::new(Mutex::new(Store {
                prefix: prefix.to_owned(),
                ..Store::default()
            })),
            script: Arc::new(script),
            base,
        };
        let app = Router::new().fallback(handle).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        fake
    }

    pub fn target(&self) -> Target {
        target(&self.base)
    }

    /// What is left on the server.
    pub fn leftovers(&self) -> Vec<String> {
        let store = self.store.lock().unwrap();
        store
            .resources
            .keys()
            .filter(|reference| !store.deleted.contains(reference))
            .cloned()
            .collect()
    }

    /// The name of the actor that a token stands for.
    pub fn actor_of(&self, token: &str) -> String {
        let client = token.strip_prefix("token-of-").unwrap_or_default();
        if client == "admin" {
            return "admin".into();
        }
        let store = self.store.lock().unwrap();
        store.names.get(client).cloned().unwrap_or_default()
    }

    /// Somebody who is there before any run: their profile and their way in.
    pub fn person(&self, name: &str, policy: Value) -> (String, Auth) {
        let practitioner = self.put("Practitioner", None, json!({ "name": [{ "text": name }] }));
        let profile = format!("Practitioner/{}", practitioner["id"].as_str().unwrap());
        let policy = self.put("AccessPolicy", None, policy);
        let policy = format!("AccessPolicy/{}", policy["id"].as_str().unwrap());
        let client = self.put("ClientApplication", None, json!({}));
        let id = client["id"].as_str().unwrap().to_owned();
        self.put(
            "ProjectMembership",
            None,
            json!({
                "user": { "reference": format!("ClientApplication/{id}") },
                "profile": { "reference": profile },
                "accessPolicy": { "reference": policy },
            }),
        );
        let mut store = self.store.lock().unwrap();
        store.names.insert(id.clone(), name.to_owned());
        let secret = format!("secret-of-{id}");
        store.secrets.insert(id.clone(), secret.clone());
        let secret = SecretString::from(secret);
        (profile, Auth::client(Credentials { id, secret }))
    }

    /// All versions of a resource type, deleted ones included.
    pub fn stored(&self, kind: &str) -> Vec<Value> {
        let store = self.store.lock().unwrap();
        store
            .resources
            .values()
            .filter_map(|versions| versions.last())
            .filter(|resource| resource["resourceType"] == kind)
            .cloned()
            .collect()
    }

    fn policy(&self, client: &str) -> Policy {
        if client == "admin" {
            return Policy::full_access();
        }
        let store = self.store.lock().unwrap();
        let user = user_of(client);
        let membership = store
            .resources
            .values()
            .filter_map(|versions| versions.last())
            .find(|r| r["resourceType"] == "ProjectMembership" && is_user(r, &user))
            .unwrap();
        let membership = Membership::from_value(membership).unwrap();
        let find = |reference: &str| {
            let stored = store.resources.get(reference)?.last()?;
            Some(Arc::new(PolicyDocument::from_value(stored).0))
        };
        assemble(&membership, &find, &Options::default()).policy
    }

    fn answer(&self, call: &Call, client: &str, body: &[u8], form: &str) -> (u16, Value) {
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let input: Value = serde_json::from_slice(body).unwrap_or_default();
        match path {
            "/oauth2/token" => return self.token(form),
            "/auth/me" if client == "admin" => {
                let own = json!({ "reference": "ClientApplication/admin" });
                return (
                    200,
                    json!({ "profile": own, "membership": { "admin": true } }),
                );
            }
            "/auth/me" => return (200, json!({ "profile": self.profile(client) })),
            "/fhir/R4/metadata" => {
                let software = json!({ "name": "fake", "version": "1" });
                return (
                    200,
                    json!({ "resourceType": "CapabilityStatement", "software": software }),
                );
            }
            "/admin/projects/p1/client" => return self.register(&input),
            "/admin/projects/p1/invite" => return self.invite(&input),
            "/auth/login" => return self.login(&input),
            _ => {}
        }
        let policy = match (self.script)(call) {
            Fault::Bypass => Policy::full_access(),
            _ => self.policy(client),
        };
        let path = path.strip_prefix("/fhir/R4/").unwrap_or_default();
        let parts: Vec<&str> = path.split('/').collect();
        match (&call.method, parts.as_slice()) {
            (&Method::POST, [kind]) => {
                if input.get("status").is_none() && *kind == "Communication" {
                    return outcome(400, "structure");
                }
                if policy.decide(&Request::Create(&input)).verdict != Verdict::Allowed {
                    return outcome(403, "forbidden");
                }
                (201, self.put(kind, None, input))
            }
            (&Method::GET, [kind]) => self.search(&policy, kind, query),
            (method, [kind, id]) => {
                let reference = format!("{kind}/{id}");
                let Some(stored) = self.current(&reference) else {
                    return outcome(404, "not-found");
                };
                self.instance(method, &policy, kind, id, stored, input)
            }
            _ => outcome(404, "not-found"),
        }
    }

    fn instance(
        &self,
        method: &Method,
        policy: &Policy,
        kind: &str,
        id: &str,
        stored: Value,
        input: Value,
    ) -> (u16, Value) {
        let reference = format!("{kind}/{id}");
        let gone = self.store.lock().unwrap().deleted.contains(&reference);
        let result = match *method {
            Method::PUT => input,
            Method::PATCH => patched(&stored, &input),
            _ => Value::Null,
        };
        let request = match *method {
            Method::GET => Request::Read(&stored),
            Method::PUT => Request::Update {
                existing: &stored,
                result: &result,
            },
            Method::PATCH => Request::Patch {
                existing: &stored,
                result: &result,
            },
            _ => Request::Delete(&stored),
        };
        match policy.decide(&request).verdict {
            Verdict::Hidden => outcome(404, "not-found"),
            Verdict::Forbidden => outcome(403, "forbidden"),
            Verdict::Allowed if gone => outcome(410, "deleted"),
            Verdict::Allowed => match *method {
                Method::GET => (200, stored),
                Method::DELETE => {
                    self.store.lock().unwrap().deleted.push(reference);
                    outcome(200, "informational")
                }
                _ => (200, self.put(kind, Some(id), result)),
            },
        }
    }

    fn search(&self, policy: &Policy, kind: &str, query: &str) -> (u16, Value) {
        use fhirward_engine::policy::Interaction;
        if !policy.grants_type(kind, Interaction::Search) {
            return outcome(403, "forbidden");
        }
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let result = |key: &str| pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
        let (sort, user) = (result("_sort"), result("user"));
        let filters: Vec<(String, String)> = pairs
            .iter()
            .filter(|(key, _)| !["_sort", "_count", "_page", "user"].contains(&key.as_str()))
            .cloned()
            .collect();
        let compiled = Query::compile(kind, &filters, &Options::default()).unwrap();
        let store = self.store.lock().unwrap();
        let mut found: Vec<&Value> = store
            .resources
            .iter()
            .filter(|(reference, _)| !store.deleted.contains(reference))
            .filter_map(|(_, versions)| versions.last())
            .filter(|r| r["resourceType"] == kind && compiled.matches(r))
            .filter(|r| {
                user.as_ref()
                    .is_none_or(|user| r["user"]["reference"] == **user)
            })
            .filter(|r| policy.decide(&Request::Search(r)).is_allowed())
            .collect();
        if sort.is_some() {
            found.sort_by_key(|r| r["sent"].as_str().unwrap_or_default().to_owned());
        }
        let size = result("_count").map_or(found.len(), |n| n.parse().unwrap());
        let page: usize = result("_page").map_or(0, |n| n.parse().unwrap());
        let entries: Vec<Value> = found
            .iter()
            .skip(page * size)
            .take(size)
            .map(|r| json!({ "resource": r, "search": { "mode": "match" } }))
            .collect();
        let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries });
        if (page + 1) * size < found.len() {
            let rest: Vec<String> = pairs
                .iter()
                .filter(|(key, _)| key != "_page")
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            let url = format!(
                "{}fhir/R4/{kind}?{}&_page={}",
                self.base,
                rest.join("&"),
                page + 1
            );
            bundle["link"] = json!([{ "relation": "next", "url": url }]);
        }
        (200, bundle)
    }

    fn current(&self, reference: &str) -> Option<Value> {
        let store = self.store.lock().unwrap();
        store.resources.get(reference)?.last().cloned()
    }

    fn put(&self, kind: &str, id: Option<&str>, mut resource: Value) -> Value {
        let mut store = self.store.lock().unwrap();
        let id = id.map(str::to_owned).unwrap_or_else(|| {
            store.next += 1;
            format!("{}{:06}", store.prefix, store.next)
        });
        let versions = store.resources.entry(format!("{kind}/{id}")).or_default();
        resource["resourceType"] = kind.into();
        resource["id"] = id.as_str().into();
        resource["meta"]["versionId"] = format!("v{}", versions.len() + 1).into();
        versions.push(resource.clone());
        resource
    }

    fn register(&self, input: &Value) -> (u16, Value) {
        let mut client = self.put("ClientApplication", None, json!({ "name": input["name"] }));
        let id = client["id"].as_str().unwrap().to_owned();
        let user = json!({ "reference": format!("ClientApplication/{id}") });
        let membership = json!({
            "user": user, "profile": user, "accessPolicy": input["accessPolicy"],
        });
        self.put("ProjectMembership", None, membership);
        let secret = format!("secret-of-{id}");
        let mut store = self.store.lock().unwrap();
        let name = input["name"].as_str().unwrap();
        let actor = name.rsplit(' ').next().unwrap().to_owned();
        store.names.insert(id.clone(), actor);
        store.secrets.insert(id, secret.clone());
        client["secret"] = secret.into();
        (201, client)
    }

    /// As Medplum: a project-scoped user with a password, and a membership.
    fn invite(&self, input: &Value) -> (u16, Value) {
        let user = self.put("User", None, json!({ "email": input["email"] }));
        let id = user["id"].as_str().unwrap().to_owned();
        let mut membership = input["membership"].clone();
        membership["user"] = json!({ "reference": format!("User/{id}") });
        membership["project"] = json!({ "reference": "Project/p1" });
        let membership = self.put("ProjectMembership", None, membership);
        let mut store = self.store.lock().unwrap();
        let actor = input["lastName"].as_str().unwrap().to_owned();
        store.names.insert(id.clone(), actor);
        let login = format!("{} {}", input["email"], input["password"]);
        store.secrets.insert(login, id);
        (200, membership)
    }

    fn login(&self, input: &Value) -> (u16, Value) {
        let mut store = self.store.lock().unwrap();
        let login = format!("{} {}", input["email"], input["password"]);
        let Some(id) = store.secrets.get(&login).cloned() else {
            return outcome(400, "invalid");
        };
        assert_eq!(input["codeChallengeMethod"], "S256");
        let code = format!("code-{}-{}", id, store.codes.len());
        let challenge = input["codeChallenge"].as_str().unwrap().to_owned();
        store.codes.insert(code.clone(), (id, challenge));
        (200, json!({ "login": "l1", "code": code }))
    }

    fn token(&self, form: &str) -> (u16, Value) {
        let pairs: BTreeMap<String, String> = url::form_urlencoded::parse(form.as_bytes())
            .into_owned()
            .collect();
        if pairs["grant_type"] == "authorization_code" {
            let spent = self.store.lock().unwrap().codes.remove(&pairs["code"]);
            let Some((id, challenge)) = spent else {
                return outcome(400, "invalid");
            };
            let digest = sha2::Sha256::digest(pairs["code_verifier"].as_bytes());
            if URL_SAFE_NO_PAD.encode(digest) != challenge {
                return outcome(400, "invalid");
            }
            let token = format!("token-of-{id}");
            return (200, json!({ "access_token": token, "expires_in": 3600 }));
        }
        let (id, secret) = (&pairs["client_id"], &pairs["client_secret"]);
        let known = if id == "admin" {
            secret == ADMIN_SECRET
        } else {
            self.store.lock().unwrap().secrets.get(id) == Some(secret)
        };
        if !known {
            return outcome(400, "invalid");
        }
        (
            200,
            json!({
                "access_token": format!("token-of-{id}"), "token_type": "Bearer",
                "expires_in": 3600, "project": { "reference": "Project/p1" },
            }),
        )
    }

    fn profile(&self, client: &str) -> Value {
        let user = user_of(client);
        let store = self.store.lock().unwrap();
        store
            .resources
            .values()
            .filter_map(|versions| versions.last())
            .find(|r| is_user(r, &user))
            .map(|r| r["profile"].clone())
            .unwrap_or_default()
    }
}

fn user_of(client: &str) -> String {
    client.to_owned()
}

/// Whether a membership is that of a client or person.
fn is_user(membership: &Value, id: &str) -> bool {
    let user = membership["user"]["reference"].as_str().unwrap_or_default();
    user.split('/').nth(1) == Some(id)
}

fn patched(stored: &Value, operations: &Value) -> Value {
    let mut result = stored.clone();
    for operation in operations.as_array().unwrap() {
        let key = operation["path"].as_str().unwrap().trim_start_matches('/');
        match operation["op"].as_str().unwrap() {
            "remove" => {
                result.as_object_mut().unwrap().shift_remove(key);
            }
            _ => result[key] = operation["value"].clone(),
        }
    }
    result
}

fn outcome(status: u16, code: &str) -> (u16, Value) {
    (
        status,
        json!({ "resourceType": "OperationOutcome", "issue": [
            { "severity": "error", "code": code, "details": { "text": format!("it is {code}") } },
        ] }),
    )
}

async fn handle(
    State(fake): State<Fake>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path_and_query().unwrap().to_string();
    let token = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap().replace("Bearer ", ""))
        .unwrap_or_default();
    let mut client = token
        .strip_prefix("token-of-")
        .unwrap_or_default()
        .to_owned();
    if let Some(member) = headers.get("x-medplum-on-behalf-of") {
        assert_eq!(client, "admin");
        let membership = fake.current(member.to_str().unwrap()).unwrap();
        let user = membership["user"]["reference"].as_str().unwrap();
        client = user.split('/').nth(1).unwrap().to_owned();
    }
    let call = {
        let store = fake.store.lock().unwrap();
        Call {
            method,
            path,
            actor: if client == "admin" {
                "admin".into()
            } else {
                store.names.get(&client).cloned().unwrap_or_default()
            },
            token,
        }
    };
    let rewrite = match (fake.script)(&call) {
        Fault::Answer(status, kind, text) => return reply(status, kind, text),
        Fault::Hang => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            return reply(200, "text/plain", String::new());
        }
        Fault::Rewrite(rewrite) => Some(rewrite),
        Fault::None | Fault::Bypass => None,
    };
    let form = String::from_utf8_lossy(&body).into_owned();
    let (status, mut value) = fake.answer(&call, &client, &body, &form);
    if let Some(rewrite) = rewrite {
        value = rewrite(value);
    }
    reply(status, "application/fhir+json", value.to_string())
}

fn reply(status: u16, kind: &str, text: String) -> Response {
    (
        StatusCode::from_u16(status).unwrap(),
        [(header::CONTENT_TYPE, kind.to_owned())],
        text,
    )
        .into_response()
}

pub fn target(base: &str) -> Target {
    let admin = Credentials {
        id: "admin".into(),
        secret: SecretString::from(ADMIN_SECRET),
    };
    Target::new(base, admin, ServerProfile::generic()).unwrap()
}

/// Short enough for tests, long enough for a busy machine.
pub fn limits() -> Limits {
    Limits {
        connect: Duration::from_millis(1000),
        request: Duration::from_millis(1500),
        timeouts: Timeouts::default(),
        response_bytes: 1024 * 1024,
        pages: 5,
        retries: Retries {
            most: 1,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(100),
        },
    }
}
