//! Tokens, clients and what a token stands for.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{World, participant};

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

#[rstest]
#[case::by_form(
    "",
    "grant_type=client_credentials&client_id=admin&client_secret=a+secret"
)]
#[case::by_header("admin:a secret", "grant_type=client_credentials")]
#[tokio::test]
async fn client_credentials_give_a_token(#[case] credentials: &str, #[case] form: &str) {
    let world = World::new().await;
    let header = credentials
        .split_once(':')
        .map(|(id, secret)| basic(id, secret));
    let headers: Vec<_> = header
        .iter()
        .map(|value| ("authorization", value.as_str()))
        .collect();
    let answer = world.nobody().token(&headers, form).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("Bearer"), &json!(3600))
    );
    assert_eq!(
        body["project"]["reference"],
        format!("Project/{}", world.server.project)
    );
    assert_eq!(body["profile"]["reference"], "ClientApplication/admin");
    let claims = body["access_token"]
        .as_str()
        .unwrap()
        .split('.')
        .nth(1)
        .unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["client_id"], "admin");
    assert!(claims["exp"].is_i64() && claims["login_id"].is_string());
}

#[rstest]
#[case::wrong_secret(
    "",
    "grant_type=client_credentials&client_id=admin&client_secret=x",
    400,
    "invalid_client"
)]
#[case::unknown_client(
    "",
    "grant_type=client_credentials&client_id=x&client_secret=x",
    400,
    "invalid_client"
)]
#[case::wrong_secret_in_header("admin:x", "grant_type=client_credentials", 401, "invalid_client")]
#[case::no_secret(
    "",
    "grant_type=client_credentials&client_id=admin",
    400,
    "invalid_request"
)]
#[case::no_grant("", "client_id=admin&client_secret=x", 400, "invalid_request")]
#[case::other_grant(
    "",
    "grant_type=password&client_id=admin&client_secret=x",
    400,
    "unsupported_grant_type"
)]
#[case::twice(
    "",
    "grant_type=client_credentials&client_id=admin&client_id=x&client_secret=x",
    400,
    "invalid_request"
)]
#[case::both_ways(
    "admin:x",
    "grant_type=client_credentials&client_id=admin&client_secret=x",
    400,
    "invalid_request"
)]
#[case::bad_form("", "grant_type=%zz", 400, "invalid_request")]
#[tokio::test]
async fn token_errors_are_those_of_oauth(
    #[case] credentials: &str,
    #[case] form: &str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let world = World::new().await;
    let header = credentials
        .split_once(':')
        .map(|(id, secret)| basic(id, secret));
    let headers: Vec<_> = header
        .iter()
        .map(|value| ("authorization", value.as_str()))
        .collect();
    let answer = world.nobody().token(&headers, form).await;
    assert_eq!(
        (answer.status, answer.json()["error"].as_str().unwrap()),
        (status, code),
        "{}",
        answer.text
    );
    assert_eq!(
        answer.headers.contains_key("www-authenticate"),
        status == 401
    );
}

#[tokio::test]
async fn an_unknown_client_and_a_wrong_secret_answer_alike() {
    let world = World::new().await;
    let wrong = world
        .nobody()
        .token(
            &[],
            "grant_type=client_credentials&client_id=admin&client_secret=x",
        )
        .await;
    let unknown = world
        .nobody()
        .token(
            &[],
            "grant_type=client_credentials&client_id=x&client_secret=x",
        )
        .await;
    assert_eq!((wrong.status, wrong.text), (unknown.status, unknown.text));
}

