//! Several projects on one server: nobody sees or writes across, on any path.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Actor, World, message};

/// The first project with a patient and a message, and the owner of a second, empty one.
struct Two {
    world: World,
    owner: Actor,
    /// The id of the second project.
    second: String,
    patient: String,
    message: String,
}

impl Two {
    async fn new() -> Self {
        let world = World::new().await;
        let server = json!({ "scope": "server" });
        let member = world.invite("owner@example.com", server).await;
        let parameters = json!({
            "resourceType": "Parameters",
            "parameter": [
                { "name": "name", "valueString": "Second" },
                { "name": "owner", "valueReference": member["user"] },
            ],
        });
        let made = world.admin.post("Project/$init", &parameters).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json();
        assert_eq!(made["name"], "Second");
        assert_eq!(made["owner"]["reference"], member["user"]["reference"]);
        let second = made["id"].as_str().unwrap().to_owned();
        let owner = world
            .nobody()
            .signed_in("owner@example.com", json!({ "projectId": second }))
            .await;
        let patient = world
            .admin
            .make(json!({ "resourceType": "Patient", "active": true }))
            .await;
        let mut about = message("Practitioner/x", &[]);
        about["subject"] = json!({ "reference": patient });
        let message = world.admin.make(about).await;
        Self {
            world,
            owner,
            second,
            patient,
            message,
        }
    }
}

