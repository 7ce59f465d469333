//! Subscriptions by rest-hook: who is told of what, in which order, and what happens when it fails.

use std::time::Duration;

use axum::http::{StatusCode, header};
use rstest::rstest;
use serde_json::{Value, json};

use crate::scopes::within;
use crate::sink::Sink;
use crate::support::{Actor, World, participant};

const EXTENSION: &str = "https://medplum.com/fhir/StructureDefinition/";

async fn world() -> World {
    World::with(|config| config.messaging.first_retry = Duration::from_millis(5)).await
}

fn subscription(criteria: &str, endpoint: &str) -> Value {
    json!({
        "resourceType": "Subscription",
        "status": "active",
        "reason": "test",
        "criteria": criteria,
        "channel": { "type": "rest-hook", "endpoint": endpoint },
    })
}

/// A message with words.
fn message(words: &str) -> Value {
    json!({
        "resourceType": "Communication",
        "status": "in-progress",
        "payload": [{ "contentString": words }],
    })
}

fn to(mut message: Value, sender: &str, recipient: &str) -> Value {
    message["sender"] = json!({ "reference": sender });
    message["recipient"] = json!([{ "reference": recipient }]);
    message
}

/// A policy that also lets its holder subscribe.
fn and_subscribe(mut entries: Value) -> Value {
    let entry = json!({ "resourceType": "Subscription" });
    entries.as_array_mut().unwrap().push(entry);
    entries
}

