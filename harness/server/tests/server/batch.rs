//! Batches: every entry for itself.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{World, message};
use crate::transaction::{bundle, statuses};

/// Medplum, "FHIR batch requests": entries that do not depend on one another, and reads.
#[tokio::test]
async fn entries_are_answered_one_by_one_in_their_order() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let answer = world
        .admin
        .post(
            "",
            &bundle(
                "batch",
                json!([
                    { "request": { "method": "GET", "url": "Communication/missing" } },
                    { "request": { "method": "POST", "url": "Communication" }, "resource": message("Practitioner/a", &[]) },
                    { "request": { "method": "GET", "url": format!("{reference}/_history") } },
                    { "request": { "method": "GET", "url": "Communication?_elements=status" } },
                    { "request": { "method": "GET", "url": "Patiant/1" } },
                    { "request": { "method": "POST", "url": "Communication" }, "resource": { "resourceType": "Communication" } },
                    {},
                    { "request": { "method": "DELETE", "url": reference } },
                    { "request": { "method": "GET", "url": reference } },
                    { "request": { "method": "GET", "url": "metadata" } },
                    { "request": { "method": "POST", "url": "Communication/$validate" }, "resource": message("Practitioner/a", &[]) },
                ]),
            ),
        )
        .await;
    assert_eq!(answer.json()["type"], "batch-response");
    assert_eq!(
        statuses(&answer),
        [
            "404", "201", "200", "200", "400", "400", "400", "200", "410", "200", "200"
        ]
    );
    let entries = answer.json()["entry"].clone();
    assert_eq!(
        entries[0]["response"]["outcome"]["issue"][0]["code"],
        "not-found"
    );
    assert_eq!(entries[2]["resource"]["type"], "history");
    let found = &entries[3]["resource"]["entry"];
    assert_eq!(
        found.as_array().unwrap().len(),
        2,
        "with what was just made"
    );
    assert!(found[0]["resource"].get("sender").is_none());
    assert_eq!(
        entries[9]["resource"]["resourceType"],
        "CapabilityStatement"
    );
    assert_eq!(entries[10]["response"]["outcome"]["id"], "ok");
    assert_eq!(
        entries[5]["response"]["outcome"]["issue"][0]["expression"][0],
        "Communication.status"
    );
}

/// Medplum's addition to R4: an entry of a batch may refer to another.
#[tokio::test]
async fn an_entry_may_refer_to_another_that_was_stored() {
    let world = World::new().await;
    let entry = |url: &str, resource: Value| {
        let request = json!({ "method": "POST", "url": "Communication" });
        json!({ "fullUrl": url, "resource": resource, "request": request })
    };
    let part_of = |url: &str| {
        let mut message = message("Practitioner/a", &[]);
        message["partOf"] = json!([{ "reference": url }]);
        message
    };
    let answer = world
        .admin
        .post(
            "",
            &bundle(
                "batch",
                json!([
                    entry("urn:uuid:1", part_of("urn:uuid:2")),
                    entry("urn:uuid:2", message("Practitioner/a", &[])),
                    entry("urn:uuid:0", part_of("urn:uuid:3")),
                    entry("urn:uuid:3", json!({ "resourceType": "Communication" })),
                    entry("urn:uuid:4", part_of("urn:uuid:3")),
                    entry("urn:uuid:5", part_of("urn:uuid:none")),
                ]),
            ),
        )
        .await;
    assert_eq!(
        statuses(&answer),
        ["201", "201", "400", "400", "400", "400"]
    );
    let entries = answer.json()["entry"].clone();
    let thread = entries[1]["resource"]["id"].as_str().unwrap();
    assert_eq!(
        entries[0]["resource"]["partOf"][0]["reference"],
        format!("Communication/{thread}")
    );
    assert_eq!(world.admin.get("Communication").await.matches().len(), 2);
}

#[tokio::test]
async fn entries_of_a_batch_may_refer_to_each_other() {
    let world = World::new().await;
    let part_of = |own: &str, other: &str| {
        let mut message = message("Practitioner/a", &[]);
        message["partOf"] = json!([{ "reference": other }]);
        let request = json!({ "method": "POST", "url": "Communication" });
        json!({ "fullUrl": own, "resource": message, "request": request })
    };
    let entries = json!([
        part_of("urn:uuid:1", "urn:uuid:2"),
        part_of("urn:uuid:2", "urn:uuid:1"),
    ]);
    let answer = world.admin.post("", &bundle("batch", entries)).await;
    assert_eq!(statuses(&answer), ["201", "201"]);
    let made = answer.json()["entry"].clone();
    let resource = |at: usize| &made[at]["resource"];
    for (at, other) in [(0, 1), (1, 0)] {
        let id = resource(other)["id"].as_str().unwrap();
        assert_eq!(
            resource(at)["partOf"][0]["reference"],
            format!("Communication/{id}")
        );
    }
}

/// No right is needed for the batch, and each entry is decided as if it came alone.
#[rstest]
#[case::read("GET", "Communication/HIDDEN", "404")]
#[case::history("GET", "Communication/HIDDEN/_history", "404")]
#[case::delete("DELETE", "Communication/HIDDEN", "404")]
#[case::delete_by_condition("DELETE", "Communication?status=completed", "404")]
#[case::another_type("GET", "Patient", "403")]
#[case::policies("GET", "AccessPolicy", "403")]
#[case::search_by_a_hidden_field("GET", "Communication?sender=Practitioner/a", "403")]
#[tokio::test]
async fn every_entry_is_decided_by_the_policy(
    #[case] method: &str,
    #[case] url: &str,
    #[case] status: &str,
) {
    let world = World::new().await;
    let actor = world
        .actor(json!([{
            "resourceType": "Communication",
            "criteria": "Communication?status=in-progress",
            "hiddenFields": ["sender"],
        }]))
        .await;
    let mut completed = message("Practitioner/a", &[]);
    completed["status"] = "completed".into();
    let hidden = world.admin.make(completed).await;
    let shown = world.admin.make(message("Practitioner/a", &[])).await;
    let url = url.replace("Communication/HIDDEN", &hidden);
    for kind in ["batch", "transaction"] {
        let entries = json!([
            { "request": { "method": "GET", "url": shown } },
            { "request": { "method": method, "url": url } },
        ]);
        let answer = actor.post("", &bundle(kind, entries)).await;
        if kind == "batch" {
            assert_eq!(statuses(&answer), ["200", status], "{}", answer.text);
            assert!(
                answer.json()["entry"][0]["resource"]
                    .get("sender")
                    .is_none()
            );
        } else {
            assert_eq!(answer.status.to_string(), status);
        }
    }
    assert_eq!(world.admin.get(&hidden).await.status, 200);
}

#[tokio::test]
async fn nobody_posts_a_bundle_without_a_token() {
    let world = World::new().await;
    let answer = world.nobody().post("", &bundle("batch", json!([]))).await;
    assert_eq!(answer.status, 401);
}
