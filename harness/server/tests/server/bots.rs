//! Bots, answered by programs that were named at the start.

use axum::http::StatusCode;
use axum::response::Html;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::sink::Sink;
use crate::support::World;

/// A server with one Bot named `notify` and its program; the reference of the Bot.
async fn world() -> (World, Sink, String) {
    let sink = Sink::new().await;
    let url = sink.url.parse().unwrap();
    let world = World::with(|config| {
        config.messaging = config.messaging.clone().bot("notify", url);
        config.messaging.first_retry = std::time::Duration::from_millis(5);
    })
    .await;
    let bot = world
        .admin
        .make(json!({
            "resourceType": "Bot",
            "name": "notify",
            "identifier": [{ "system": "https://example.com/bots", "value": "notify" }],
        }))
        .await;
    (world, sink, bot)
}

/// Medplum, "External messaging integration patterns", outbound: the program gets what a Medplum
/// Bot finds in its event.
#[tokio::test]
async fn a_program_gets_the_event_and_its_answer_comes_back() {
    let (world, sink, bot) = world().await;
    let project = format!("Project/{}", world.server.project);
    let mut stored = world.admin.get(&project).await.json();
    stored["secret"] = json!([{ "name": "KEY", "valueString": "a secret" }]);
    let put = world.admin.put(&project, &stored).await;
    assert_eq!(put.status, 200, "{}", put.text);
    let message = json!({ "resourceType": "Communication", "status": "in-progress" });
    for path in [
        format!("{bot}/$execute"),
        "Bot/$execute?identifier=https%3A%2F%2Fexample.com%2Fbots%7Cnotify".to_owned(),
    ] {
        sink.answer((StatusCode::OK, axum::Json(json!({ "sent": 1 }))));
        let answer = world.admin.post(&path, &message).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "sent": 1 })));
        assert_eq!(answer.header("content-type"), "application/json");
        let call = sink.next().await;
        assert_eq!(call.header("content-type"), "application/json");
        let event = call.json();
        assert_eq!(event["bot"], json!({ "reference": bot }));
        assert_eq!(
            event["requester"],
            json!({ "reference": world.admin.profile })
        );
        assert_eq!(event["input"], message);
        assert_eq!(event["contentType"], "application/fhir+json");
        assert_eq!(event["secrets"]["KEY"]["valueString"], "a secret");
        assert_eq!(event["headers"]["content-type"], "application/fhir+json");
        assert_eq!(event["headers"].get("authorization"), None);
        assert!(event["traceId"].is_string());
    }
}

/// Medplum, "External messaging integration patterns", webhooks with a password: a vendor's client
/// may execute, and nothing else.
#[tokio::test]
async fn a_vendor_signs_in_with_each_call() {
    let (world, sink, bot) = world().await;
    let vendor = world
        .actor(json!([{ "resourceType": "Bot", "readonly": true }]))
        .await;
    let nobody = world.nobody();
    let credentials = |secret: &str| {
        use base64::Engine as _;
        let pair = format!("{}:{secret}", vendor.client.0);
        format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(pair)
        )
    };
    let path = format!("{bot}/$execute");
    let form = Some("From=%2B15551234567&Body=hello".to_owned());
    let send = async |secret: &str| {
        let headers = [
            ("authorization", &*credentials(secret)),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        nobody
            .send(Method::POST, &path, &headers, form.clone())
            .await
    };
    assert_eq!(send("wrong").await.status, 401);
    assert_eq!(send(&vendor.client.1).await.status, 200);
    let call = sink.next().await.json();
    assert_eq!(
        call["input"],
        json!({ "From": "+15551234567", "Body": "hello" })
    );
    assert_eq!(vendor.get("Communication").await.status, 403);
    assert_eq!(vendor.delete(&bot).await.status, 403);
}

#[tokio::test]
async fn who_may_not_read_a_bot_does_not_execute_it() {
    let (world, sink, bot) = world().await;
    let path = format!("{bot}/$execute");
    let stranger = world.actor(json!([{ "resourceType": "Task" }])).await;
    assert_eq!(stranger.post(&path, &json!({})).await.status, 403);
    let other = json!([{ "resourceType": "Bot", "criteria": "Bot?name=other" }]);
    let other = world.actor(other).await;
    assert_eq!(other.post(&path, &json!({})).await.status, 404);
    let by_identifier = "Bot/$execute?identifier=notify";
    assert_eq!(other.post(by_identifier, &json!({})).await.status, 404);
    assert_eq!(world.nobody().post(&path, &json!({})).await.status, 401);
    assert!(!sink.was_called().await);
}

