//! Signing in with a password, as Medplum's client does it: `/auth/login`, PKCE, refresh, logout.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Actor, PASSWORD, World, participant};

async fn world() -> World {
    let world = World::new().await;
    world.invite("alice@example.com", json!({})).await;
    world
}

/// The code of a login.
async fn code(actor: &Actor, more: Value) -> String {
    let begun = actor.login("alice@example.com", PASSWORD, more).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    begun.json()["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_password_and_a_proof_give_a_token() {
    let world = world().await;
    let nobody = world.nobody();
    let code = code(&nobody, json!({})).await;
    let answer = nobody.redeem(&code, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(
        body["project"]["reference"],
        format!("Project/{}", world.server.project)
    );
    assert!(body.get("refresh_token").is_none(), "nobody asked for it");
    let alice = nobody.with(&answer);
    let me = alice.get("/auth/me").await.json();
    assert_eq!(me["user"]["email"], "alice@example.com");
    assert_eq!(me["profile"]["name"][0]["family"], "Smith");
    assert_eq!(me["project"]["name"], "fhirward");
    assert_eq!(me["config"]["resourceType"], "UserConfiguration");
    assert_eq!(me["accessPolicy"]["resourceType"], "AccessPolicy");
}

/// The e-mail address is not case-sensitive.
#[tokio::test]
async fn an_address_in_capitals_is_the_same() {
    let world = world().await;
    let begun = world
        .nobody()
        .login("ALICE@Example.com", PASSWORD, json!({}))
        .await;
    assert_eq!(begun.status, 200, "{}", begun.text);
}

/// Medplum's client on Node finds no `window.crypto`, and sends the verifier itself.
#[tokio::test]
async fn a_plain_challenge_is_enough_beside_the_password() {
    let world = world().await;
    let nobody = world.nobody();
    let plain = json!({ "codeChallengeMethod": "plain", "codeChallenge": "v-1" });
    for (verifier, status) in [("v-1", 200), ("v-2", 400)] {
        let code = code(&nobody, plain.clone()).await;
        let form = format!("grant_type=authorization_code&code={code}&code_verifier={verifier}");
        assert_eq!(nobody.token(&[], &form).await.status, status);
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_answer_alike() {
    let world = world().await;
    let nobody = world.nobody();
    world
        .invite("bob@example.com", json!({ "password": null }))
        .await;
    let mut answers = Vec::new();
    for (email, password) in [
        ("alice@example.com", "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("bob@example.com", PASSWORD),
    ] {
        let answer = nobody.login(email, password, json!({})).await;
        assert_eq!(answer.issue(), "invalid");
        answers.push((answer.status, answer.text));
    }
    assert_eq!(answers[0].0, 400);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2], "a user without a password");
}

#[tokio::test]
async fn attempts_are_limited_by_account_whether_there_is_one_or_not() {
    let world = World::with(|config| {
        config.sign_in.attempts = 3;
        config.sign_in.attempts_per = Duration::from_secs(3600);
    })
    .await;
    world.invite("alice@example.com", json!({})).await;
    world.invite("bob@example.com", json!({})).await;
    let nobody = world.nobody();
    for email in ["alice@example.com", "nobody@example.com"] {
        for _ in 0..3 {
            let answer = nobody.login(email, "wrong password", json!({})).await;
            assert_eq!(answer.status, 400);
        }
        let answer = nobody.login(email, PASSWORD, json!({})).await;
        assert_eq!((answer.status, &*answer.issue()), (429, "throttled"));
        let wait: u32 = answer.header("retry-after").parse().unwrap();
        assert!((1..=3600).contains(&wait));
    }
    for _ in 0..5 {
        nobody.signed_in("bob@example.com", json!({})).await;
    }
}

#[rstest]
#[case::no_email(json!({ "email": null }), "email")]
#[case::no_password(json!({ "password": "" }), "password")]
#[case::another_method(json!({ "codeChallengeMethod": "S512" }), "S256")]
#[case::no_digest(json!({ "codeChallenge": "x" }), "SHA-256")]
#[case::email_of_another_kind(json!({ "email": 1 }), "must be a string")]
#[case::unknown_client(json!({ "clientId": "x" }), "no such client")]
#[case::bad_scope(json!({ "scope": "user/Patient.zz" }), "zz")]
#[case::patient_scope_of_a_practitioner(json!({ "scope": "patient/*.rs" }), "needs a patient")]
#[case::another_project(json!({ "projectId": "other" }), "wrong")]
#[tokio::test]
async fn logins_that_make_no_sense(#[case] more: Value, #[case] words: &str) {
    let world = world().await;
    let answer = world
        .nobody()
        .login("alice@example.com", PASSWORD, more)
        .await;
    assert_eq!(answer.status, 400);
    assert!(answer.words().contains(words), "{}", answer.words());
}

#[rstest]
#[case::no_verifier("", "invalid_request")]
#[case::wrong_verifier("&code_verifier=wrong", "invalid_grant")]
#[case::another_client(
    "&client_id=admin&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "invalid_grant"
)]
#[tokio::test]
async fn a_code_without_its_proof_is_worth_nothing(#[case] more: &str, #[case] error: &str) {
    let world = world().await;
    let nobody = world.nobody();
    let code = code(&nobody, json!({})).await;
    let form = format!("grant_type=authorization_code&code={code}{more}");
    let answer = nobody.token(&[], &form).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (400, &json!(error))
    );
}

