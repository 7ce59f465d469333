//! `X-Medplum-On-Behalf-Of`: an administrator acts for a member, with that member's access.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, World, message, participant};

async fn for_whom(actor: &Actor, whom: &str, path: &str) -> Answer {
    let headers = [("x-medplum-on-behalf-of", whom)];
    actor.send(Method::GET, path, &headers, None).await
}

#[tokio::test]
async fn an_administrator_sees_and_writes_what_the_member_may() {
    let world = World::new().await;
    let (alice, bob) = (
        world.actor(participant()).await,
        world.actor(participant()).await,
    );
    let own = world.admin.make(message(&alice.profile, &[])).await;
    let others = world.admin.make(message(&bob.profile, &[])).await;
    let membership = format!("ProjectMembership/{}", alice.membership);
    for whom in [membership.as_str(), alice.profile.as_str()] {
        let found = for_whom(&world.admin, whom, "Communication").await;
        assert_eq!(found.matches(), std::slice::from_ref(&own), "{whom}");
        assert_eq!(for_whom(&world.admin, whom, &own).await.status, 200);
        assert_eq!(for_whom(&world.admin, whom, &others).await.status, 404);
        assert_eq!(for_whom(&world.admin, whom, "Task").await.status, 403);
        let me = for_whom(&world.admin, whom, "/auth/me").await.json();
        assert_eq!(me["membership"]["id"], alice.membership);
    }
    let headers = [
        ("x-medplum-on-behalf-of", membership.as_str()),
        ("content-type", "application/fhir+json"),
    ];
    let create = |sender: &str| Some(message(sender, &[]).to_string());
    let send = |body| {
        world
            .admin
            .send(Method::POST, "Communication", &headers, body)
    };
    assert_eq!(send(create(&alice.profile)).await.status, 201);
    assert_eq!(send(create(&bob.profile)).await.status, 403);
    // The administrator's own rights are as they were.
    assert_eq!(world.admin.get(&others).await.status, 200);
}

#[tokio::test]
async fn nobody_else_acts_for_others() {
    let world = World::new().await;
    let (alice, bob) = (
        world.actor(json!([{ "resourceType": "*" }])).await,
        world.actor(participant()).await,
    );
    let whom = format!("ProjectMembership/{}", bob.membership);
    assert_eq!(for_whom(&alice, &whom, "Patient").await.status, 403);
    let own = format!("ProjectMembership/{}", alice.membership);
    assert_eq!(for_whom(&alice, &own, "Patient").await.status, 403);
    assert_eq!(
        for_whom(&world.nobody(), &whom, "Patient").await.status,
        401
    );
}

#[rstest]
#[case::nobody("ProjectMembership/x", 403)]
#[case::no_member("Practitioner/x", 403)]
#[case::policy("AccessPolicy/x", 403)]
#[case::empty("", 400)]
#[tokio::test]
async fn who_is_no_member_is_refused(#[case] whom: &str, #[case] status: u16) {
    let world = World::new().await;
    let answer = for_whom(&world.admin, whom, "Patient").await;
    assert_eq!(answer.status, status, "{}", answer.text);
}

#[tokio::test]
async fn a_removed_member_is_nobody_any_more() {
    let world = World::new().await;
    let alice = world.actor(participant()).await;
    let whom = format!("ProjectMembership/{}", alice.membership);
    assert_eq!(
        for_whom(&world.admin, &whom, "Communication").await.status,
        200
    );
    assert_eq!(world.admin.delete(&whom).await.status, 200);
    assert_eq!(
        for_whom(&world.admin, &whom, "Communication").await.status,
        403
    );
    assert_eq!(
        for_whom(&world.admin, &alice.profile, "Communication")
            .await
            .status,
        403
    );
}

/// The scopes of the token that acts limit what it does for others.
#[tokio::test]
async fn the_scopes_of_the_administrators_token_stay() {
    let world = World::new().await;
    let alice = world.actor(json!([{ "resourceType": "*" }])).await;
    let form =
        "grant_type=client_credentials&client_id=admin&client_secret=a+secret&scope=user%2FTask.rs";
    let answer: Answer = world.nobody().token(&[], form).await;
    let limited = world.nobody().with(&answer);
    let whom = alice.profile.as_str();
    assert_eq!(for_whom(&limited, whom, "Task").await.status, 200);
    let refused = for_whom(&limited, whom, "Patient").await;
    assert_eq!(refused.status, 403, "{}", Value::from(refused.text.clone()));
}

/// A client that acts for somebody by Basic, as the documentation of the header shows it.
#[tokio::test]
async fn who_administers_by_secret_acts_for_others_as_well() {
    let world = World::new().await;
    let alice = world.actor(participant()).await;
    let headers = [
        ("x-medplum-on-behalf-of", alice.profile.as_str()),
        ("authorization", "Basic YWRtaW46YSBzZWNyZXQ="),
    ];
    let nobody = world.nobody();
    let found = nobody
        .send(Method::GET, "Communication", &headers, None)
        .await;
    assert_eq!(found.status, 200, "{}", found.text);
    let refused = nobody.send(Method::GET, "Task", &headers, None).await;
    assert_eq!(refused.status, 403);
}
