//! Conditional references outside of Bundles, and `checkReferencesOnWrite`.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{World, message};

fn patient(phone: &str, active: bool) -> Value {
    json!({
        "resourceType": "Patient",
        "active": active,
        "telecom": [{ "system": "phone", "value": phone }],
    })
}

fn from(sender: &str) -> Value {
    message(sender, &[])
}

/// Medplum, "External messaging integration patterns": a sender named by a phone number.
#[tokio::test]
async fn a_reference_by_criteria_becomes_the_one_match() {
    let world = World::new().await;
    let sender = world.admin.make(patient("+1555", true)).await;
    let base = format!("{}fhir/R4/", world.server.base_url);
    for reference in [
        "Patient?phone=%2B1555".to_owned(),
        format!("{base}Patient?phone=%2B1555"),
    ] {
        let made = world.admin.post("Communication", &from(&reference)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert_eq!(made.json()["sender"]["reference"], sender);
        // Again with the update and the patch of what was made.
        let path = made.reference();
        let mut body = made.json();
        body["recipient"] = json!([{ "reference": reference }]);
        let updated = world.admin.put(&path, &body).await;
        assert_eq!(updated.json()["recipient"][0]["reference"], sender);
        let operation =
            json!([{ "op": "add", "path": "/subject", "value": { "reference": reference } }]);
        let patched = world.admin.patch(&path, &operation).await;
        assert_eq!(patched.json()["subject"]["reference"], sender);
    }
}

#[rstest]
#[case::none("Patient?phone=2", 400, "did not match any resources")]
#[case::several("Patient?phone=1", 400, "matched multiple resources")]
#[case::raw_plus("Patient?phone=+1", 400, "did not match any resources")]
#[case::unknown_parameter("Patient?colour=red", 400, "colour")]
#[case::no_criteria("Patient?", 400, "empty")]
#[case::hidden("Patient?phone=3", 400, "did not match any resources")]
#[case::type_not_granted("Organization?name=a", 403, "Organization")]
#[case::hidden_field("Patient?birthdate=2000", 403, "birthdate")]
#[tokio::test]
async fn a_write_with_a_reference_that_is_not_one_resource_is_refused(
    #[case] reference: &str,
    #[case] status: u16,
    #[case] words: &str,
) {
    let world = World::new().await;
    let actor = world
        .actor(json!([
            { "resourceType": "Communication" },
            { "resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["birthDate"] },
        ]))
        .await;
    for (phone, active) in [("1", true), ("1", true), ("3", false)] {
        world.admin.make(patient(phone, active)).await;
    }
    let stored = actor.make(message("Practitioner/a", &[])).await;
    let before = world.admin.get(&stored).await;
    let created = actor.post("Communication", &from(reference)).await;
    let mut body = before.json();
    body["sender"]["reference"] = reference.into();
    let updated = actor.put(&stored, &body).await;
    let operation = json!([{ "op": "replace", "path": "/sender/reference", "value": reference }]);
    let patched = actor.patch(&stored, &operation).await;
    for answer in [created, updated, patched] {
        assert_eq!(answer.status, status, "{}", answer.text);
        answer.issue();
        assert!(answer.words().contains(words), "{}", answer.words());
        assert_eq!(
            answer.json()["issue"][0]["expression"][0],
            "Communication.sender"
        );
    }
    assert_eq!(world.admin.get(&stored).await.text, before.text);
    assert_eq!(world.admin.get("Communication").await.matches().len(), 1);
}

/// The setting of the project, effective on the next request.
#[tokio::test]
async fn references_are_checked_where_the_project_asks() {
    let world = World::new().await;
    let actor = world
        .actor(json!([
            { "resourceType": "Communication" },
            { "resourceType": "Patient", "criteria": "Patient?active=true" },
        ]))
        .await;
    let seen = world.admin.make(patient("1", true)).await;
    let hidden = world.admin.make(patient("2", false)).await;
    assert_eq!(
        actor
            .post("Communication", &from("Patient/no"))
            .await
            .status,
        201
    );

    let project = format!("Project/{}", world.server.project);
    let setting = json!([{ "op": "add", "path": "/checkReferencesOnWrite", "value": true }]);
    let patched = world.admin.patch(&project, &setting).await;
    assert_eq!(patched.status, 200, "{}", patched.text);

    for (sender, problem) in [
        ("Patient/no", Some("Not found")),
        (&*hidden, Some("Not found")),
        (&*seen, None),
        ("Practitioner/a", Some("Forbidden")),
        ("https://elsewhere.example/Patient/1", None),
    ] {
        let answer = actor.post("Communication", &from(sender)).await;
        match problem {
            None => assert_eq!(answer.status, 201, "{}", answer.text),
            Some(problem) => {
                assert_eq!((answer.status, answer.issue().as_str()), (400, "structure"));
                assert!(answer.words().contains(problem), "{}", answer.words());
                assert_eq!(
                    answer.json()["issue"][0]["expression"][0],
                    "Communication.sender"
                );
            }
        }
    }
}
