//! `/admin/projects/{project}/…`: making members and clients, as Medplum's administrators do.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{PASSWORD, World, participant};

#[tokio::test]
async fn an_invitation_makes_a_user_a_profile_and_a_membership() {
    let world = World::new().await;
    let policy = world.policy(participant()).await;
    let membership = world
        .invite(
            "Alice@Example.com",
            json!({ "membership": { "accessPolicy": { "reference": policy } } }),
        )
        .await;
    assert_eq!(membership["resourceType"], "ProjectMembership");
    assert_eq!(
        membership["project"]["reference"],
        format!("Project/{}", world.server.project)
    );
    assert_eq!(membership["accessPolicy"]["reference"], policy);
    let profile = membership["profile"]["reference"].as_str().unwrap();
    let profile = world.admin.get(profile).await.json();
    assert_eq!(
        profile["name"],
        json!([{ "given": ["Alice"], "family": "Smith" }])
    );
    assert_eq!(profile["telecom"][0]["value"], "alice@example.com");
    let user = membership["user"]["reference"].as_str().unwrap();
    let user = world.admin.get(user).await.json();
    assert_eq!(user["email"], "alice@example.com");
    assert_eq!(
        user["project"]["reference"],
        format!("Project/{}", world.server.project)
    );

    let alice = world
        .nobody()
        .signed_in("alice@example.com", json!({}))
        .await;
    assert_eq!(alice.get("Communication").await.status, 200);
    assert_eq!(alice.get("Task").await.status, 403);
}

/// The parameters of a policy are given with the membership.
#[tokio::test]
async fn a_membership_has_policies_with_parameters() {
    let world = World::new().await;
    let policy = world
        .policy(json!([{ "resourceType": "Patient", "criteria": "Patient?organization=%org" }]))
        .await;
    let clinic = json!({ "reference": "Organization/clinic" });
    let access = json!([{
        "policy": { "reference": policy },
        "parameter": [{ "name": "org", "valueReference": clinic }],
    }]);
    world
        .invite(
            "alice@example.com",
            json!({ "membership": { "access": access } }),
        )
        .await;
    let own = world
        .admin
        .make(json!({ "resourceType": "Patient", "managingOrganization": clinic }))
        .await;
    world.admin.make(json!({ "resourceType": "Patient" })).await;
    let alice = world
        .nobody()
        .signed_in("alice@example.com", json!({}))
        .await;
    assert_eq!(alice.get("Patient").await.matches(), [own]);
}

#[tokio::test]
async fn a_member_is_invited_once_unless_it_is_to_change() {
    let world = World::new().await;
    let policy = world.policy(participant()).await;
    let first = world.invite("alice@example.com", json!({})).await;
    let again = world
        .admin
        .invite(
            &world.server.project,
            "alice@example.com",
            json!({ "password": null }),
        )
        .await;
    assert_eq!((again.status, &*again.issue()), (409, "conflict"));
    let changed = world
        .invite(
            "alice@example.com",
            json!({
                "upsert": true, "password": "another password",
                "membership": { "access": [{ "policy": { "reference": policy } }] },
            }),
        )
        .await;
    for same in ["id", "user", "profile", "project"] {
        assert_eq!(changed[same], first[same], "{same}");
    }
    assert_eq!(changed["access"][0]["policy"]["reference"], policy);
    let nobody = world.nobody();
    let old = nobody.login("alice@example.com", PASSWORD, json!({})).await;
    assert_eq!(old.status, 400, "the administrator set another");
    let new = nobody
        .login("alice@example.com", "another password", json!({}))
        .await;
    assert_eq!(new.status, 200, "{}", new.text);
}

/// Who knew the old password stays signed in with nothing: neither its tokens nor a sign-in that
/// was begun.
#[tokio::test]
async fn a_password_that_an_administrator_sets_ends_the_sign_ins_with_the_old_one() {
    let world = World::new().await;
    world.invite("alice@example.com", json!({})).await;
    world.invite("bob@example.com", json!({})).await;
    let nobody = world.nobody();
    let alice = nobody.signed_in("alice@example.com", json!({})).await;
    let bob = nobody.signed_in("bob@example.com", json!({})).await;
    let begun = nobody.login("alice@example.com", PASSWORD, json!({})).await;
    // What sets no password ends nothing.
    let kept = json!({ "upsert": true, "password": null });
    world.invite("alice@example.com", kept).await;
    assert_eq!(alice.get("Patient").await.status, 200);
    let set = json!({ "upsert": true, "password": "another password" });
    world.invite("alice@example.com", set).await;
    assert_eq!(alice.get("Patient").await.status, 401);
    assert_eq!(bob.get("Patient").await.status, 200);
    let code = begun.json()["code"].as_str().unwrap().to_owned();
    assert_eq!(nobody.redeem(&code, "").await.status, 400);
}

/// Nobody takes over an account by inviting it.
#[tokio::test]
async fn an_invitation_sets_no_password_of_who_has_one() {
    let world = World::new().await;
    let server = json!({ "scope": "server" });
    world.invite("alice@example.com", server).await;
    for upsert in [false, true] {
        let more = json!({ "scope": "server", "upsert": upsert, "password": "another password" });
        let taken = world
            .admin
            .invite(&world.server.project, "alice@example.com", more)
            .await;
        assert_eq!(taken.status, 409, "{}", taken.text);
    }
    world
        .nobody()
        .signed_in("alice@example.com", json!({}))
        .await;
}

