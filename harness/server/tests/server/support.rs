//! A server, its actors, and short words for requests.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fhirward_server::{Config, Credentials, Limits, PasswordCost, Running, start};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// The password of everybody who is invited.
pub const PASSWORD: &str = "correct horse battery";

/// The example of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// How long something that must come may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until the server has closed two connections that said nothing, one after the other: by
/// then it has closed all that were idle before.
pub async fn idle(server: SocketAddr) {
    for _ in 0..2 {
        let mut silent = TcpStream::connect(server).await.unwrap();
        let read = tokio::time::timeout(PATIENCE, silent.read(&mut [0])).await;
        // A reset closes it as well.
        assert_eq!(read.unwrap().unwrap_or_default(), 0);
    }
}

/// A running server and its administrator.
pub struct World {
    pub server: Running,
    pub admin: Actor,
    made: AtomicUsize,
}

/// Somebody with a token.
#[derive(Clone)]
pub struct Actor {
    http: Client,
    base: String,
    pub token: String,
    /// The reference of the profile.
    pub profile: String,
    /// The id of the ProjectMembership.
    pub membership: String,
    pub client: (String, String),
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The reference of the resource in the body.
    pub fn reference(&self) -> String {
        let body = self.json();
        format!(
            "{}/{}",
            body["resourceType"].as_str().unwrap(),
            body["id"].as_str().unwrap()
        )
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The code of the first issue, after checking that this is an OperationOutcome.
    pub fn issue(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/fhir+json; charset=utf-8"
        );
        let body = self.json();
        assert_eq!(body["resourceType"], "OperationOutcome", "{body}");
        assert!(body["issue"][0]["details"]["text"].is_string(), "{body}");
        body["issue"][0]["code"].as_str().unwrap().to_owned()
    }

    /// All that a person would read of an OperationOutcome.
    pub fn words(&self) -> String {
        let body = self.json();
        let issues = body["issue"].as_array().unwrap();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        issues
            .iter()
            .map(|i| {
                format!(
                    "{} {} ",
                    word(&i["details"]["text"]),
                    word(&i["diagnostics"])
                )
            })
            .collect()
    }

    /// References of the entries of a Bundle, of one search mode.
    pub fn found(&self, mode: &str) -> Vec<String> {
        assert_eq!(self.status, 200, "{}", self.text);
        let bundle = self.json();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        let of_mode = entries
            .iter()
            .filter(|entry| entry["search"]["mode"] == mode);
        of_mode
            .map(|entry| {
                let resource = &entry["resource"];
                format!(
                    "{}/{}",
                    resource["resourceType"].as_str().unwrap(),
                    resource["id"].as_str().unwrap()
                )
            })
            .collect()
    }

    pub fn matches(&self) -> Vec<String> {
        self.found("match")
    }

    pub fn link(&self, relation: &str) -> Option<String> {
        let bundle = self.json();
        let links = bundle["link"].as_array().unwrap();
        links
            .iter()
            .find(|l| l["relation"] == relation)
            .map(|l| l["url"].as_str().unwrap().to_owned())
    }
}

impl Actor {
    /// Sends any request; `path` is below the FHIR base, or absolute with `http:` or `/`.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let url = if path.starts_with("http:") {
            path.to_owned()
        } else if let Some(path) = path.strip_prefix('/') {
            format!("{}{path}", self.base)
        } else {
            format!("{}fhir/R4/{path}", self.base)
        };
        let mut request = self.http.request(method, url);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(
            Method::POST,
            path,
            &[("content-type", "application/fhir+json")],
            Some(body.to_string()),
        )
        .await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(
            Method::PUT,
            path,
            &[("content-type", "application/fhir+json")],
            Some(body.to_string()),
        )
        .await
    }

    pub async fn put_if(&self, path: &str, if_match: &str, body: &Value) -> Answer {
        let headers = [
            ("content-type", "application/fhir+json"),
            ("if-match", if_match),
        ];
        self.send(Method::PUT, path, &headers, Some(body.to_string()))
            .await
    }

    pub async fn patch(&self, path: &str, operations: &Value) -> Answer {
        let headers = [("content-type", "application/json-patch+json")];
        self.send(Method::PATCH, path, &headers, Some(operations.to_string()))
            .await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None).await
    }

    /// Creates a resource of the type in the body; its reference.
    pub async fn make(&self, body: Value) -> String {
        let answer = self
            .post(body["resourceType"].as_str().unwrap(), &body)
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.reference()
    }

    /// All pages of a search, as lists of references.
    pub async fn pages(&self, path: &str) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let page = self.get(&path).await;
            pages.push(page.matches());
            next = page.link("next");
            assert!(pages.len() < 100, "the pages have no end");
        }
        pages
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with_limits(change: impl FnOnce(&mut Limits)) -> Self {
        Self::with(|config| change(&mut config.limits)).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(Credentials {
            id: "admin".into(),
            secret: "a secret".into(),
        });
        config.sign_in.password_cost = PasswordCost::least();
        change(&mut config);
        let server = start(config).await.unwrap();
        let base = server.base_url.to_string();
        // The workspace's HTTP client speaks TLS and asks for a provider even for plain HTTP. A
        // test that is not the first finds it installed, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let mut admin = Actor {
            http,
            base,
            token: String::new(),
            profile: String::new(),
            membership: String::new(),
            client: ("admin".into(), "a secret".into()),
        };
        admin.sign_in().await;
        Self {
            server,
            admin,
            made: AtomicUsize::new(0),
        }
    }

    /// Invites a person with a password into the first project; the membership.
    pub async fn invite(&self, email: &str, more: Value) -> Value {
        let answer = self.admin.invite(&self.server.project, email, more).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// Somebody without a token.
    pub fn nobody(&self) -> Actor {
        Actor {
            token: String::new(),
            ..self.admin.clone()
        }
    }

    /// A policy; its reference.
    pub async fn policy(&self, entries: Value) -> String {
        self.admin
            .make(json!({ "resourceType": "AccessPolicy", "name": "test", "resource": entries }))
            .await
    }

    /// A Practitioner with a client that acts as it, under a policy.
    pub async fn actor(&self, entries: Value) -> Actor {
        let policy = self.policy(entries).await;
        self.actor_under(&json!({ "accessPolicy": { "reference": policy } }))
            .await
    }

    /// A Practitioner with a client that acts as it; `rights` are members of its membership.
    pub async fn actor_under(&self, rights: &Value) -> Actor {
        let family = format!("Actor{}", self.made.fetch_add(1, Ordering::Relaxed));
        let profile = self
            .admin
            .make(json!({ "resourceType": "Practitioner", "name": [{ "family": family }] }))
            .await;
        let path = format!("/admin/projects/{}/client", self.server.project);
        let client = self.admin.post(&path, &json!({ "name": family })).await;
        assert_eq!(client.status, 201, "{}", client.text);
        let client = client.json();
        let id = client["id"].as_str().unwrap();
        let found = self
            .admin
            .get(&format!("ProjectMembership?user=ClientApplication/{id}"))
            .await;
        let mut membership = found.json()["entry"][0]["resource"].clone();
        membership["profile"] = json!({ "reference": profile });
        for (name, value) in rights.as_object().unwrap() {
            membership[name] = value.clone();
        }
        let membership_id = membership["id"].as_str().unwrap().to_owned();
        let put = self
            .admin
            .put(&format!("ProjectMembership/{membership_id}"), &membership)
            .await;
        assert_eq!(put.status, 200, "{}", put.text);
        let mut actor = Actor {
            token: String::new(),
            membership: membership_id,
            profile,
            client: (id.to_owned(), client["secret"].as_str().unwrap().to_owned()),
            ..self.admin.clone()
        };
        actor.sign_in().await;
        actor
    }
}

