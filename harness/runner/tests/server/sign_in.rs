//! How callers show who they are, against a server that looks closely.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use fhirward_harness::client::{
    Auth, Backend, Client, Credentials, Limits, Redactor, Request, SecretIn, ServerProfile,
    SigningKey, Target,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use rstest::rstest;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::limits;

const RSA: &str = include_str!("keys/rsa.pem");
const EC: &str = include_str!("keys/ec.pem");

#[derive(Default)]
struct Seen {
    /// Method-less paths with the Authorization header and the form.
    calls: Vec<(String, String, BTreeMap<String, String>)>,
    /// How long tokens last.
    lifetime: u64,
}

#[derive(Clone, Default)]
struct World {
    seen: Arc<Mutex<Seen>>,
}

impl World {
    async fn start(lifetime: u64) -> (Self, String) {
        let world = Self::default();
        world.seen.lock().unwrap().lifetime = lifetime;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/r4/", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (world, base)
    }

    fn to(&self, path: &str) -> Vec<(String, BTreeMap<String, String>)> {
        let seen = self.seen.lock().unwrap();
        let calls = seen.calls.iter().filter(|(found, ..)| found == path);
        calls
            .map(|(_, auth, form)| (auth.clone(), form.clone()))
            .collect()
    }
}

async fn answer(State(world): State<World>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let host = headers[header::HOST].to_str().unwrap().to_owned();
    let auth = headers.get(header::AUTHORIZATION);
    let auth = auth
        .map(|v| v.to_str().unwrap().to_owned())
        .unwrap_or_default();
    let form = url::form_urlencoded::parse(&body).into_owned().collect();
    let mut seen = world.seen.lock().unwrap();
    seen.calls.push((uri.path().to_owned(), auth.clone(), form));
    let tokens = seen
        .calls
        .iter()
        .filter(|(path, ..)| path == "/token")
        .count();
    let value = match uri.path() {
        "/r4/.well-known/smart-configuration" => {
            json!({ "token_endpoint": format!("http://{host}/token") })
        }
        "/r4/.well-known/openid-configuration" => {
            json!({ "userinfo_endpoint": format!("http://{host}/userinfo") })
        }
        "/token" => json!({
            "access_token": format!("token-number-{tokens}"), "expires_in": seen.lifetime,
        }),
        "/userinfo" => json!({ "fhirUser": "https://elsewhere/r4/Practitioner/7" }),
        // Refused until it is a token that was got after the first.
        "/r4/Task/late" if auth == "Bearer token-number-1" => {
            return (StatusCode::UNAUTHORIZED, "{}").into_response();
        }
        _ => json!({ "resourceType": "Task", "id": "1" }),
    };
    (StatusCode::OK, value.to_string()).into_response()
}

fn profile(who_am_i: &str) -> ServerProfile {
    ServerProfile::parse(&format!(
        "name = \"x\"\nabout = \"y\"\n[address]\nlayout = \"base\"\n\
         [who-am-i]\nkind = \"{who_am_i}\"\n[actors]\nprovisioning = \"none\"\n"
    ))
    .unwrap()
}

fn caller(base: &str, auth: Auth) -> Client {
    let target = Target::new(base, Auth::Nobody, profile("userinfo")).unwrap();
    Client::new(&Arc::new(target), auth, limits(), &Redactor::default()).unwrap()
}

fn credentials() -> Credentials {
    Credentials {
        id: "me:1".into(),
        secret: SecretString::from("s e/cret+1"),
    }
}

#[tokio::test]
async fn an_open_server_gets_no_token() {
    let (world, base) = World::start(3600).await;
    caller(&base, Auth::Nobody)
        .send(Request::get("Task/1"))
        .await
        .unwrap();
    assert_eq!(world.to("/r4/Task/1")[0].0, "");
    assert!(world.to("/token").is_empty());
}

#[tokio::test]
async fn a_bearer_token_is_sent_and_not_renewed() {
    let (world, base) = World::start(3600).await;
    let auth = Auth::Bearer(SecretString::from("token-number-1"));
    let answer = caller(&base, auth)
        .send(Request::get("Task/late"))
        .await
        .unwrap();
    assert_eq!(answer.status, 401);
    assert_eq!(world.to("/r4/Task/late").len(), 1);
    assert!(world.to("/token").is_empty());
}

/// RFC 6749, 2.3.1.
#[tokio::test]
async fn client_credentials_in_the_form() {
    let (world, base) = World::start(3600).await;
    let auth = Auth::client(credentials());
    caller(&base, auth)
        .send(Request::get("Task/1"))
        .await
        .unwrap();
    let (header, form) = &world.to("/token")[0];
    assert_eq!(header, "");
    assert_eq!(form["client_id"], "me:1");
    assert_eq!(form["client_secret"], "s e/cret+1");
    assert_eq!(world.to("/r4/Task/1")[0].0, "Bearer token-number-1");
}

#[tokio::test]
async fn client_credentials_in_a_header() {
    let (world, base) = World::start(3600).await;
    let auth = Auth::Client {
        credentials: credentials(),
        sent: SecretIn::Basic,
        scope: Some("system/Task.rs".into()),
    };
    caller(&base, auth)
        .send(Request::get("Task/1"))
        .await
        .unwrap();
    let (header, form) = &world.to("/token")[0];
    // base64 of `me%3A1:s+e%2Fcret%2B1`.
    assert_eq!(header, "Basic bWUlM0ExOnMrZSUyRmNyZXQlMkIx");
    assert_eq!(form["scope"], "system/Task.rs");
    assert!(!form.contains_key("client_secret"));
}