/// RFC 6749, 4.1.2: then somebody else has the code.
#[tokio::test]
async fn a_code_that_is_used_again_ends_what_it_gave() {
    let world = world().await;
    let nobody = world.nobody();
    let code = code(&nobody, json!({})).await;
    let alice = nobody.with(&nobody.redeem(&code, "").await);
    assert_eq!(alice.get("Patient").await.status, 200);
    let again = nobody.redeem(&code, "").await;
    assert_eq!(again.json()["error"], "invalid_grant");
    assert_eq!(alice.get("Patient").await.status, 401);
}

/// Without a challenge a login is proven by the client's secret.
#[tokio::test]
async fn a_login_without_a_challenge_needs_the_secret_of_its_client() {
    let world = world().await;
    let path = format!("/admin/projects/{}/client", world.server.project);
    let client = world.admin.post(&path, &json!({ "name": "app" })).await;
    let (id, secret) = (client.json()["id"].clone(), client.json()["secret"].clone());
    let (id, secret) = (id.as_str().unwrap(), secret.as_str().unwrap());
    let more = json!({ "clientId": id, "codeChallenge": null, "codeChallengeMethod": null });
    let nobody = world.nobody();
    for (proof, status) in [
        (format!("&client_id={id}"), 400),
        (format!("&client_id={id}&client_secret=wrong"), 400),
        (format!("&client_id={id}&client_secret={secret}"), 200),
    ] {
        let code = code(&nobody, more.clone()).await;
        let form = format!("grant_type=authorization_code&code={code}{proof}");
        let answer = nobody.token(&[], &form).await;
        assert_eq!(answer.status, status, "{proof}: {}", answer.text);
    }
}

#[rstest]
#[case::by_scope(json!({ "scope": "openid offline_access" }))]
#[case::by_remember(json!({ "remember": true }))]
#[tokio::test]
async fn a_refresh_token_is_good_once(#[case] more: Value) {
    let world = world().await;
    let nobody = world.nobody();
    let code = code(&nobody, more).await;
    let first = nobody.redeem(&code, "").await;
    let refresh = |answer: &Value| answer["refresh_token"].as_str().unwrap().to_owned();
    let form = |token: &str| format!("grant_type=refresh_token&client_id=&refresh_token={token}");
    let second = nobody.token(&[], &form(&refresh(&first.json()))).await;
    let alice = nobody.with(&second);
    assert_eq!(alice.get("Patient").await.status, 200);
    assert_eq!(second.json()["scope"], first.json()["scope"]);
    assert_ne!(second.json()["access_token"], first.json()["access_token"]);

    // Whoever uses the first again is not who got the second: the sign-in ends.
    let again = nobody.token(&[], &form(&refresh(&first.json()))).await;
    assert_eq!(
        (again.status, &again.json()["error"]),
        (400, &json!("invalid_grant"))
    );
    assert_eq!(alice.get("Patient").await.status, 401);
    let third = nobody.token(&[], &form(&refresh(&second.json()))).await;
    assert_eq!(third.status, 400, "{}", third.text);
}