/// Waits until the Subscription has this status; its `error`.
async fn until_status(actor: &Actor, subscription: &str, status: &str) -> String {
    for _ in 0..1000 {
        let read = actor.get(subscription).await.json();
        if read["status"] == status {
            return read["error"].as_str().unwrap_or_default().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the Subscription is never {status}");
}

#[tokio::test]
async fn each_interaction_is_told() {
    let (world, sink) = (world().await, Sink::new().await);
    let admin = &world.admin;
    let made = admin.make(subscription("Communication", &sink.url)).await;
    let (_, id) = made.split_once('/').unwrap();
    let told = admin.make(message("first")).await;
    let call = sink.next().await;
    assert_eq!(call.header("content-type"), "application/fhir+json");
    assert_eq!(call.header("x-medplum-subscription"), id);
    assert_eq!(call.header("x-medplum-interaction"), "create");
    assert_eq!(call.header("x-signature"), "");
    let mut current = admin.get(&told).await.json();
    assert_eq!(call.json(), current);
    // What changes nothing is no update.
    admin.put(&told, &current).await;
    current["payload"][0]["contentString"] = "second".into();
    admin.put(&told, &current).await;
    let call = sink.next().await;
    assert_eq!(call.header("x-medplum-interaction"), "update");
    assert_eq!(call.words(), "second");
    admin.delete(&told).await;
    let call = sink.next().await;
    assert_eq!(call.header("x-medplum-interaction"), "delete");
    assert_eq!(call.header("x-medplum-deleted-resource"), told);
    assert_eq!(call.json(), json!({}));
}

/// The same criteria, two authors: each is told of its own conversations only.
#[tokio::test]
async fn each_author_is_told_of_what_it_may_read() {
    let world = world().await;
    let (for_alice, for_bob) = (Sink::new().await, Sink::new().await);
    let alice = world.actor(and_subscribe(participant())).await;
    let bob = world.actor(and_subscribe(participant())).await;
    alice
        .make(subscription("Communication", &for_alice.url))
        .await;
    bob.make(subscription("Communication", &for_bob.url)).await;
    let nobody = "Practitioner/other";
    world
        .admin
        .make(to(message("neither"), nobody, nobody))
        .await;
    let both = world
        .admin
        .make(to(message("both"), &alice.profile, &bob.profile))
        .await;
    let hers = world
        .admin
        .make(to(message("hers"), &alice.profile, nobody))
        .await;
    world
        .admin
        .make(to(message("his"), &bob.profile, nobody))
        .await;
    world.admin.delete(&hers).await;
    world.admin.delete(&both).await;
    for (sink, expected) in [
        (&for_alice, vec!["both", "hers", "", ""]),
        (&for_bob, vec!["both", "his", ""]),
    ] {
        for words in expected {
            assert_eq!(sink.next().await.words(), words);
        }
        assert!(!sink.was_called().await);
    }
}

/// What is hidden from the author is not sent, and does not decide either.
#[tokio::test]
async fn masks_apply_to_what_is_sent_and_to_the_criteria() {
    let (world, sink, by_hidden) = (world().await, Sink::new().await, Sink::new().await);
    let policy =
        json!([{ "resourceType": "Communication", "hiddenFields": ["payload", "medium"] }]);
    let author = world.actor(and_subscribe(policy)).await;
    author.make(subscription("Communication", &sink.url)).await;
    author
        .make(subscription("Communication?medium=phone", &by_hidden.url))
        .await;
    // Somebody who sees all is told of two messages: what there is to tell of the first has
    // arrived everywhere when the second has arrived there.
    let fence = Sink::new().await;
    world
        .admin
        .make(subscription("Communication?medium=phone", &fence.url))
        .await;
    let mut hidden = message("secret words");
    hidden["medium"] = json!([{ "coding": [{ "code": "phone" }] }]);
    world.admin.make(hidden.clone()).await;
    world.admin.make(hidden).await;
    let call = sink.next().await;
    assert!(!String::from_utf8_lossy(&call.body).contains("secret words"));
    assert_eq!(call.json().get("medium"), None);
    fence.next().await;
    fence.next().await;
    assert!(!by_hidden.was_called().await);
}

#[tokio::test]
async fn notifications_arrive_in_order_though_some_fail_first() {
    let (world, sink) = (world().await, Sink::new().await);
    let made = subscription("Communication", &sink.url);
    let made = world.admin.make(made).await;
    sink.fail(3);
    for words in ["1", "2", "3"] {
        world.admin.make(message(words)).await;
    }
    for words in ["1", "1", "1", "1", "2", "3"] {
        assert_eq!(sink.next().await.words(), words);
    }
    let read = world.admin.get(&made).await.json();
    assert_eq!(read["status"], "active");
}

#[tokio::test]
async fn what_never_arrives_puts_the_subscription_into_error_until_something_does() {
    let (world, sink) = (world().await, Sink::new().await);
    let mut made = subscription("Communication", &sink.url);
    made["extension"] =
        json!([{ "url": format!("{EXTENSION}subscription-max-attempts"), "valueInteger": 2 }]);
    let made = world.admin.make(made).await;
    sink.fail(2);
    world.admin.make(message("lost")).await;
    let error = until_status(&world.admin, &made, "error").await;
    assert_eq!(error, "after 2 attempts: the endpoint answered 503");
    assert_eq!(sink.next().await.words(), "lost");
    assert_eq!(sink.next().await.words(), "lost");
    world.admin.make(message("found")).await;
    assert_eq!(sink.next().await.words(), "found");
    assert_eq!(until_status(&world.admin, &made, "active").await, "");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (world, sink, elsewhere) = (world().await, Sink::new().await, Sink::new().await);
    let mut made = subscription("Communication", &sink.url);
    made["extension"] =
        json!([{ "url": format!("{EXTENSION}subscription-max-attempts"), "valueInteger": 1 }]);
    let made = world.admin.make(made).await;
    sink.answer((
        StatusCode::TEMPORARY_REDIRECT,
        [(header::LOCATION, elsewhere.url.clone())],
    ));
    world.admin.make(message("a")).await;
    let error = until_status(&world.admin, &made, "error").await;
    assert_eq!(error, "after 1 attempt: the endpoint answered 307");
    assert!(!elsewhere.was_called().await);
}

/// <https://www.medplum.com/docs/subscriptions/subscription-extensions>, Signatures.
#[tokio::test]
async fn a_secret_signs_the_body() {
    use hmac::{Hmac, KeyInit, Mac};
    let (world, sink) = (world().await, Sink::new().await);
    let mut made = subscription("Communication", &sink.url);
    made["extension"] = json!([{
        "url": "https://www.medplum.com/fhir/StructureDefinition/subscription-secret",
        "valueString": "abc",
    }]);
    made["channel"]["header"] = json!(["Authorization: Bearer x:y", "X-Signature: forged"]);
    world.admin.make(made).await;
    world.admin.make(message("a")).await;
    let call = sink.next().await;
    let mac = Hmac::<sha2::Sha256>::new_from_slice(b"abc").unwrap();
    let mac = mac.chain_update(&call.body).finalize().into_bytes();
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(call.header("x-signature"), hex);
    assert_eq!(call.header("authorization"), "Bearer x:y");
}

#[rstest]
#[case::elsewhere("https://example.com/hook")]
#[case::metadata("http://169.254.169.254/latest/meta-data")]
#[case::private("http://10.0.0.1/")]
#[case::not_quite_loopback("http://127.0.0.1.example.com/")]
#[tokio::test]
async fn a_host_that_is_not_allowed_is_refused(#[case] endpoint: &str) {
    let world = world().await;
    let made = subscription("Communication", endpoint);
    let answer = world.admin.post("Subscription", &made).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.words().contains("--allow-hook"),
        "{}",
        answer.words()
    );
    assert_eq!(
        answer.json()["issue"][0]["expression"],
        json!(["Subscription.channel.endpoint"])
    );
    let found = world.admin.get("Subscription?_total=accurate").await;
    assert_eq!(found.json()["total"], 0);
}

#[tokio::test]
async fn a_host_that_is_allowed_is_not_refused() {
    let world = World::with(|config| {
        config.messaging = config
            .messaging
            .clone()
            .allow_host("hooks.example.com:8443");
    })
    .await;
    for (endpoint, status) in [
        ("https://hooks.example.com:8443/a", 201),
        ("https://hooks.example.com/a", 400),
    ] {
        let made = subscription("Task?status=completed", endpoint);
        assert_eq!(world.admin.post("Subscription", &made).await.status, status);
    }
}

/// Withdrawn rights end what is on its way as well.
#[tokio::test]
async fn a_revoked_author_is_told_nothing_more() {
    let (world, sink, fence) = (world().await, Sink::new().await, Sink::new().await);
    let author = world.actor(and_subscribe(participant())).await;
    author.make(subscription("Communication", &sink.url)).await;
    world
        .admin
        .make(subscription("Communication", &fence.url))
        .await;
    let mine = |words: &str| to(message(words), &author.profile, &author.profile);
    world.admin.make(mine("before")).await;
    assert_eq!(sink.next().await.words(), "before");
    let membership = format!("ProjectMembership/{}", author.membership);
    world.admin.delete(&membership).await;
    world.admin.make(mine("after")).await;
    world.admin.make(mine("much later")).await;
    for words in ["before", "after", "much later"] {
        assert_eq!(fence.next().await.words(), words);
    }
    assert!(!sink.was_called().await);
}

/// How somebody loses a message between two attempts to tell of it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Since {
    Hidden,
    Deleted,
    Revoked,
}

