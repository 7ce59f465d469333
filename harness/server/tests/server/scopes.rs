//! Tokens that are limited by SMART scopes. policy-semantics 2.4.

use rstest::rstest;
use serde_json::json;

use crate::support::{Actor, Answer, World};

async fn asked(actor: &Actor, scope: &str) -> Answer {
    let (id, secret) = &actor.client;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
        ("scope", scope),
    ];
    let form: Vec<String> = form
        .iter()
        .map(|(name, value)| {
            let value = value
                .replace('?', "%3F")
                .replace('=', "%3D")
                .replace(' ', "+");
            format!("{name}={value}")
        })
        .collect();
    let mut unsigned = actor.clone();
    unsigned.token.clear();
    unsigned.token(&[], &form.join("&")).await
}

/// The actor with a token for the scopes.
pub async fn within(actor: &Actor, scope: &str) -> Actor {
    let answer = asked(actor, scope).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["scope"], scope);
    let mut limited = actor.clone();
    answer.json()["access_token"]
        .as_str()
        .unwrap()
        .clone_into(&mut limited.token);
    limited
}

#[tokio::test]
async fn a_token_does_no_more_than_its_scopes() {
    let world = World::new().await;
    let actor = world.actor(json!([{ "resourceType": "*" }])).await;
    let patient = actor
        .make(json!({ "resourceType": "Patient", "active": true }))
        .await;
    let limited = within(&actor, "openid user/Patient.r?active=true").await;
    assert_eq!(limited.get(&patient).await.status, 200);
    assert_eq!(limited.get("Patient").await.status, 403);
    assert_eq!(limited.delete(&patient).await.status, 403);
    assert_eq!(limited.get("Task").await.status, 403);
    let hidden = actor
        .make(json!({ "resourceType": "Patient", "active": false }))
        .await;
    assert_eq!(limited.get(&hidden).await.status, 404);
    let whole = within(&actor, "openid").await;
    assert_eq!(whole.delete(&patient).await.status, 200);
}

#[tokio::test]
async fn scopes_limit_an_administrator_too() {
    let world = World::new().await;
    let limited = within(&world.admin, "system/Patient.cruds").await;
    let made = limited.make(json!({ "resourceType": "Patient" })).await;
    assert_eq!(limited.get(&made).await.status, 200);
    assert_eq!(limited.get("AccessPolicy").await.status, 403);
    let path = format!("/admin/projects/{}/client", world.server.project);
    let refused = limited.post(&path, &json!({ "name": "more" })).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
}

/// A client without policy may do everything: a scope for memberships alone is no right to make
/// one, nor is one for other clients than this.
#[rstest]
#[case::membership_alone("system/ProjectMembership.c", 403)]
#[case::other_clients(
    "system/ProjectMembership.c system/ClientApplication.c?name=other",
    403
)]
#[case::both("system/ProjectMembership.c system/ClientApplication.c", 201)]
#[tokio::test]
async fn a_scope_makes_clients_only_where_it_covers_them(#[case] scope: &str, #[case] status: u16) {
    let world = World::new().await;
    let limited = within(&world.admin, scope).await;
    let path = format!("/admin/projects/{}/client", world.server.project);
    let answer = limited.post(&path, &json!({ "name": "more" })).await;
    assert_eq!(answer.status, status, "{}", answer.text);
}

#[rstest]
#[case::letters("user/Patient.sr", "`sr` is no set of interactions")]
#[case::unknown("openid everything", "`everything` is no scope")]
#[case::launch("patient/*.rs", "a patient/ scope needs a launch")]
#[tokio::test]
async fn scopes_that_would_grant_nothing_are_refused(#[case] scope: &str, #[case] text: &str) {
    let world = World::new().await;
    let answer = asked(&world.admin, scope).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"], "invalid_scope");
    assert!(answer.text.contains(text), "{}", answer.text);
}