#[rstest]
#[case::words((StatusCode::INTERNAL_SERVER_ERROR, "no such number"), "no such number ")]
#[case::thrown(
    (StatusCode::INTERNAL_SERVER_ERROR, r#"{"errorMessage":"no such number"}"#),
    "no such number "
)]
#[case::silent((StatusCode::NOT_FOUND, ""), "the Bot failed without a word ")]
#[tokio::test]
async fn a_failure_of_the_program_is_told(
    #[case] answer: (StatusCode, &'static str),
    #[case] expected: &str,
) {
    let (world, sink, bot) = world().await;
    sink.answer(answer);
    let answer = world
        .admin
        .post(&format!("{bot}/$execute"), &json!({}))
        .await;
    assert_eq!(answer.status, 400);
    assert!(answer.words().starts_with(expected), "{}", answer.words());
}

#[tokio::test]
async fn an_outcome_of_the_program_stays_what_it_is() {
    let (world, sink, bot) = world().await;
    let outcome = json!({
        "resourceType": "OperationOutcome",
        "issue": [{ "severity": "error", "code": "conflict", "details": { "text": "taken" } }],
    });
    sink.answer((StatusCode::CONFLICT, outcome.to_string()));
    let answer = world
        .admin
        .post(&format!("{bot}/$execute"), &json!({}))
        .await;
    assert_eq!((answer.status, answer.json()), (409, outcome));
}

#[tokio::test]
async fn the_page_of_a_program_does_not_run() {
    let (world, sink, bot) = world().await;
    sink.answer(Html("<script>"));
    let answer = world
        .admin
        .post(&format!("{bot}/$execute"), &json!({}))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(
        answer.header("content-security-policy"),
        "default-src 'none'; sandbox"
    );
}

#[tokio::test]
async fn what_cannot_be_executed_is_refused_with_the_way_out() {
    let (world, _sink, bot) = world().await;
    let other = world
        .admin
        .make(json!({ "resourceType": "Bot", "name": "other" }))
        .await;
    let answer = world
        .admin
        .post(&format!("{other}/$execute"), &json!({}))
        .await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.words().contains("--bot NAME=URL"),
        "{}",
        answer.words()
    );
    assert!(answer.words().contains("notify"), "{}", answer.words());
    let answer = world
        .admin
        .post(&format!("{bot}/$deploy"), &json!({ "code": "" }))
        .await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.words().contains("--bot NAME=URL"),
        "{}",
        answer.words()
    );
    assert_eq!(
        world.admin.get(&format!("{bot}/$execute")).await.status,
        405
    );
    let answer = world.admin.post("Bot/$execute", &json!({})).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_bad_gateway() {
    let world = World::with(|config| {
        // Nothing listens on the discard port.
        let url = "http://127.0.0.1:9/".parse().unwrap();
        config.messaging = config.messaging.clone().bot("away", url);
    })
    .await;
    let bot = world
        .admin
        .make(json!({ "resourceType": "Bot", "name": "away" }))
        .await;
    let answer = world
        .admin
        .post(&format!("{bot}/$execute"), &json!({}))
        .await;
    assert_eq!((answer.status, &*answer.issue()), (502, "transient"));
}

#[rstest]
#[case::elsewhere("https://example.com/")]
#[case::metadata("http://169.254.169.254/")]
#[tokio::test]
async fn a_program_elsewhere_is_refused_at_the_start(#[case] url: &str) {
    let mut config = fhirward_server::Config::new(fhirward_server::Credentials::random().unwrap());
    config.messaging = config.messaging.clone().bot("a", url.parse().unwrap());
    let error = fhirward_server::start(config)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("--allow-hook"), "{error}");
}