/// What was hidden or deleted between two attempts is not told by the second one, nor what the
/// author has lost the right to. The same worker tells of what comes then, so that it would have
/// been told before.
#[rstest]
#[case::hidden(Since::Hidden)]
#[case::deleted(Since::Deleted)]
#[case::revoked(Since::Revoked)]
#[tokio::test]
async fn a_retry_does_not_tell_what_is_hidden_since(#[case] since: Since) {
    let (world, sink) = (world().await, Sink::new().await);
    let policy = world.policy(and_subscribe(participant())).await;
    let author = json!({ "accessPolicy": { "reference": policy } });
    let author = world.actor_under(&author).await;
    author.make(subscription("Communication", &sink.url)).await;
    let mine = |words: &str| to(message(words), &author.profile, &author.profile);
    let first_attempt = sink.fail_later();
    let first = world.admin.make(mine("withdrawn")).await;
    assert_eq!(sink.next().await.words(), "withdrawn");
    match since {
        Since::Deleted => assert_eq!(world.admin.delete(&first).await.status, 200),
        Since::Hidden => {
            let mut hidden = world.admin.get(&first).await.json();
            let other = "Practitioner/other";
            hidden["sender"] = json!({ "reference": other });
            hidden["recipient"] = json!([{ "reference": other }]);
            assert_eq!(world.admin.put(&first, &hidden).await.status, 200);
        }
        Since::Revoked => {
            let mut less = world.admin.get(&policy).await.json();
            let completed = "Communication?status=completed";
            let completed = json!([{ "resourceType": "Communication", "criteria": completed }]);
            less["resource"] = and_subscribe(completed);
            assert_eq!(world.admin.put(&policy, &less).await.status, 200);
        }
    }
    drop(first_attempt);
    let mut next = mine("next");
    next["status"] = "completed".into();
    world.admin.make(next).await;
    if since == Since::Deleted {
        let call = sink.next().await;
        assert_eq!(call.header("x-medplum-interaction"), "delete");
        assert_eq!(call.json(), json!({}));
    }
    assert_eq!(sink.next().await.words(), "next");
}

