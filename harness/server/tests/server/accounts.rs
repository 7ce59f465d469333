//! Accounts and compartments of what is created. policy-semantics 2.6.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Actor, World};

/// A member whose patients are those of one organization.
async fn member(world: &World, compartment: Option<&str>) -> Actor {
    let mut policy = json!({
        "resourceType": "AccessPolicy",
        "name": "tenant",
        "resource": [
            { "resourceType": "Patient", "criteria": "Patient?_compartment=%org" },
            { "resourceType": "Observation", "criteria": "Observation?_compartment=%org" },
        ],
    });
    if let Some(compartment) = compartment {
        policy["compartment"] = json!({ "reference": compartment });
    }
    let policy = world.admin.make(policy).await;
    world
        .actor_under(&json!({ "access": [{
            "policy": { "reference": policy },
            "parameter": [{ "name": "org", "valueReference": { "reference": "Organization/north" } }],
        }] }))
        .await
}

fn observation(patient: &str) -> Value {
    json!({
        "resourceType": "Observation",
        "status": "final",
        "code": { "text": "weight" },
        "subject": { "reference": patient },
    })
}

#[rstest]
#[case::tagged(Some("%org"), 201)]
#[case::tagged_by_id(Some("Organization/%org.id"), 201)]
#[case::not_tagged(None, 403)]
#[case::tagged_for_another(Some("Organization/south"), 403)]
#[tokio::test]
async fn a_tenant_creates_only_what_is_tagged_as_its_own(
    #[case] compartment: Option<&str>,
    #[case] status: u16,
) {
    let world = World::new().await;
    let member = member(&world, compartment).await;
    let created = member
        .post("Patient", &json!({ "resourceType": "Patient" }))
        .await;
    assert_eq!(created.status, status, "{}", created.text);
    if status != 201 {
        return;
    }
    let patient = created.reference();
    let stored = world.admin.get(&patient).await.json();
    assert_eq!(
        stored["meta"]["accounts"],
        json!([{ "reference": "Organization/north" }])
    );
    assert_eq!(member.get("Patient").await.matches(), [patient]);
}

#[tokio::test]
async fn accounts_are_inherited_from_the_patient() {
    let world = World::new().await;
    let member = member(&world, None).await;
    let accounts =
        json!([{ "reference": "Organization/north" }, { "reference": "Organization/x" }]);
    let patient = world
        .admin
        .make(json!({ "resourceType": "Patient", "meta": { "accounts": accounts } }))
        .await;
    let made = member.make(observation(&patient)).await;
    assert_eq!(
        world.admin.get(&made).await.json()["meta"]["accounts"],
        accounts
    );
    let other = world.admin.make(json!({ "resourceType": "Patient" })).await;
    let refused = member.post("Observation", &observation(&other)).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn nobody_but_an_administrator_names_accounts() {
    let world = World::new().await;
    let member = member(&world, Some("%org")).await;
    let meta = json!({ "accounts": [{ "reference": "Organization/south" }] });
    let made = member
        .make(json!({ "resourceType": "Patient", "meta": meta }))
        .await;
    let north = json!([{ "reference": "Organization/north" }]);
    let mut stored = world.admin.get(&made).await.json();
    assert_eq!(stored["meta"]["accounts"], north);

    stored["meta"] = meta.clone();
    stored["active"] = true.into();
    assert_eq!(member.put(&made, &stored).await.status, 200);
    assert_eq!(
        world.admin.get(&made).await.json()["meta"]["accounts"],
        north
    );

    // An administrator who says nothing about them changes none either.
    stored.as_object_mut().unwrap().remove("meta");
    assert_eq!(world.admin.put(&made, &stored).await.status, 200);
    assert_eq!(
        world.admin.get(&made).await.json()["meta"]["accounts"],
        north
    );
    stored["meta"] = meta.clone();
    assert_eq!(world.admin.put(&made, &stored).await.status, 200);
    let after = world.admin.get(&made).await.json();
    assert_eq!(after["meta"]["accounts"], meta["accounts"]);
    assert_eq!(member.get(&made).await.status, 404);
}

/// The criteria of the entry that takes a field away ask for the account, which is there in time.
#[tokio::test]
async fn field_rules_on_create_see_the_account() {
    let world = World::new().await;
    let policy = world
        .admin
        .make(json!({
            "resourceType": "AccessPolicy",
            "name": "tenant",
            "compartment": { "reference": "Organization/north" },
            "resource": [{
                "resourceType": "Patient",
                "criteria": "Patient?_compartment=Organization/north",
                "readonlyFields": ["active"],
                "hiddenFields": ["meta.accounts"],
            }],
        }))
        .await;
    let member = world
        .actor_under(&json!({ "accessPolicy": { "reference": policy } }))
        .await;
    let made = member
        .make(json!({ "resourceType": "Patient", "active": true }))
        .await;
    let stored = world.admin.get(&made).await.json();
    assert!(stored.get("active").is_none(), "{stored}");
    assert_eq!(
        stored["meta"]["accounts"][0]["reference"],
        "Organization/north"
    );
}

/// R.4: whether there is a patient, and whose, is not told to those from whom it is hidden.
#[tokio::test]
async fn a_hidden_patient_gives_no_accounts() {
    let world = World::new().await;
    let meta = json!({ "accounts": [{ "reference": "Organization/north" }] });
    let patient = world
        .admin
        .make(json!({ "resourceType": "Patient", "meta": meta }))
        .await;
    let outsider = world
        .actor(json!([
            { "resourceType": "Patient", "criteria": "Patient?_compartment=Organization/south" },
            { "resourceType": "Observation" },
        ]))
        .await;
    let hidden = outsider.post("Observation", &observation(&patient)).await;
    assert_eq!(hidden.status, 201, "{}", hidden.text);
    assert!(
        hidden.json()["meta"].get("accounts").is_none(),
        "{}",
        hidden.text
    );
    let stored = world.admin.get(&hidden.reference()).await.json();
    assert!(stored["meta"].get("accounts").is_none(), "{stored}");
}

/// Who may not say whom a resource is about does not choose its accounts by saying so.
#[tokio::test]
async fn a_patient_that_may_not_be_named_gives_no_accounts() {
    let world = World::new().await;
    let meta = json!({ "accounts": [{ "reference": "Organization/north" }] });
    let patient = world
        .admin
        .make(json!({ "resourceType": "Patient", "meta": meta }))
        .await;
    let member = world
        .actor(json!([
            { "resourceType": "Patient" },
            { "resourceType": "Observation", "readonlyFields": ["subject"] },
        ]))
        .await;
    let made = member.make(observation(&patient)).await;
    let stored = world.admin.get(&made).await.json();
    assert!(stored.get("subject").is_none(), "{stored}");
    assert!(stored["meta"].get("accounts").is_none(), "{stored}");
}