/// The refresh token of somebody who asked for one, and a form that trades it in.
async fn refresh_form(world: &World) -> String {
    world.invite("alice@example.com", json!({})).await;
    let nobody = world.nobody();
    let scope = json!({ "scope": "openid offline_access" });
    let answer = nobody.redeem(&code(&nobody, scope).await, "").await;
    let token = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    format!("grant_type=refresh_token&refresh_token={token}")
}

#[tokio::test]
async fn a_refresh_token_ends_with_its_time() {
    let world = World::with(|config| config.sign_in.refresh_lifetime = Duration::ZERO).await;
    let form = refresh_form(&world).await;
    let answer = world.nobody().token(&[], &form).await;
    assert_eq!(answer.json()["error"], "invalid_grant", "{}", answer.text);
}

#[tokio::test]
async fn a_refresh_token_is_its_clients() {
    let world = World::new().await;
    let form = refresh_form(&world).await;
    let nobody = world.nobody();
    for wrong in [
        format!("{form}&client_id=admin"),
        format!("{form}&client_id=admin&client_secret=a+secret"),
        format!("{form}x"),
        format!("{form}&scope=user/Patient.rs"),
    ] {
        let answer = nobody.token(&[], &wrong).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text);
    }
    let answer = nobody.token(&[], &form).await;
    assert_eq!(
        answer.status, 200,
        "nothing of it was lost: {}",
        answer.text
    );
}

#[tokio::test]
async fn a_logout_ends_every_token_of_the_sign_in_and_no_other() {
    let world = world().await;
    let nobody = world.nobody();
    let offline = json!({ "scope": "openid offline_access" });
    let answer = nobody.redeem(&code(&nobody, offline).await, "").await;
    let alice = nobody.with(&answer);
    let elsewhere = nobody.signed_in("alice@example.com", json!({})).await;
    assert_eq!(alice.ask("/oauth2/logout", &json!({})).await.status, 200);
    assert_eq!(alice.get("Patient").await.status, 401);
    assert_eq!(alice.ask("/oauth2/logout", &json!({})).await.status, 401);
    assert_eq!(elsewhere.get("Patient").await.status, 200);
    let body = answer.json();
    let token = body["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    assert_eq!(nobody.token(&[], &form).await.status, 400);

    assert_eq!(
        world.admin.ask("/oauth2/logout", &json!({})).await.status,
        200
    );
    assert_eq!(
        world.admin.get("Patient").await.status,
        401,
        "clients as well"
    );
}

#[tokio::test]
async fn somebody_with_several_memberships_chooses_one() {
    let world = World::new().await;
    let policy = world.policy(participant()).await;
    let first = world.invite("alice@example.com", json!({})).await;
    let second = world
        .invite(
            "alice@example.com",
            json!({
                "password": null, "forceNewMembership": true,
                "membership": { "accessPolicy": { "reference": policy } },
            }),
        )
        .await;
    assert_ne!(first["id"], second["id"]);
    let nobody = world.nobody();
    let begun = nobody
        .login("alice@example.com", PASSWORD, json!({}))
        .await
        .json();
    assert!(begun.get("code").is_none());
    let offered: Vec<_> = begun["memberships"].as_array().unwrap().iter().collect();
    assert_eq!(offered.len(), 2);
    assert_eq!(offered[0]["project"]["display"], "fhirward");
    assert!(offered[0].get("accessPolicy").is_none());

    let wrong = json!({ "login": begun["login"], "profile": world.admin.membership });
    assert_eq!(nobody.ask("/auth/profile", &wrong).await.status, 400);
    let chosen = json!({ "login": begun["login"], "profile": second["id"] });
    let answer = nobody.ask("/auth/profile", &chosen).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        nobody.ask("/auth/profile", &chosen).await.status,
        400,
        "once"
    );
    let code = answer.json()["code"].as_str().unwrap().to_owned();
    let alice = nobody.with(&nobody.redeem(&code, "").await);
    assert_eq!(alice.get("Patient").await.status, 403);
    assert_eq!(alice.get("Communication").await.status, 200);
}