/// SMART App Launch 2, Backend Services: `iss`, `sub`, `aud`, `jti`, at most five minutes.
#[rstest]
#[case::rs384(RSA, Algorithm::RS384, DecodingKey::from_rsa_pem(include_bytes!("keys/rsa.pub.pem")).unwrap())]
#[case::es384(EC, Algorithm::ES384, DecodingKey::from_ec_pem(include_bytes!("keys/ec.pub.pem")).unwrap())]
#[tokio::test]
async fn a_signed_assertion(
    #[case] pem: &str,
    #[case] algorithm: Algorithm,
    #[case] public: DecodingKey,
) {
    let (world, base) = World::start(1).await;
    let key = SigningKey::new(SecretString::from(pem), Some("key-1".into())).unwrap();
    let client = caller(
        &base,
        Auth::Backend(Backend {
            client: "service".into(),
            key,
            scope: "system/*.rs".into(),
        }),
    );
    client.sign_in().await.unwrap();
    client.sign_in().await.unwrap();
    let audience = base.replace("/r4/", "/token");
    let mut ids = Vec::new();
    for (_, form) in world.to("/token") {
        assert_eq!(form["grant_type"], "client_credentials");
        assert_eq!(
            form["client_assertion_type"],
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        let mut rules = Validation::new(algorithm);
        rules.set_audience(&[&audience]);
        rules.set_issuer(&["service"]);
        let read = decode::<Value>(&form["client_assertion"], &public, &rules).unwrap();
        assert_eq!(read.header.kid.as_deref(), Some("key-1"));
        let claims = read.claims;
        assert_eq!(claims["sub"], "service");
        let (from, to) = (
            claims["iat"].as_u64().unwrap(),
            claims["exp"].as_u64().unwrap(),
        );
        assert!(to > from && to - from <= 300);
        ids.push(claims["jti"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
}

#[rstest]
#[case::nothing("not a key")]
#[case::public(include_str!("keys/rsa.pub.pem"))]
#[case::cut(&RSA[..RSA.len() / 2])]
fn what_is_no_key_is_refused_without_showing_it(#[case] pem: &str) {
    let error = SigningKey::new(SecretString::from(pem), None).unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("PEM"), "{text}");
    assert!(!text.contains(pem.lines().nth(1).unwrap_or("not a key")));
}

#[tokio::test]
async fn a_token_is_kept_until_it_is_refused_and_then_renewed_once() {
    let (world, base) = World::start(3600).await;
    let client = caller(&base, Auth::client(credentials()));
    client.send(Request::get("Task/1")).await.unwrap();
    client.send(Request::get("Task/1")).await.unwrap();
    assert_eq!(world.to("/token").len(), 1);
    let answer = client.send(Request::get("Task/late")).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(world.to("/token").len(), 2);
    assert_eq!(client.take_retries(), ["the token is refused (401)"]);
    assert_eq!(client.take_retries(), Vec::<String>::new());
}

#[tokio::test]
async fn a_token_near_its_end_is_replaced_before_it_is_used() {
    let (world, base) = World::start(0).await;
    let client = caller(&base, Auth::client(credentials()));
    client.send(Request::get("Task/1")).await.unwrap();
    client.send(Request::get("Task/1")).await.unwrap();
    assert_eq!(world.to("/token").len(), 2);
}

#[tokio::test]
async fn on_behalf_of_shares_the_token_of_the_admin() {
    let (world, base) = World::start(3600).await;
    let admin = caller(&base, Auth::client(credentials()));
    let member = |id: &str| {
        caller(
            &base,
            Auth::OnBehalfOf {
                admin: Box::new(admin.clone()),
                member: id.to_owned(),
            },
        )
    };
    member("ProjectMembership/1")
        .send(Request::get("Task/1"))
        .await
        .unwrap();
    member("ProjectMembership/2")
        .send(Request::get("Task/late"))
        .await
        .unwrap();
    assert_eq!(world.to("/token").len(), 2);
}

#[tokio::test]
async fn the_userinfo_endpoint_says_who_acts() {
    let (_world, base) = World::start(3600).await;
    let client = caller(&base, Auth::client(credentials()));
    assert_eq!(
        client.who_am_i().await.unwrap().as_deref(),
        Some("Practitioner/7")
    );
}

/// A server that names a token endpoint elsewhere, without TLS, would get the secret.
#[tokio::test]
async fn secrets_do_not_go_to_other_servers() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let document = json!({ "token_endpoint": "http://evil.example/token" }).to_string();
    let app = Router::new().fallback(move || async move { document });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let error = caller(&base, Auth::client(credentials()))
        .sign_in()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("gets no secrets"), "{error}");
}

#[test]
fn every_kind_of_request_has_its_time() {
    use fhirward_harness::client::{Kind, Timeouts};
    use std::time::Duration;
    let limits = Limits {
        timeouts: Timeouts {
            search: Some(Duration::from_secs(9)),
            ..Timeouts::default()
        },
        ..Limits::default()
    };
    assert_eq!(limits.time_for(Kind::Search), Duration::from_secs(9));
    assert_eq!(limits.time_for(Kind::Read), Duration::from_secs(30));
}