/// flow `ooo-subscription`: a Subscription whose endpoint is a Bot.
#[tokio::test]
async fn a_subscription_calls_a_bot() {
    let (world, sink, bot) = world().await;
    world
        .admin
        .make(json!({
            "resourceType": "Subscription",
            "status": "active",
            "reason": "test",
            "criteria": "Communication?part-of:missing=false&status=in-progress",
            "channel": { "type": "rest-hook", "endpoint": bot },
        }))
        .await;
    let message = |status: &str, header: Option<&str>| {
        let mut message = json!({ "resourceType": "Communication", "status": status });
        if let Some(header) = header {
            message["partOf"] = json!([{ "reference": header }]);
        }
        message
    };
    // No header, no draft.
    let header = world.admin.make(message("in-progress", None)).await;
    world
        .admin
        .make(message("preparation", Some(&header)))
        .await;
    let child = world
        .admin
        .make(message("in-progress", Some(&header)))
        .await;
    let event = sink.next().await.json();
    let id = |reference: &str| reference.split_once('/').unwrap().1.to_owned();
    assert_eq!(event["input"]["id"], id(&child));
    assert_eq!(event["contentType"], "application/fhir+json");
    assert_eq!(event["headers"]["x-medplum-interaction"], "create");
    world.admin.delete(&child).await;
    let event = sink.next().await.json();
    assert_eq!(event["input"]["deletedResource"]["id"], id(&child));
    assert_eq!(event["headers"]["x-medplum-deleted-resource"], child);
}

/// Medplum, "External messaging integration patterns", webhooks without one.
#[rstest]
#[case::public(true, true, 200)]
#[case::not_public(false, true, 403)]
#[case::unlimited(true, false, 403)]
#[tokio::test]
async fn a_public_webhook(#[case] public: bool, #[case] limited: bool, #[case] status: u16) {
    let (world, sink, bot) = world().await;
    let mut stored = world.admin.get(&bot).await.json();
    stored["publicWebhook"] = public.into();
    assert_eq!(world.admin.put(&bot, &stored).await.status, 200);
    let mut membership = json!({
        "resourceType": "ProjectMembership",
        "project": { "reference": format!("Project/{}", world.server.project) },
        "user": { "reference": bot },
        "profile": { "reference": bot },
    });
    if limited {
        let policy = world
            .policy(json!([{ "resourceType": "Communication" }]))
            .await;
        membership["accessPolicy"] = json!({ "reference": policy });
    }
    let membership = world.admin.make(membership).await;
    let (_, id) = membership.split_once('/').unwrap();
    let body = json!({ "Body": "hello" });
    let answer = world.nobody().post(&format!("/webhook/{id}"), &body).await;
    assert_eq!(answer.status, status, "{}", answer.text);
    if status == 200 {
        let event: Value = sink.next().await.json();
        assert_eq!(event["input"], body);
        assert_eq!(event["requester"]["reference"], bot);
    } else {
        assert!(!sink.was_called().await);
    }
    assert_eq!(
        world.nobody().post("/webhook/none", &body).await.status,
        404
    );
}

/// The name of a program is the first project's: a Bot of another project that is called the same
/// gets nothing from it.
#[tokio::test]
async fn a_name_is_that_of_a_bot_of_the_first_project() {
    let sink = Sink::new().await;
    let url: url::Url = sink.url.parse().unwrap();
    let world = World::with(|config| {
        config.messaging = config.messaging.clone().bot("notify", url);
    })
    .await;
    let server = json!({ "scope": "server" });
    let member = world.invite("owner@example.com", server).await;
    let parameters = json!({
        "resourceType": "Parameters",
        "parameter": [
            { "name": "name", "valueString": "Second" },
            { "name": "owner", "valueReference": member["user"] },
        ],
    });
    let second = world.admin.post("Project/$init", &parameters).await.json();
    let owner = world
        .nobody()
        .signed_in("owner@example.com", json!({ "projectId": second["id"] }))
        .await;
    let same = json!({ "resourceType": "Bot", "name": "notify" });
    let same = owner.make(same).await;
    let refused = owner.post(&format!("{same}/$execute"), &json!({})).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.contains("has no program"), "{}", refused.text);
    assert!(!sink.was_called().await);
    let own = json!({ "resourceType": "Bot", "name": "notify" });
    let own = world.admin.make(own).await;
    let answer = world
        .admin
        .post(&format!("{own}/$execute"), &json!({}))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    sink.next().await;
}