#[tokio::test]
async fn a_profile_that_is_there_becomes_a_members() {
    let world = World::new().await;
    let homer = world
        .admin
        .make(json!({
            "resourceType": "Patient",
            "telecom": [{ "system": "email", "value": "Homer@example.com" }],
        }))
        .await;
    let marge = world.admin.make(json!({ "resourceType": "Patient" })).await;
    let patient = json!({ "resourceType": "Patient" });
    let found = world.invite("homer@example.com", patient).await;
    assert_eq!(found["profile"]["reference"], homer);
    let named = json!({
        "resourceType": "Patient", "membership": { "profile": { "reference": marge } },
    });
    let named = world.invite("marge@example.com", named).await;
    assert_eq!(named["profile"]["reference"], marge);
}

#[rstest]
#[case::no_first_name(json!({ "firstName": null }), "firstName")]
#[case::no_address(json!({ "email": "alice" }), "no e-mail address")]
#[case::neither(json!({ "email": null }), "externalId")]
#[case::another_type(json!({ "resourceType": "Device" }), "Device")]
#[case::short_password(json!({ "password": "short" }), "at least 8")]
#[case::mail(json!({ "sendEmail": true }), "no mail")]
#[case::second_factor(json!({ "mfaRequired": true }), "mfaRequired")]
#[case::unknown(json!({ "fistName": "A" }), "did you mean `firstName`")]
#[case::another_scope(json!({ "scope": "world" }), "world")]
#[case::no_such_profile(json!({ "membership": { "profile": { "reference": "Practitioner/x" } } }), "Practitioner/x")]
#[case::profile_of_another_type(json!({ "membership": { "profile": { "reference": "ClientApplication/admin" } } }), "resourceType")]
#[case::related_to_nobody(json!({ "resourceType": "RelatedPerson" }), "patient")]
#[case::bad_membership(json!({ "membership": { "accessPolicy": "x" } }), "accessPolicy")]
#[tokio::test]
async fn invitations_that_make_no_sense_make_nothing(#[case] more: Value, #[case] words: &str) {
    let world = World::new().await;
    let answer = world
        .admin
        .invite(&world.server.project, "alice@example.com", more)
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.text.contains(words), "{}", answer.text);
    assert_eq!(world.admin.get("User").await.matches().len(), 0);
    assert_eq!(world.admin.get("Practitioner").await.matches().len(), 0);
}

#[tokio::test]
async fn only_an_administrator_invites() {
    let world = World::new().await;
    let actor = world.actor(json!([{ "resourceType": "*" }])).await;
    let project = world.server.project.as_str();
    let body = json!({});
    assert_eq!(
        actor
            .invite(project, "a@example.com", body.clone())
            .await
            .status,
        403
    );
    let nobody = world.nobody();
    assert_eq!(
        nobody
            .invite(project, "a@example.com", body.clone())
            .await
            .status,
        401
    );
    assert_eq!(
        world
            .admin
            .invite("other", "a@example.com", body.clone())
            .await
            .status,
        403
    );
    world
        .invite(
            "lead@example.com",
            json!({ "membership": { "admin": true } }),
        )
        .await;
    let lead = nobody.signed_in("lead@example.com", json!({})).await;
    let invited = lead.invite(project, "b@example.com", body.clone()).await;
    assert_eq!(invited.status, 200, "{}", invited.text);
    let limited = json!({ "scope": "openid user/Patient.cruds" });
    let limited = nobody.signed_in("lead@example.com", limited).await;
    let refused = limited.invite(project, "c@example.com", body).await;
    assert_eq!(refused.status, 403, "the token covers patients only");
}

#[tokio::test]
async fn members_are_listed_changed_and_removed() {
    let world = World::new().await;
    let membership = world.invite("alice@example.com", json!({})).await;
    let id = membership["id"].as_str().unwrap();
    let project = format!("/admin/projects/{}", world.server.project);
    let listed = world.admin.get(&project).await.json();
    assert_eq!(listed["project"]["name"], "fhirward");
    let roles: Vec<_> = listed["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["admin", "member"]);
    assert_eq!(listed["members"][1]["name"], "Alice Smith");

    let path = format!("{project}/members/{id}");
    assert_eq!(world.admin.get(&path).await.json()["id"], id);
    let alice = world
        .nobody()
        .signed_in("alice@example.com", json!({}))
        .await;
    assert_eq!(alice.get(&project).await.status, 403);
    assert_eq!(alice.get(&path).await.status, 403);
    assert_eq!(alice.delete(&path).await.status, 403);
    let mut changed = membership.clone();
    changed["admin"] = json!(true);
    let answer = world.admin.post(&path, &changed).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(alice.get(&project).await.status, 200);
    assert_eq!(world.admin.delete(&path).await.status, 200);
    assert_eq!(alice.get(&project).await.status, 401);
}

#[tokio::test]
async fn a_bot_is_a_member_without_a_secret() {
    let world = World::new().await;
    let policy = world.policy(participant()).await;
    let path = format!("/admin/projects/{}/bot", world.server.project);
    let body = json!({
        "name": "answers", "runtimeVersion": "vmcontext", "accessPolicy": { "reference": policy },
    });
    let bot = world.admin.post(&path, &body).await;
    assert_eq!(bot.status, 201, "{}", bot.text);
    assert!(bot.json().get("secret").is_none());
    let found = world
        .admin
        .get(&format!("ProjectMembership?user={}", bot.reference()))
        .await
        .json();
    let membership = &found["entry"][0]["resource"];
    assert_eq!(membership["profile"]["reference"], bot.reference());
    assert_eq!(membership["accessPolicy"]["reference"], policy);
}