#[tokio::test]
async fn a_fresh_project_has_its_owner_as_administrator() {
    let two = Two::new().await;
    let me = two.owner.get("/auth/me").await.json();
    assert_eq!(me["project"]["name"], "Second");
    assert_eq!(me["membership"]["admin"], true);
    let listed = two
        .owner
        .get(&format!("/admin/projects/{}", two.second))
        .await;
    let roles: Vec<_> = listed.json()["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["role"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(roles, ["member", "owner"], "its client and its owner");
    let project = format!("Project/{}", two.second);
    assert_eq!(two.owner.get(&project).await.status, 200);
    assert_eq!(two.world.admin.get(&project).await.status, 404);
    let own = format!("Project/{}", two.world.server.project);
    assert_eq!(two.owner.get(&own).await.status, 404);
    // The owner is a member of both, and signs in to one.
    let begun = two
        .world
        .nobody()
        .login("owner@example.com", crate::support::PASSWORD, json!({}))
        .await;
    assert_eq!(begun.json()["memberships"].as_array().unwrap().len(), 2);
}

/// Every path that leads to a resource of the other project leads nowhere.
#[tokio::test]
async fn nothing_of_another_project_is_read() {
    let two = Two::new().await;
    let (owner, patient, message) = (&two.owner, &two.patient, &two.message);
    let version = two.world.admin.get(patient).await.json();
    let version = version["meta"]["versionId"].as_str().unwrap().to_owned();
    for path in [
        patient.clone(),
        format!("{patient}/_history"),
        format!("{patient}/_history/{version}"),
    ] {
        assert_eq!(two.world.admin.get(&path).await.status, 200, "{path}");
        assert_eq!(owner.get(&path).await.status, 404, "{path}");
    }
    let id = patient.trim_start_matches("Patient/");
    for path in [
        "Patient".to_owned(),
        format!("Patient?_id={id}"),
        "Patient?active=true".into(),
        "Patient?active:not=false".into(),
        format!("Communication?subject={patient}"),
        "ProjectMembership?_count=100".into(),
        "AccessPolicy".into(),
        "ClientApplication?_id=admin".into(),
    ] {
        let found = owner.get(&path).await;
        assert_eq!(found.status, 200, "{path}: {}", found.text);
        for other in [patient, message] {
            assert!(!found.text.contains(other), "{path}");
        }
        assert!(
            !found.text.contains(&two.world.server.project),
            "{path}: {}",
            found.text
        );
    }
    for path in ["Patient/_history", "_history"] {
        let found = owner.get(path).await;
        assert!(!found.text.contains(id), "{path}");
    }
    let total = owner.get("Patient?_total=accurate").await.json();
    assert_eq!(total["total"], 0);
}

/// A reference that points into another project is followed by nobody.
#[tokio::test]
async fn nothing_of_another_project_is_included() {
    let two = Two::new().await;
    let mut mine = message("Practitioner/x", &[]);
    mine["subject"] = json!({ "reference": two.patient });
    let mine = two.owner.make(mine).await;
    let found = two
        .owner
        .get("Communication?_include=Communication:subject")
        .await;
    assert_eq!(found.matches(), [mine]);
    assert!(found.found("include").is_empty());
    let found = two
        .world
        .admin
        .get("Patient?_revinclude=Communication:subject")
        .await;
    assert_eq!(found.found("include"), std::slice::from_ref(&two.message));
}

#[tokio::test]
async fn nothing_of_another_project_is_written() {
    let two = Two::new().await;
    let body = two.world.admin.get(&two.patient).await.json();
    assert_eq!(two.owner.put(&two.patient, &body).await.status, 404);
    let operations = json!([{ "op": "add", "path": "/active", "value": false }]);
    assert_eq!(two.owner.patch(&two.patient, &operations).await.status, 404);
    assert_eq!(two.owner.delete(&two.patient).await.status, 404);
    assert_eq!(two.world.admin.get(&two.patient).await.json(), body);
}

#[tokio::test]
async fn what_is_written_belongs_to_the_project_of_who_writes() {
    let two = Two::new().await;
    // What the client says of it does not matter.
    let mine = two
        .owner
        .make(json!({ "resourceType": "Patient", "meta": { "project": two.world.server.project } }))
        .await;
    let read = two.owner.get(&mine).await;
    assert!(
        read.json()["meta"].get("project").is_none(),
        "{}",
        read.text
    );
    assert_eq!(two.world.admin.get(&mine).await.status, 404);
    assert_eq!(
        two.world.admin.get("Patient").await.matches(),
        std::slice::from_ref(&two.patient)
    );
    let mut changed = read.json();
    changed["active"] = json!(true);
    let put = two.owner.put(&mine, &changed).await;
    assert_eq!(put.status, 200, "{}", put.text);
    let operations = json!([{ "op": "add", "path": "/meta/project", "value": "first" }]);
    let patched = two.owner.patch(&mine, &operations).await;
    assert_eq!(two.owner.get(&mine).await.status, 200, "{}", patched.text);
    assert_eq!(two.world.admin.get(&mine).await.status, 404);
    assert_eq!(two.owner.get(&format!("{mine}/_history")).await.status, 200);
    assert_eq!(two.owner.delete(&mine).await.status, 200);
    assert_eq!(two.owner.get(&mine).await.status, 410);
    assert_eq!(two.world.admin.get(&mine).await.status, 404);
}

/// A membership is one of the project that it is written in, whatever it says.
#[tokio::test]
async fn a_membership_gives_no_access_to_another_project() {
    let two = Two::new().await;
    let client = two
        .owner
        .post(
            &format!("/admin/projects/{}/client", two.second),
            &json!({ "name": "app" }),
        )
        .await
        .json();
    let (id, secret) = (
        client["id"].as_str().unwrap(),
        client["secret"].as_str().unwrap(),
    );
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let nobody = two.world.nobody();
    let app = nobody.with(&nobody.token(&[], &form).await);
    assert_eq!(app.get("Patient").await.matches(), Vec::<String>::new());
    // The first administrator, who may write any membership, writes one into the second project.
    let made = two
        .world
        .admin
        .post(
            "ProjectMembership",
            &json!({
                "resourceType": "ProjectMembership", "admin": true,
                "project": { "reference": format!("Project/{}", two.second) },
                "user": { "reference": "ClientApplication/admin" },
                "profile": { "reference": "ClientApplication/admin" },
            }),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let listed = two.owner.get("ProjectMembership").await;
    assert!(!listed.text.contains("ClientApplication/admin"));
    let headers = [("x-medplum-on-behalf-of", "ClientApplication/admin")];
    let refused = two.owner.send(Method::GET, "Patient", &headers, None).await;
    assert_eq!(refused.status, 403);
}

/// A policy of another project grants nothing.
#[tokio::test]
async fn a_policy_of_another_project_is_none() {
    let two = Two::new().await;
    let policy = two.world.policy(json!([{ "resourceType": "*" }])).await;
    let more = json!({ "membership": { "accessPolicy": { "reference": policy } } });
    let member = two.owner.invite(&two.second, "bob@example.com", more).await;
    assert_eq!(member.status, 200, "{}", member.text);
    let bob = two
        .world
        .nobody()
        .signed_in("bob@example.com", json!({ "projectId": two.second }))
        .await;
    assert_eq!(bob.get("Patient").await.status, 403);
}

#[tokio::test]
async fn an_administrator_acts_for_nobody_elsewhere() {
    let two = Two::new().await;
    let alice = two.world.actor(json!([{ "resourceType": "*" }])).await;
    for whom in [
        format!("ProjectMembership/{}", alice.membership),
        alice.profile.clone(),
    ] {
        let headers = [("x-medplum-on-behalf-of", whom.as_str())];
        let answer = two.owner.send(Method::GET, "Patient", &headers, None).await;
        assert_eq!(answer.status, 403, "{whom}");
    }
    let project = two.world.server.project.as_str();
    let refused = two.owner.invite(project, "c@example.com", json!({})).await;
    assert_eq!(refused.status, 403);
    let refused = two
        .world
        .admin
        .invite(&two.second, "c@example.com", json!({}))
        .await;
    assert_eq!(refused.status, 403);
}

/// The same e-mail address is a user of its own in each project.
#[tokio::test]
async fn users_of_a_project_are_its_own() {
    let two = Two::new().await;
    let first = two.world.invite("bob@example.com", json!({})).await;
    let second = two
        .owner
        .invite(
            &two.second,
            "bob@example.com",
            json!({ "password": "another password" }),
        )
        .await;
    assert_eq!(second.status, 200, "{}", second.text);
    assert_ne!(second.json()["user"], first["user"]);
    let nobody = two.world.nobody();
    let of = |project: &str| json!({ "projectId": project });
    let bob = nobody
        .signed_in("bob@example.com", of(&two.world.server.project))
        .await;
    assert_eq!(
        bob.get("Patient").await.matches(),
        std::slice::from_ref(&two.patient)
    );
    let wrong = nobody
        .login("bob@example.com", crate::support::PASSWORD, of(&two.second))
        .await;
    assert_eq!(wrong.status, 400);
    let user = first["user"]["reference"].as_str().unwrap();
    assert_eq!(two.owner.get(user).await.status, 404);
    assert_eq!(two.owner.delete(user).await.status, 404);
}

#[rstest]
#[case::no_name(json!({ "resourceType": "Parameters" }), "Expected required input parameter 'name'")]
#[case::no_user(json!({ "name": "P", "owner": { "reference": "Patient/x" } }), "only a User")]
#[case::nobody(json!({ "name": "P", "owner": { "reference": "User/x" } }), "no such `owner`")]
#[case::unknown(json!({ "name": "P", "nme": "x" }), "nme")]
#[tokio::test]
async fn projects_that_are_not_made(#[case] body: Value, #[case] words: &str) {
    let world = World::new().await;
    let answer = world.admin.post("Project/$init", &body).await;
    assert_eq!(answer.status, 400);
    assert!(answer.words().contains(words), "{}", answer.words());
}

#[tokio::test]
async fn who_owns_a_project_belongs_to_no_other() {
    let world = World::new().await;
    let member = world.invite("alice@example.com", json!({})).await;
    let body = json!({ "name": "P", "owner": member["user"] });
    let answer = world.admin.post("Project/$init", &body).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    let alice = world
        .nobody()
        .signed_in("alice@example.com", json!({}))
        .await;
    let answer = alice.post("Project/$init", &json!({ "name": "P" })).await;
    assert_eq!(answer.status, 403, "no administrator");
    let by_address = json!({ "name": "P", "ownerEmail": "New@example.com" });
    let answer = world.admin.post("Project/$init", &by_address).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
}

/// Nobody makes, from another project, the account that everybody else will mean by an address.
#[tokio::test]
async fn another_project_makes_no_user_of_the_server() {
    let two = Two::new().await;
    let victim = "victim@example.com";
    let refused = two
        .owner
        .invite(&two.second, victim, json!({ "scope": "server" }))
        .await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert!(
        refused.text.contains("only the server's first project"),
        "{}",
        refused.text
    );
    // Without a scope the user is the project's own, and found again.
    let own = two
        .owner
        .invite(&two.second, victim, json!({ "scope": null }))
        .await;
    assert_eq!(own.status, 200, "{}", own.text);
    let again = two
        .owner
        .invite(
            &two.second,
            victim,
            json!({ "scope": null, "upsert": true }),
        )
        .await;
    assert_eq!(again.json()["user"], own.json()["user"], "{}", again.text);
    let own = own.json()["user"]["reference"].as_str().unwrap().to_owned();
    let user = two.owner.get(&own).await.json();
    let project = format!("Project/{}", two.second);
    assert_eq!(user["project"]["reference"], project);
    // The first project means somebody else.
    let more = json!({ "scope": "server", "password": "another password" });
    let member = two.world.invite(victim, more).await;
    assert_ne!(member["user"]["reference"], own);
    let first = json!({ "projectId": two.world.server.project });
    let nobody = two.world.nobody();
    let taken = nobody
        .login(victim, crate::support::PASSWORD, first.clone())
        .await;
    assert_eq!(taken.status, 400, "{}", taken.text);
    let victims = nobody.login(victim, "another password", first).await;
    assert_eq!(victims.status, 200, "{}", victims.text);
}

/// A user of the server that there is already is invited into any project.
#[tokio::test]
async fn another_project_invites_a_user_of_the_server() {
    let two = Two::new().await;
    let server = json!({ "scope": "server" });
    let there = two.world.invite("both@example.com", server).await;
    let more = json!({ "scope": "server", "password": null });
    let invited = two
        .owner
        .invite(&two.second, "both@example.com", more)
        .await;
    assert_eq!(invited.status, 200, "{}", invited.text);
    assert_eq!(
        invited.json()["user"]["reference"],
        there["user"]["reference"]
    );
}
