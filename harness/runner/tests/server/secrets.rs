//! Secrets planted in every place, and looked for in everything that leaves.

use std::sync::{Arc, Mutex};

use fhirward_harness::client::{Auth, Credentials, Heard, SecretIn};
use fhirward_harness::report::{Style, json as report_json, terminal};
use rstest::rstest;
use secrecy::SecretString;
use serde_json::json;

use crate::faults::{options, play_at};
use crate::proxy::{Proxy, Weather};
use crate::support::{ADMIN_SECRET, Fake, target};

const COOKIE: &str = "cookie-value-8844";
const REFRESH: &str = "refresh-token-7733";
const SIGNATURE: &str = "c2lnbmVkLXVybC02NjIy";
const PASSWORD: &str = "proxy-password-5511";

/// A careless server: it answers with all that it was told, and with secrets of its own, in every
/// form.
fn echo(token: &str) -> Vec<u8> {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("x{token}y"));
    let form: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
    let words = format!(
        "token {token} or {encoded} or {form}, secret {ADMIN_SECRET}, cookie {COOKIE}, \
         refresh_token={REFRESH}, at https://s3.example/x?X-Amz-Signature={SIGNATURE}"
    );
    json!({ "resourceType": "OperationOutcome", "issue": [
        { "severity": "error", "code": "exception", "details": { "text": words } },
    ] })
    .to_string()
    .into_bytes()
}

const ECHO: &str =
    "content-type: application/fhir+json\r\nset-cookie: session=cookie-value-8844; Path=/\r\n";

#[rstest]
#[case::refused_write("POST", "Communication", 400)]
#[case::broken_write("POST", "Communication", 500)]
#[case::refused_patch("PATCH", "Communication", 403)]
#[case::broken_read("GET", "Communication", 500)]
#[case::bad_token("GET", "Communication", 401)]
#[case::cleanup("DELETE", "", 500)]
#[case::set_up("POST", "AccessPolicy", 400)]
#[case::membership("PUT", "ProjectMembership", 500)]
#[case::redirect("GET", "Communication", 302)]
#[tokio::test]
async fn nothing_secret_leaves(
    #[case] method: &'static str,
    #[case] path: &'static str,
    #[case] status: u16,
) {
    let fake = Fake::start().await;
    let base = fake.target().base_url.join("/").unwrap();
    let proxy = Proxy::before(base.as_str(), move |ask| {
        if ask.is(method, path) {
            Weather::Answer(status, ECHO, echo(&ask.token))
        } else {
            Weather::Fair
        }
    })
    .await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    let mut target = target(&proxy.base);
    // With bodies, the place where most could leave.
    target.traffic = target.traffic.heard_by(
        move |event: Heard| told.lock().unwrap().push(format!("{event:?}")),
        true,
    );
    let (outcome, events) = play_at(&target, &options()).await;
    let mut secrets: Vec<String> = vec![
        ADMIN_SECRET.into(),
        COOKIE.into(),
        REFRESH.into(),
        SIGNATURE.into(),
    ];
    for ask in proxy.asked.lock().unwrap().iter() {
        if !ask.token.is_empty() && !secrets.contains(&ask.token) {
            secrets.push(ask.token.clone());
        }
    }
    assert!(secrets.len() > 4);
    let outputs = [
        ("events", serde_json::to_string(&events).unwrap()),
        ("debug events", format!("{events:?}")),
        ("json", report_json(&outcome.report).to_string()),
        ("terminal", terminal(&outcome.report, Style::default())),
        ("debug report", format!("{outcome:?}")),
        ("bodies", heard.lock().unwrap().join("\n")),
        ("target", format!("{target:?}")),
    ];
    for (name, text) in &outputs {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{name} shows {secret}");
        }
    }
}

/// What people print while they look for a fault.
#[rstest]
#[case::client(Auth::Client {
    credentials: Credentials { id: "me".into(), secret: SecretString::from(PASSWORD) },
    sent: SecretIn::Basic,
    scope: None,
})]
#[case::bearer(Auth::Bearer(SecretString::from(PASSWORD)))]
#[case::password(Auth::Password(fhirward_harness::client::Password {
    email: "a@example.com".into(),
    password: SecretString::from(PASSWORD),
    project: None,
}))]
#[case::backend(Auth::Backend(fhirward_harness::client::Backend {
    client: "me".into(),
    key: fhirward_harness::client::SigningKey::new(
        SecretString::from(include_str!("keys/ec.pem")), None
    ).unwrap(),
    scope: String::new(),
}))]
fn nothing_secret_is_in_debug_output(#[case] auth: Auth) {
    let mut target = target("http://127.0.0.1:1/");
    target.transport.proxy = Some(format!("http://me:{PASSWORD}@proxy:3128").parse().unwrap());
    target.transport.identity = Some(Arc::new(SecretString::from(include_str!("keys/ec.pem"))));
    target.admin = auth;
    let text = format!("{target:?} {target:#?} {}", target.admin);
    assert!(!text.contains(PASSWORD), "{text}");
    let key = include_str!("keys/ec.pem").lines().nth(1).unwrap();
    assert!(!text.contains(key), "{text}");
}