/// An edit is effective on the next request, with the same token.
#[tokio::test]
async fn access_ends_and_changes_at_once() {
    let world = World::new().await;
    let policy = world.policy(participant()).await;
    let mut membership = world.invite("alice@example.com", json!({})).await;
    let path = format!("ProjectMembership/{}", membership["id"].as_str().unwrap());
    let alice = world
        .nobody()
        .signed_in("alice@example.com", json!({}))
        .await;
    assert_eq!(alice.get("Patient").await.status, 200);

    membership["accessPolicy"] = json!({ "reference": policy });
    assert_eq!(world.admin.put(&path, &membership).await.status, 200);
    assert_eq!(alice.get("Patient").await.status, 403);

    membership["active"] = json!(false);
    let put = world.admin.put(&path, &membership).await;
    assert_eq!(put.status, 200, "{}", put.text);
    assert_eq!(alice.get("Communication").await.status, 401, "not active");
    let refused = world
        .nobody()
        .login("alice@example.com", PASSWORD, json!({}))
        .await;
    assert_eq!(refused.status, 400);
    membership["active"] = json!(true);
    assert_eq!(world.admin.put(&path, &membership).await.status, 200);
    assert_eq!(alice.get("Communication").await.status, 200);

    assert_eq!(world.admin.delete(&path).await.status, 200);
    assert_eq!(alice.get("Communication").await.status, 401, "removed");
    assert_eq!(world.admin.put(&path, &membership).await.status, 200);
    assert_eq!(alice.get("Communication").await.status, 200, "brought back");

    let user = membership["user"]["reference"].as_str().unwrap();
    assert_eq!(world.admin.delete(user).await.status, 200);
    assert_eq!(alice.get("Communication").await.status, 401, "no user");
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let world = world().await;
    let nobody = world.nobody();
    let alice = nobody.signed_in("alice@example.com", json!({})).await;
    let change = |old: &str, new: &str| json!({ "oldPassword": old, "newPassword": new });
    let path = "/auth/changepassword";
    let new = "battery staple";
    assert_eq!(nobody.ask(path, &change(PASSWORD, new)).await.status, 401);
    assert_eq!(alice.ask(path, &change("wrong", new)).await.status, 400);
    assert_eq!(
        alice.ask(path, &change(PASSWORD, "short")).await.status,
        400
    );
    assert_eq!(world.admin.ask(path, &change("x", new)).await.status, 400);
    let changed = alice.ask(path, &change(PASSWORD, new)).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let old = nobody.login("alice@example.com", PASSWORD, json!({})).await;
    assert_eq!(old.status, 400);
    let begun = nobody.login("alice@example.com", new, json!({})).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
}

/// Who signed in with the old password elsewhere, or is about to, is signed out by a new one.
#[tokio::test]
async fn a_new_password_ends_the_other_sign_ins() {
    let world = world().await;
    let nobody = world.nobody();
    let form = |answer: &crate::support::Answer| {
        let token = answer.json()["refresh_token"].as_str().unwrap().to_owned();
        format!("grant_type=refresh_token&refresh_token={token}")
    };
    let offline = || json!({ "scope": "openid offline_access" });
    let here = nobody.redeem(&code(&nobody, offline()).await, "").await;
    let there = nobody.redeem(&code(&nobody, offline()).await, "").await;
    let plain = nobody.signed_in("alice@example.com", json!({})).await;
    let under_way = code(&nobody, json!({})).await;
    world.invite("bob@example.com", json!({})).await;
    let bob = nobody.signed_in("bob@example.com", json!({})).await;
    let alice = nobody.with(&here);
    let change = json!({ "oldPassword": PASSWORD, "newPassword": "battery staple" });
    let changed = alice.ask("/auth/changepassword", &change).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    for (actor, status) in [
        (&alice, 200),
        (&bob, 200),
        (&nobody.with(&there), 401),
        (&plain, 401),
    ] {
        assert_eq!(actor.get("/auth/me").await.status, status);
    }
    assert_eq!(nobody.redeem(&under_way, "").await.status, 400);
    assert_eq!(nobody.token(&[], &form(&there)).await.status, 400);
    assert_eq!(nobody.token(&[], &form(&here)).await.status, 200);
}