#[rstest]
#[case::none(None)]
#[case::nonsense(Some("Bearer nonsense"))]
#[case::empty(Some("Bearer "))]
#[case::other_scheme(Some("Digest x"))]
#[case::wrong_basic(Some("Basic YWRtaW46eA=="))]
#[tokio::test]
async fn without_a_good_token_nothing_is_answered(#[case] header: Option<&str>) {
    let world = World::new().await;
    let headers: Vec<_> = header
        .iter()
        .map(|value| ("authorization", *value))
        .collect();
    for path in ["Patient", "Patient/1", "", "Nonsense/1", "/auth/me"] {
        let answer = world.nobody().send(Method::GET, path, &headers, None).await;
        assert_eq!(
            (answer.status, answer.issue().as_str()),
            (401, "login"),
            "{path}"
        );
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
}

#[tokio::test]
async fn a_token_ends() {
    let world = World::with(|config| config.token_lifetime = Duration::ZERO).await;
    assert_eq!(world.admin.get("Patient").await.status, 401);
    let headers = [("authorization", &*basic("admin", "a secret"))];
    assert_eq!(
        world
            .nobody()
            .send(Method::GET, "Patient", &headers, None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn what_anybody_may_ask() {
    let world = World::new().await;
    assert_eq!(
        world.nobody().get("/healthcheck").await.json(),
        json!({ "ok": true })
    );
    assert_eq!(world.nobody().get("metadata").await.status, 200);
}

#[tokio::test]
async fn me() {
    let world = World::new().await;
    let alice = world.actor(participant()).await;
    let me = alice.get("/auth/me").await.json();
    let id = alice.profile.split_once('/').unwrap().1;
    assert_eq!(
        me["profile"],
        json!({ "resourceType": "Practitioner", "id": id }),
        "she may not read Practitioner"
    );
    assert_eq!(me["membership"]["id"], alice.membership);
    assert_eq!(me["membership"]["admin"], false);
    assert_eq!(me["project"]["id"], world.server.project);
    let me = world.admin.get("/auth/me").await.json();
    assert_eq!(me["profile"]["name"], "Project administrator");
    assert_eq!(me["membership"]["admin"], true);
}

#[tokio::test]
async fn a_secret_is_shown_once_and_never_again() {
    let world = World::new().await;
    let path = format!("/admin/projects/{}/client", world.server.project);
    let created = world
        .admin
        .post(&path, &json!({ "name": "app", "description": "an app" }))
        .await;
    assert_eq!(created.status, 201, "{}", created.text);
    let secret = created.json()["secret"].as_str().unwrap().to_owned();
    assert!(secret.len() >= 43, "256 bits");
    let reference = created.reference();
    for path in [
        reference.clone(),
        format!("{reference}/_history"),
        "ClientApplication".into(),
        "_history".into(),
    ] {
        let answer = world.admin.get(&path).await;
        assert_eq!(answer.status, 200);
        assert!(
            !answer.text.contains(&secret) && !answer.text.contains("secret\":"),
            "{path}: {}",
            answer.text
        );
    }
    let stored = world.admin.get(&reference).await.json();
    assert_eq!(
        (&stored["name"], &stored["description"]),
        (&json!("app"), &json!("an app"))
    );
    assert_eq!(
        world.admin.put(&reference, &stored).await.status,
        200,
        "what was read can be written"
    );
    let set = json!([{ "op": "add", "path": "/secret", "value": "mine" }]);
    assert_eq!(
        world.admin.patch(&reference, &set).await.issue(),
        "business-rule"
    );
}

#[tokio::test]
async fn only_an_administrator_makes_clients() {
    let world = World::new().await;
    let body = json!({ "name": "app" });
    let path = format!("/admin/projects/{}/client", world.server.project);
    let actor = world.actor(json!([{ "resourceType": "*" }])).await;
    assert_eq!(actor.post(&path, &body).await.status, 403);
    assert_eq!(world.nobody().post(&path, &body).await.status, 401);
    assert_eq!(
        world
            .admin
            .post("/admin/projects/other/client", &body)
            .await
            .status,
        403
    );
    assert_eq!(world.admin.post(&path, &json!({})).await.status, 400);
    assert_eq!(
        world
            .admin
            .post(&path, &json!({ "name": "app", "admin": true }))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_member_that_administers_the_project_makes_actors_as_the_configured_one_does() {
    let world = World::new().await;
    let mut lead = world.actor_under(&json!({ "admin": true })).await;
    let path = format!("/admin/projects/{}/client", world.server.project);
    let client = lead.post(&path, &json!({ "name": "app" })).await;
    assert_eq!(client.status, 201, "{}", client.text);
    let found = lead
        .get(&format!("ProjectMembership?user={}", client.reference()))
        .await;
    let mut membership = found.json()["entry"][0]["resource"].clone();
    membership["profile"] = json!({ "reference": "Practitioner/x" });
    membership["user"] = json!({ "reference": "ClientApplication/admin" });
    let reference = found.matches()[0].clone();
    let put = lead.put(&reference, &membership).await;
    assert_eq!(put.status, 200, "{}", put.text);
    assert_eq!(put.json()["profile"]["reference"], "Practitioner/x");
    assert_eq!(
        put.json()["user"]["reference"],
        client.reference(),
        "the user stays"
    );
    lead.token.clear();
    assert_eq!(lead.get(&reference).await.status, 401);
}

#[tokio::test]
async fn a_client_that_is_gone_cannot_sign_in() {
    let world = World::new().await;
    let actor = world.actor(json!([{ "resourceType": "Patient" }])).await;
    let (id, secret) = &actor.client;
    assert_eq!(actor.get("Patient").await.status, 200);
    assert_eq!(
        world
            .admin
            .delete(&format!("ClientApplication/{id}"))
            .await
            .status,
        200
    );
    assert_eq!(actor.get("Patient").await.status, 401);
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    assert_eq!(world.nobody().token(&[], &form).await.status, 400);
}

#[tokio::test]
async fn a_client_without_exactly_one_membership_may_do_nothing() {
    let world = World::new().await;
    let actor = world.actor(json!([{ "resourceType": "Patient" }])).await;
    let membership = world
        .admin
        .get(&format!("ProjectMembership/{}", actor.membership))
        .await
        .json();
    let second = world.admin.make(membership).await;
    assert_eq!(actor.get("Patient").await.status, 401, "two");
    world.admin.delete(&second).await;
    assert_eq!(actor.get("Patient").await.status, 200, "one");
    world
        .admin
        .delete(&format!("ProjectMembership/{}", actor.membership))
        .await;
    assert_eq!(actor.get("Patient").await.status, 401, "none");
}

/// The rules of the policy are asked at every sign-in; these tests come from 127.0.0.1.
#[rstest]
#[case::admitted(json!([{ "value": "127.0", "action": "allow" }, { "value": "*", "action": "block" }]), 200)]
#[case::not_admitted(json!([{ "value": "127.0.0.10", "action": "allow" }, { "value": "*", "action": "block" }]), 400)]
#[case::blocked(json!([{ "value": "127", "action": "block" }]), 400)]
#[tokio::test]
async fn a_policy_tells_from_where_its_members_sign_in(#[case] rules: Value, #[case] status: u16) {
    let world = World::new().await;
    let policy = json!({
        "resourceType": "AccessPolicy", "name": "p", "resource": [{ "resourceType": "Patient" }],
    });
    let reference = world.admin.make(policy.clone()).await;
    let actor = world
        .actor_under(&json!({ "accessPolicy": { "reference": reference } }))
        .await;
    let mut ruled = policy;
    ruled["id"] = reference.trim_start_matches("AccessPolicy/").into();
    ruled["ipAccessRule"] = rules;
    assert_eq!(world.admin.put(&reference, &ruled).await.status, 200);

    let (id, secret) = &actor.client;
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let answer = world.nobody().token(&[], &form).await;
    assert_eq!(answer.status, status, "{}", answer.text);
    let header = basic(id, secret);
    let headers = [("authorization", header.as_str())];
    let asked = world
        .nobody()
        .send(Method::GET, "Patient", &headers, None)
        .await;
    assert_eq!(asked.status == 200, status == 200, "{}", asked.text);
    // A token that was given before stays good.
    assert_eq!(actor.get("Patient").await.status, 200);
    if status == 400 {
        assert_eq!(answer.json()["error_description"], "IP address not allowed");
        assert_eq!(asked.status, 401);
    }
}
