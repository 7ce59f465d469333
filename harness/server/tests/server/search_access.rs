//! A search tells nothing that the actor could not read: not by a chain, a reverse chain, an
//! include, an order, a total or a link. policy-semantics R.2, R.4, R.9.

use rstest::rstest;
use serde_json::json;

use crate::support::{World, message, participant};

/// Of a participant who was removed: a chain into the header, hidden by now, would tell its status.
#[tokio::test]
async fn chains_see_only_what_the_actor_could_find() {
    let world = World::new().await;
    let alice = world.actor(participant()).await;
    let mut header = message("Practitioner/x", &[]);
    header["status"] = "in-progress".into();
    let header = world.admin.make(header).await;
    let mut reply = message("Practitioner/x", &[&alice.profile]);
    reply["partOf"] = json!([{ "reference": header }]);
    let reply = world.admin.make(reply).await;
    let query = "Communication?part-of:Communication.status=in-progress";
    assert_eq!(world.admin.get(query).await.matches().first(), Some(&reply));
    for query in [
        query,
        "Communication?part-of:Communication.status=completed",
        "Communication?part-of:Communication.status:not=completed",
        "Communication?part-of:Communication.part-of:missing=true",
    ] {
        assert!(alice.get(query).await.matches().is_empty(), "{query}");
    }
    assert_eq!(alice.get("Communication").await.matches(), [reply]);
}

#[tokio::test]
async fn reverse_chains_see_only_what_the_actor_could_find() {
    let world = World::new().await;
    let alice = world
        .actor(json!([
            { "resourceType": "Communication", "criteria": "Communication?recipient=%profile" },
            { "resourceType": "Patient" },
        ]))
        .await;
    let patient = world.admin.make(json!({ "resourceType": "Patient" })).await;
    let mut hidden = message("Practitioner/x", &[]);
    hidden["subject"] = json!({ "reference": patient });
    world.admin.make(hidden).await;
    let query = "Patient?_has:Communication:subject:_id:missing=false";
    assert_eq!(
        world.admin.get(query).await.matches().first(),
        Some(&patient)
    );
    assert!(alice.get(query).await.matches().is_empty());
    let total = alice.get(&format!("{query}&_total=accurate")).await;
    assert_eq!(total.json()["total"], 0);
    let mut seen = message("Practitioner/x", &[&alice.profile]);
    seen["subject"] = json!({ "reference": patient });
    world.admin.make(seen).await;
    assert_eq!(alice.get(query).await.matches(), [patient]);
}

#[rstest]
#[case::filter("Patient?birthdate=1990")]
#[case::missing("Patient?birthdate:missing=true")]
#[case::sort("Patient?_sort=birthdate")]
#[case::chain("Communication?subject:Patient.birthdate=1990")]
#[case::chain_of_any_type("Communication?patient.birthdate=1990")]
#[case::reverse("Organization?_has:Patient:organization:birthdate=1990")]
#[case::reverse_reference("Practitioner?_has:Patient:general-practitioner:_id=x")]
#[case::include("Patient?_include=Patient:general-practitioner")]
#[case::revinclude("Practitioner?_revinclude=Patient:general-practitioner")]
#[case::several_types("?_type=Patient,Communication&_sort=birthdate")]
#[tokio::test]
async fn hidden_fields_cannot_be_asked_for(#[case] query: &str) {
    let world = World::new().await;
    let policy = json!([
        { "resourceType": "Patient", "hiddenFields": ["birthDate", "generalPractitioner"] },
        { "resourceType": "Communication" },
        { "resourceType": "Organization" },
        { "resourceType": "Practitioner" },
    ]);
    let actor = world.actor(policy).await;
    if query.contains("_type") {
        // Communication has no such parameter, whoever asks.
        assert_eq!(world.admin.get(query).await.status, 400);
        assert!(matches!(actor.get(query).await.status, 400 | 403));
        return;
    }
    assert_eq!(world.admin.get(query).await.status, 200);
    let answer = actor.get(query).await;
    assert_eq!((answer.status, answer.issue().as_str()), (403, "forbidden"));
}

/// A wildcard means what the actor may follow.
#[tokio::test]
async fn a_wildcard_leaves_hidden_references_out() {
    let world = World::new().await;
    let policy = json!([
        { "resourceType": "Patient", "hiddenFields": ["generalPractitioner"] },
        { "resourceType": "Organization" },
        { "resourceType": "Practitioner" },
    ]);
    let actor = world.actor(policy).await;
    let doctor = world
        .admin
        .make(json!({ "resourceType": "Practitioner" }))
        .await;
    let clinic = world
        .admin
        .make(json!({ "resourceType": "Organization", "name": "clinic" }))
        .await;
    world
        .admin
        .make(json!({ "resourceType": "Patient", "managingOrganization": { "reference": clinic }, "generalPractitioner": [{ "reference": doctor }] }))
        .await;
    let found = actor.get("Patient?_include=*").await;
    assert_eq!(found.found("include"), [clinic]);
    let found = actor
        .get(&format!("{}?_revinclude=*", "Practitioner"))
        .await;
    assert!(found.found("include").is_empty());
    assert_eq!(
        world
            .admin
            .get("Patient?_include=*")
            .await
            .found("include")
            .len(),
        2
    );
}

#[rstest]
#[case::chain("Communication?subject:Patient.gender=male")]
#[case::reverse("Communication?_has:Task:focus:status=ready")]
#[case::value_set("Communication?category:in=http://x")]
#[case::list("Communication?_list=x")]
#[case::type_named("?_type=Communication,Patient")]
#[case::compartment("Patient/x/Observation")]
#[tokio::test]
async fn types_that_are_not_granted_are_refused(#[case] query: &str) {
    let world = World::new().await;
    let alice = world.actor(participant()).await;
    let answer = alice.get(query).await;
    assert_eq!((answer.status, answer.issue().as_str()), (403, "forbidden"));
}

#[tokio::test]
async fn a_search_of_everything_finds_what_is_granted() {
    let world = World::new().await;
    let alice = world.actor(participant()).await;
    world
        .admin
        .make(json!({ "resourceType": "Patient", "id": "p" }))
        .await;
    world.admin.make(message("Practitioner/x", &[])).await;
    let own = world
        .admin
        .make(message("Practitioner/x", &[&alice.profile]))
        .await;
    let found = alice.get("?_total=accurate").await;
    assert_eq!(found.matches(), [own]);
    assert_eq!(found.json()["total"], 1);
}

/// Pages and totals count what is visible; a page is full although others lie between.
#[tokio::test]
async fn pages_are_made_of_what_is_visible() {
    let world = World::new().await;
    let alice = world.actor(participant()).await;
    let mut own = Vec::new();
    for n in 0..90 {
        let recipients: &[&str] = if n % 30 == 0 { &[&alice.profile] } else { &[] };
        let made = world
            .admin
            .make(message("Practitioner/x", recipients))
            .await;
        if n % 30 == 0 {
            own.push(made);
        }
    }
    for (sort, expected) in [
        ("", own.clone()),
        ("&_sort=_lastUpdated", own.clone()),
        ("&_sort=-_lastUpdated", own.iter().rev().cloned().collect()),
        ("&_sort=sent", own.clone()),
    ] {
        let pages = alice.pages(&format!("Communication?_count=2{sort}")).await;
        assert_eq!(pages.concat(), expected, "{sort}");
        assert_eq!(pages.len(), 2, "{sort}");
    }
    let total = alice.get("Communication?_total=accurate&_count=1").await;
    assert_eq!(total.json()["total"], 3);
}