impl Actor {
    async fn sign_in(&mut self) {
        let (id, secret) = &self.client;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
        ];
        let response = self
            .http
            .post(format!("{}oauth2/token", self.base))
            .form(&form)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body: Value = response.json().await.unwrap();
        self.token = body["access_token"].as_str().unwrap().to_owned();
        self.profile = body["profile"]["reference"].as_str().unwrap().to_owned();
    }

    /// Invites a person whose password is `PASSWORD` into a project; `more` are members of the
    /// request.
    pub async fn invite(&self, project: &str, email: &str, more: Value) -> Answer {
        let mut body = json!({
            "resourceType": "Practitioner", "firstName": "Alice", "lastName": "Smith",
            "email": email, "password": PASSWORD, "sendEmail": false, "scope": "project",
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.post(&format!("/admin/projects/{project}/invite"), &body)
            .await
    }

    /// `POST` of a JSON object that is no resource.
    pub async fn ask(&self, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send(Method::POST, path, &headers, Some(body.to_string()))
            .await
    }

    /// `/auth/login` with the challenge of `VERIFIER`; `more` are members of the request.
    pub async fn login(&self, email: &str, password: &str, more: Value) -> Answer {
        let mut body = json!({
            "email": email, "password": password, "scope": "openid",
            "codeChallengeMethod": "S256", "codeChallenge": CHALLENGE,
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.ask("/auth/login", &body).await
    }

    /// The token for a code.
    pub async fn redeem(&self, code: &str, client: &str) -> Answer {
        let form = format!(
            "grant_type=authorization_code&code={code}&code_verifier={VERIFIER}&client_id={client}"
        );
        self.token(&[], &form).await
    }

    /// The actor with the token of an answer of the token endpoint.
    pub fn with(&self, answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text);
        let body = answer.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            token: text(&body["access_token"]),
            profile: text(&body["profile"]["reference"]),
            ..self.clone()
        }
    }

    /// Somebody who signed in with `PASSWORD`.
    pub async fn signed_in(&self, email: &str, more: Value) -> Self {
        let begun = self.login(email, PASSWORD, more).await;
        assert_eq!(begun.status, 200, "{}", begun.text);
        let code = begun.json()["code"].as_str().unwrap().to_owned();
        self.with(&self.redeem(&code, "").await)
    }

    /// The token endpoint with any headers and form.
    pub async fn token(&self, headers: &[(&str, &str)], form: &str) -> Answer {
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend(headers);
        self.send(Method::POST, "/oauth2/token", &all, Some(form.to_owned()))
            .await
    }
}

/// A Communication between people.
pub fn message(sender: &str, recipients: &[&str]) -> Value {
    let mut message = json!({
        "resourceType": "Communication",
        "status": "in-progress",
        "sender": { "reference": sender },
    });
    if !recipients.is_empty() {
        let recipients = recipients.iter().map(|r| json!({ "reference": r }));
        message["recipient"] = recipients.collect();
    }
    message
}

/// The policy of somebody who takes part in conversations.
pub fn participant() -> Value {
    json!([
        { "resourceType": "Communication", "criteria": "Communication?recipient=%profile" },
        { "resourceType": "Communication", "criteria": "Communication?sender=%profile" },
    ])
}
