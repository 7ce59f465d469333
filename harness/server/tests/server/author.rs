//! `meta.author`: who wrote a version, for criteria and for those who ask for it.

use axum::http::Method;
use serde_json::json;

use crate::support::World;

/// The documented policy for live updates: policy-semantics 3.6.
#[tokio::test]
async fn criteria_may_ask_who_wrote_it() {
    let world = World::new().await;
    let policy = json!([
        { "resourceType": "Subscription", "criteria": "Subscription?type=websocket&author=%profile" },
    ]);
    let (alice, bob) = (world.actor(policy.clone()).await, world.actor(policy).await);
    let subscription = json!({
        "resourceType": "Subscription", "status": "requested", "reason": "a screen",
        "criteria": "Communication?status=in-progress", "channel": { "type": "websocket" },
    });
    let made = alice.post("Subscription", &subscription).await;
    assert_eq!(made.status, 201);
    let path = made.reference();
    assert_eq!(alice.get(&path).await.status, 200);
    assert_eq!(bob.get(&path).await.status, 404);
    // Nobody becomes the author by saying so.
    let mut forged = subscription.clone();
    forged["meta"] = json!({ "author": { "reference": "Practitioner/somebody" } });
    let forged = bob.post("Subscription", &forged).await;
    assert_eq!(forged.status, 201);
}

#[tokio::test]
async fn the_author_is_shown_to_those_who_ask() {
    let world = World::new().await;
    let made = world
        .admin
        .post("Patient", &json!({ "resourceType": "Patient" }))
        .await;
    assert!(
        made.json()["meta"].get("author").is_none(),
        "{}",
        made.json()
    );
    let path = made.reference();
    let asked = [("x-medplum", "extended")];
    let shown = world.admin.send(Method::GET, &path, &asked, None).await;
    assert!(
        shown.json()["meta"]["author"]["reference"].is_string(),
        "{}",
        shown.json()
    );
    let plain = world.admin.get(&path).await;
    assert!(
        plain.json()["meta"].get("author").is_none(),
        "{}",
        plain.json()
    );
}
