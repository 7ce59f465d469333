//! Hidden and read-only fields.

use rstest::rstest;
use serde_json::json;

use crate::support::{Actor, World};

async fn world_with_hidden_birth_date() -> (World, Actor, String) {
    let world = World::new().await;
    let actor = world
        .actor(json!([{ "resourceType": "Patient", "hiddenFields": ["birthDate"], "readonlyFields": ["gender"] }]))
        .await;
    let patient =
        json!({ "resourceType": "Patient", "birthDate": "1990-06-15", "gender": "female" });
    let patient = world.admin.make(patient).await;
    (world, actor, patient)
}

#[tokio::test]
async fn hidden_fields_leave_every_output() {
    let (world, actor, patient) = world_with_hidden_birth_date().await;
    let version = world.admin.get(&patient).await.json()["meta"]["versionId"]
        .as_str()
        .unwrap()
        .to_owned();
    for path in [
        patient.clone(),
        format!("{patient}/_history"),
        format!("{patient}/_history/{version}"),
        "Patient".to_owned(),
        "Patient/_history".to_owned(),
    ] {
        let answer = actor.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text.contains("female"), "{path}: {}", answer.text);
        assert!(!answer.text.contains("1990"), "{path}: {}", answer.text);
        assert!(world.admin.get(&path).await.text.contains("1990"), "{path}");
    }
}

#[rstest]
#[case("Patient?birthdate=1990-06-15")]
#[case("Patient?birthdate:missing=true")]
#[case("Patient?_sort=birthdate")]
#[case("Patient?_sort=-birthdate")]
#[tokio::test]
async fn nobody_searches_by_what_is_hidden(#[case] path: &str) {
    let (world, actor, _) = world_with_hidden_birth_date().await;
    let answer = actor.get(path).await;
    assert_eq!((answer.status, answer.issue().as_str()), (403, "forbidden"));
    assert!(answer.words().contains("birthdate"));
    assert_eq!(world.admin.get(path).await.status, 200);
}

#[tokio::test]
async fn writes_keep_what_the_actor_may_not_write() {
    let (world, actor, patient) = world_with_hidden_birth_date().await;
    let id = patient.split_once('/').unwrap().1;
    let put = actor
        .put(
            &patient,
            &json!({ "resourceType": "Patient", "id": id, "gender": "male", "active": true }),
        )
        .await;
    assert_eq!(put.status, 200, "{}", put.text);
    assert!(!put.text.contains("1990"));
    let stored = world.admin.get(&patient).await.json();
    assert_eq!(
        (&stored["birthDate"], &stored["gender"], &stored["active"]),
        (&json!("1990-06-15"), &json!("female"), &json!(true))
    );

    let patched = actor
        .patch(
            &patient,
            &json!([{ "op": "add", "path": "/birthDate", "value": "2000-01-01" }]),
        )
        .await;
    assert!(!patched.text.contains("1990"));
    assert_eq!(
        world.admin.get(&patient).await.json()["birthDate"],
        "1990-06-15"
    );

    let created = actor
        .make(json!({ "resourceType": "Patient", "birthDate": "2000-01-01", "gender": "male" }))
        .await;
    let stored = world.admin.get(&created).await.json();
    assert!(
        stored.get("birthDate").is_none() && stored.get("gender").is_none(),
        "{stored}"
    );
}

#[rstest]
#[case::test(json!([{ "op": "test", "path": "/birthDate", "value": "1990-06-15" }]))]
#[case::copy(json!([{ "op": "copy", "from": "/birthDate", "path": "/language" }]))]
#[case::replace(json!([{ "op": "replace", "path": "/birthDate", "value": "2000-01-01" }]))]
#[tokio::test]
async fn no_patch_reaches_what_is_hidden(#[case] operations: serde_json::Value) {
    let (world, actor, patient) = world_with_hidden_birth_date().await;
    let before = world.admin.get(&patient).await.json();
    assert_eq!(actor.patch(&patient, &operations).await.status, 400);
    assert_eq!(world.admin.get(&patient).await.json(), before);
}