/// A token that is limited to some resources subscribes to no others.
#[tokio::test]
async fn a_subscription_stays_within_the_scopes_of_its_token() {
    let (world, sink) = (world().await, Sink::new().await);
    let scope = "system/Subscription.cruds system/Communication.r?status=completed";
    let limited = within(&world.admin, scope).await;
    let made = limited.make(subscription("Communication", &sink.url)).await;
    let mut open = message("within");
    open["status"] = "completed".into();
    world.admin.make(message("beyond")).await;
    world.admin.make(open).await;
    assert_eq!(sink.next().await.words(), "within");
    // Written with a token for all, it tells of all.
    let mut current = world.admin.get(&made).await.json();
    current["reason"] = "all".into();
    assert_eq!(world.admin.put(&made, &current).await.status, 200);
    world.admin.make(message("all")).await;
    assert_eq!(sink.next().await.words(), "all");
}

/// A token for fewer resources does not listen to what its member subscribed to with another.
#[tokio::test]
async fn a_socket_is_bound_within_the_scopes_of_its_subscription() {
    let world = world().await;
    let scope = "system/Subscription.cruds system/Communication.r?status=completed";
    let limited = within(&world.admin, scope).await;
    let mut whole = subscription("Communication", "");
    whole["channel"] = json!({ "type": "websocket" });
    let narrow = limited.make(whole.clone()).await;
    let whole = world.admin.make(whole).await;
    for (actor, subscription, status) in [
        (&limited, &whole, 403),
        (&limited, &narrow, 200),
        (&world.admin, &narrow, 200),
        (&world.admin, &whole, 200),
    ] {
        let path = format!("{subscription}/$get-ws-binding-token");
        let answer = actor.get(&path).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

/// Who changes a Subscription last is the one in whose name it tells.
#[tokio::test]
async fn a_subscription_is_its_last_writers() {
    let (world, sink) = (world().await, Sink::new().await);
    let alice = world.actor(and_subscribe(participant())).await;
    let made = world
        .admin
        .make(subscription("Communication", &sink.url))
        .await;
    world.admin.make(message("seen by the administrator")).await;
    assert_eq!(sink.next().await.words(), "seen by the administrator");
    let mut current = alice.get(&made).await.json();
    current["reason"] = "hers now".into();
    assert_eq!(alice.put(&made, &current).await.status, 200);
    world.admin.make(message("hidden from alice")).await;
    world
        .admin
        .make(to(message("alice's"), &alice.profile, "Patient/1"))
        .await;
    assert_eq!(sink.next().await.words(), "alice's");
}

#[tokio::test]
async fn requested_becomes_active_and_off_is_off() {
    let (world, sink, fence) = (world().await, Sink::new().await, Sink::new().await);
    let mut made = subscription("Communication", &sink.url);
    made["status"] = "requested".into();
    let made = world.admin.make(made).await;
    until_status(&world.admin, &made, "active").await;
    world.admin.make(message("a")).await;
    assert_eq!(sink.next().await.words(), "a");
    let off = json!([{ "op": "replace", "path": "/status", "value": "off" }]);
    assert_eq!(world.admin.patch(&made, &off).await.status, 200);
    world
        .admin
        .make(subscription("Communication", &fence.url))
        .await;
    world.admin.make(message("b")).await;
    world.admin.make(message("b2")).await;
    fence.next().await;
    fence.next().await;
    assert!(!sink.was_called().await);
    let on = json!([{ "op": "replace", "path": "/status", "value": "active" }]);
    assert_eq!(world.admin.patch(&made, &on).await.status, 200);
    world.admin.make(message("c")).await;
    assert_eq!(sink.next().await.words(), "c");
    world.admin.delete(&made).await;
    world.admin.make(message("d")).await;
    world.admin.make(message("e")).await;
    for words in ["c", "d", "e"] {
        assert_eq!(fence.next().await.words(), words);
    }
    assert!(!sink.was_called().await);
}

#[tokio::test]
async fn what_has_ended_is_turned_off() {
    let (world, sink) = (world().await, Sink::new().await);
    let mut made = subscription("Communication", &sink.url);
    made["end"] = "2020-01-01T00:00:00Z".into();
    let made = world.admin.make(made).await;
    until_status(&world.admin, &made, "off").await;
}

#[tokio::test]
async fn more_than_may_wait_turns_it_off() {
    let world = World::with(|config| {
        config.messaging.first_retry = Duration::from_secs(60);
        config.messaging.waiting = 2;
    })
    .await;
    let sink = Sink::new().await;
    let made = world
        .admin
        .make(subscription("Communication", &sink.url))
        .await;
    sink.fail(1);
    for words in ["1", "2", "3", "4", "5"] {
        world.admin.make(message(words)).await;
    }
    let error = until_status(&world.admin, &made, "off").await;
    assert_eq!(error, "2 notifications wait to be delivered");
}

/// flow `promote-draft`: a live Subscription fires when a draft is sent, which is an update.
#[tokio::test]
async fn extensions_choose_the_changes() {
    let (world, created, sent) = (world().await, Sink::new().await, Sink::new().await);
    let extended = |sink: &Sink, extension: Value| {
        let mut made = subscription("Communication?status=in-progress", &sink.url);
        made["extension"] = json!([extension]);
        made
    };
    let interaction = format!("{EXTENSION}subscription-supported-interaction");
    let interaction = json!({ "url": interaction, "valueCode": "create" });
    world.admin.make(extended(&created, interaction)).await;
    let expression = json!({
        "url": format!("{EXTENSION}fhir-path-criteria-expression"),
        "valueString": "%previous.exists().not() or %previous.status != %current.status",
    });
    world.admin.make(extended(&sent, expression)).await;
    let mut draft = message("draft");
    draft["status"] = "preparation".into();
    let draft = world.admin.make(draft).await;
    let replace =
        |path: &str, value: &str| json!([{ "op": "replace", "path": path, "value": value }]);
    world
        .admin
        .patch(&draft, &replace("/status", "in-progress"))
        .await;
    let edit = replace("/payload/0/contentString", "edited");
    assert_eq!(world.admin.patch(&draft, &edit).await.status, 200);
    world.admin.make(message("new")).await;
    assert_eq!(created.next().await.words(), "new");
    assert_eq!(sent.next().await.words(), "draft");
    assert_eq!(sent.next().await.words(), "new");
    assert!(!created.was_called().await && !sent.was_called().await);
}

/// flow `ooo-subscription`
#[tokio::test]
async fn criteria_are_a_search() {
    let (world, sink) = (world().await, Sink::new().await);
    let criteria = "Communication?part-of:missing=false&status=in-progress";
    world.admin.make(subscription(criteria, &sink.url)).await;
    let header = world.admin.make(message("header")).await;
    let child = |words: &str, status: &str| {
        let mut child = message(words);
        child["partOf"] = json!([{ "reference": header }]);
        child["status"] = status.into();
        child
    };
    world.admin.make(child("draft", "preparation")).await;
    world
        .admin
        .make(child("retracted", "entered-in-error"))
        .await;
    world.admin.make(child("child", "in-progress")).await;
    assert_eq!(sink.next().await.words(), "child");
}

#[tokio::test]
async fn a_subscription_outlives_a_change_of_its_own_status() {
    let (world, sink) = (world().await, Sink::new().await);
    // One that is told of Subscriptions, its own changes among them.
    let made = world
        .admin
        .make(subscription("Subscription", &sink.url))
        .await;
    let call = sink.next().await;
    assert_eq!(
        format!("Subscription/{}", call.json()["id"].as_str().unwrap()),
        made
    );
    let mut socket = subscription("Communication", "");
    socket["channel"] = json!({ "type": "websocket" });
    world.admin.make(socket).await;
    let other = world.admin.make(subscription("Task", &sink.url)).await;
    let call = sink.next().await;
    assert_eq!(
        format!("Subscription/{}", call.json()["id"].as_str().unwrap()),
        other
    );
}

/// What was handed out and what was asked for outlive the process.
#[tokio::test]
async fn a_restart_loses_no_subscription_and_no_url() {
    let folder = tempfile::tempdir().unwrap();
    let start = async || {
        let data = folder.path().join("data");
        World::with(|config| config.data = Some(data)).await
    };
    let sink = Sink::new().await;
    let world = start().await;
    let made = subscription("Communication", &sink.url);
    world.admin.make(made).await;
    let binary =
        json!({ "resourceType": "Binary", "contentType": "text/plain", "data": "d29yZHM=" });
    let binary = world.admin.post("Binary", &binary).await.json();
    let url = binary["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(world.server.base_url.as_str()).unwrap();
    world.server.stop().await.unwrap();

    let world = start().await;
    world.admin.make(message("after the restart")).await;
    assert_eq!(sink.next().await.words(), "after the restart");
    let opened = world.nobody().get(&format!("/{path}")).await;
    assert_eq!((opened.status, &*opened.text), (200, "words"));
}