/// No answer, no resource and no history holds a password or its hash.
#[tokio::test]
async fn passwords_are_nowhere_to_be_seen() {
    let world = world().await;
    for path in [
        "User",
        "User?_count=50",
        "_history",
        "ProjectMembership",
        "/auth/me",
    ] {
        let answer = world.admin.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        for secret in [PASSWORD, "argon2", "passwordHash"] {
            assert!(!answer.text.contains(secret), "{path}");
        }
    }
}

#[tokio::test]
async fn userinfo_tells_what_the_scopes_ask_for() {
    let world = world().await;
    let nobody = world.nobody();
    let alice = nobody
        .signed_in(
            "alice@example.com",
            json!({ "scope": "openid profile email" }),
        )
        .await;
    let info = alice.get("/oauth2/userinfo").await.json();
    assert_eq!(
        (&info["name"], &info["email"], &info["profile"]),
        (
            &json!("Alice Smith"),
            &json!("alice@example.com"),
            &json!(alice.profile)
        )
    );
    let alice = nobody.signed_in("alice@example.com", json!({})).await;
    let info = alice.get("/oauth2/userinfo").await.json();
    assert_eq!(info.as_object().unwrap().len(), 1, "sub alone: {info}");
    assert_eq!(nobody.get("/oauth2/userinfo").await.status, 401);
}

#[tokio::test]
async fn a_patient_has_a_patient_context() {
    let world = World::new().await;
    world
        .invite(
            "homer@example.com",
            json!({ "resourceType": "Patient", "firstName": "Homer" }),
        )
        .await;
    let nobody = world.nobody();
    let scope = json!({ "scope": "openid launch/patient patient/Patient.rs" });
    let begun = nobody.login("homer@example.com", PASSWORD, scope).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let answer = nobody
        .redeem(begun.json()["code"].as_str().unwrap(), "")
        .await;
    let homer = nobody.with(&answer);
    assert_eq!(
        format!("Patient/{}", answer.json()["patient"].as_str().unwrap()),
        homer.profile
    );
    world.admin.make(json!({ "resourceType": "Patient" })).await;
    assert_eq!(
        homer.get("Patient").await.matches(),
        std::slice::from_ref(&homer.profile)
    );
}

/// The tokens of users survive a restart.
#[tokio::test]
async fn a_data_folder_keeps_passwords_tokens_and_the_end_of_a_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let world = World::with(|config| config.data = Some(data.clone())).await;
    let form = refresh_form(&world).await;
    let nobody = world.nobody();
    let alice = nobody.signed_in("alice@example.com", json!({})).await;
    let ended = nobody.signed_in("alice@example.com", json!({})).await;
    assert_eq!(ended.ask("/oauth2/logout", &json!({})).await.status, 200);
    let second = nobody.token(&[], &form).await.json();
    world.server.stop().await.unwrap();

    let world = World::with(|config| config.data = Some(data)).await;
    let nobody = world.nobody();
    let again = |token: &str| {
        let mut again = nobody.clone();
        token.clone_into(&mut again.token);
        again
    };
    assert_eq!(again(&alice.token).get("Patient").await.status, 200);
    assert_eq!(again(&ended.token).get("Patient").await.status, 401);
    nobody.signed_in("alice@example.com", json!({})).await;
    let refresh = second["refresh_token"].as_str().unwrap();
    let next = format!("grant_type=refresh_token&refresh_token={refresh}");
    assert_eq!(nobody.token(&[], &next).await.status, 200);
    let spent = nobody.token(&[], &form).await;
    assert_eq!(spent.status, 400, "it was used before: {}", spent.text);
}

/// Nothing but this is answered without a token.
#[rstest]
#[case("/.well-known/openid-configuration")]
#[case("/.well-known/oauth-authorization-server")]
#[case("/.well-known/smart-configuration")]
#[case(".well-known/smart-configuration")]
#[tokio::test]
async fn clients_find_the_endpoints(#[case] path: &str) {
    let world = World::new().await;
    let found = world.nobody().get(path).await;
    assert_eq!(found.status, 200, "{}", found.text);
    let found = found.json();
    let base = world.server.base_url.as_str();
    assert_eq!(found["token_endpoint"], format!("{base}oauth2/token"));
    assert_eq!(
        found["authorization_endpoint"],
        format!("{base}oauth2/authorize")
    );
    assert_eq!(found["code_challenge_methods_supported"], json!(["S256"]));
}