/// The entry that lets the actor write hides nothing, but what the actor patches is what it reads.
#[tokio::test]
async fn a_patch_does_not_erase_what_only_reading_hides() {
    let world = World::new().await;
    let actor = world
        .actor(json!([
            { "resourceType": "Patient", "interaction": ["read"], "hiddenFields": ["birthDate", "name.given"] },
            { "resourceType": "Patient", "interaction": ["update"] },
        ]))
        .await;
    let patient = world
        .admin
        .make(json!({
            "resourceType": "Patient",
            "birthDate": "1990-06-15",
            "name": [{ "family": "A", "given": ["B"] }, { "given": ["C"], "family": "D" }],
        }))
        .await;
    let patched = actor
        .patch(
            &patient,
            &json!([
                { "op": "add", "path": "/gender", "value": "female" },
                { "op": "add", "path": "/name/0", "value": { "family": "E" } },
            ]),
        )
        .await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    assert!(!patched.text.contains("1990") && !patched.text.contains('B'));
    let stored = world.admin.get(&patient).await.json();
    assert_eq!(stored["birthDate"], "1990-06-15");
    assert_eq!(stored["gender"], "female");
    let names = json!([{ "family": "E" }, { "family": "A", "given": ["B"] }, { "given": ["C"], "family": "D" }]);
    assert_eq!(stored["name"], names);
}

/// Without its gender the resource is another entry's, which lets nobody write the birth date.
#[tokio::test]
async fn what_a_second_entry_takes_away_goes_as_well() {
    let world = World::new().await;
    let actor = world
        .actor(json!([
            { "resourceType": "Patient", "criteria": "Patient?gender=male", "readonlyFields": ["gender"] },
            { "resourceType": "Patient", "readonlyFields": ["birthDate"] },
        ]))
        .await;
    let body =
        json!({ "resourceType": "Patient", "gender": "male", "birthDate": "1990", "active": true });
    let created = actor.make(body).await;
    let stored = world.admin.get(&created).await.json();
    assert!(
        stored.get("gender").is_none() && stored.get("birthDate").is_none(),
        "{stored}"
    );
    assert_eq!(stored["active"], true);
}

#[tokio::test]
async fn fields_are_taken_away_under_criteria_about_what_the_server_sets() {
    let world = World::new().await;
    let actor = world
        .actor(json!([{
            "resourceType": "Patient",
            "criteria": "Patient?_lastUpdated=gt2020-01-01",
            "hiddenFields": ["birthDate"],
        }]))
        .await;
    let created = actor
        .make(json!({ "resourceType": "Patient", "birthDate": "1990" }))
        .await;
    assert!(
        world
            .admin
            .get(&created)
            .await
            .json()
            .get("birthDate")
            .is_none()
    );
}

/// A hidden variant of a choice is not told by the answer to a write of another.
#[tokio::test]
async fn a_hidden_choice_is_not_noticed_by_writing_another_variant() {
    let world = World::new().await;
    let actor = world
        .actor(json!([{ "resourceType": "Observation", "hiddenFields": ["valueString"] }]))
        .await;
    let observation =
        json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" } });
    let mut secret = observation.clone();
    secret["valueString"] = "secret".into();
    let with = world.admin.make(secret).await;
    let without = world.admin.make(observation).await;
    for reference in [&with, &without] {
        let mut seen = actor.get(reference).await.json();
        seen["valueInteger"] = 7.into();
        let put = actor.put(reference, &seen).await;
        assert_eq!(put.status, 200, "{}", put.text);
        let add = json!([{ "op": "add", "path": "/valueInteger", "value": 8 }]);
        let patched = actor.patch(reference, &add).await;
        assert_eq!(patched.status, 200, "{}", patched.text);
    }
    let stored = world.admin.get(&with).await.json();
    assert_eq!(stored["valueString"], "secret");
    assert!(stored.get("valueInteger").is_none());
}

#[tokio::test]
async fn a_reference_with_a_hidden_display_can_be_searched_by() {
    let world = World::new().await;
    let actor = world
        .actor(json!([{ "resourceType": "Communication", "hiddenFields": ["subject.display"] }]))
        .await;
    let made = world
        .admin
        .make(json!({
            "resourceType": "Communication", "status": "completed",
            "subject": { "reference": "Patient/p", "display": "Homer" },
        }))
        .await;
    let found = actor.get("Communication?subject=Patient/p").await;
    assert_eq!(found.matches(), [made]);
    assert!(!found.text.contains("Homer"));
    let missing = actor.get("Communication?subject:missing=false").await;
    assert_eq!(missing.status, 403, "{}", missing.text);
}
