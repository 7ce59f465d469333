//! Create, read, update, delete.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{World, message};

#[tokio::test]
async fn a_created_resource_has_what_the_server_sets() {
    let world = World::new().await;
    let mut body = message("Practitioner/a", &[]);
    body["id"] = "mine".into();
    body["meta"] = json!({
        "versionId": "mine",
        "lastUpdated": "1999-01-01T00:00:00Z",
        "author": { "reference": "Practitioner/a" },
        "tag": [{ "system": "urn:t", "code": "kept" }],
    });
    let created = world.admin.post("Communication", &body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let resource = created.json();
    let (id, meta) = (resource["id"].as_str().unwrap(), &resource["meta"]);
    let version = meta["versionId"].as_str().unwrap();
    assert_ne!(id, "mine");
    assert_ne!(version, "mine");
    assert!(meta.get("author").is_none());
    assert_eq!(meta["tag"][0]["code"], "kept");
    let updated = meta["lastUpdated"].as_str().unwrap();
    assert!(
        updated.len() == 24 && updated.ends_with('Z') && !updated.starts_with("1999"),
        "{updated}"
    );
    assert_eq!(created.header("etag"), format!("W/\"{version}\""));
    assert_eq!(
        created.header("location"),
        format!(
            "{}fhir/R4/Communication/{id}/_history/{version}",
            world.server.base_url
        )
    );
    assert!(created.header("last-modified").ends_with(" GMT"));
    let read = world.admin.get(&created.reference()).await;
    assert_eq!((read.status, &read.text), (200, &created.text));
    assert_eq!(read.header("etag"), created.header("etag"));
}

#[tokio::test]
async fn numbers_keep_their_precision() {
    let world = World::new().await;
    let body = r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.500,"unit":"mg"}}"#;
    let headers = [("content-type", "application/fhir+json; charset=utf-8")];
    let created = world
        .admin
        .send(Method::POST, "Observation", &headers, Some(body.into()))
        .await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert!(
        world
            .admin
            .get(&created.reference())
            .await
            .text
            .contains(r#""value":1.500,"#)
    );
}

#[tokio::test]
async fn updates_make_versions_and_check_if_match() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let first = world.admin.get(&reference).await;
    let mut body = first.json();
    body["status"] = "completed".into();

    let second = world
        .admin
        .put_if(&reference, first.header("etag"), &body)
        .await;
    assert_eq!(second.status, 200, "{}", second.text);
    assert_ne!(second.header("etag"), first.header("etag"));

    body["status"] = "stopped".into();
    let stale = world
        .admin
        .put_if(&reference, first.header("etag"), &body)
        .await;
    assert_eq!((stale.status, stale.issue().as_str()), (412, "conflict"));
    assert_eq!(
        world.admin.get(&reference).await.text,
        second.text,
        "nothing changed"
    );
    assert_eq!(
        world
            .admin
            .put_if(&reference, "nonsense", &body)
            .await
            .status,
        400
    );
    assert_eq!(
        world.admin.put(&reference, &body).await.status,
        200,
        "without If-Match"
    );
}

#[tokio::test]
async fn an_update_that_changes_nothing_makes_no_version() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let first = world.admin.get(&reference).await;
    let again = world.admin.put(&reference, &first.json()).await;
    assert_eq!((again.status, again.text), (200, first.text));
}

#[tokio::test]
async fn of_racing_updates_with_if_match_one_wins() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let first = world.admin.get(&reference).await;
    let etag = first.header("etag").to_owned();
    let mut tasks = Vec::new();
    for number in 0..16 {
        let (admin, reference, etag, mut body) = (
            world.admin.clone(),
            reference.clone(),
            etag.clone(),
            first.json(),
        );
        body["topic"] = json!({ "text": number.to_string() });
        tasks.push(tokio::spawn(async move {
            admin.put_if(&reference, &etag, &body).await.status
        }));
    }
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(
        statuses[1..].iter().all(|status| *status == 412),
        "{statuses:?}"
    );
}

#[tokio::test]
async fn racing_patches_without_if_match_all_count() {
    let world = World::new().await;
    let reference = world
        .admin
        .make(message("Practitioner/a", &["Practitioner/first"]))
        .await;
    let mut tasks = Vec::new();
    for number in 0..16 {
        let (admin, reference) = (world.admin.clone(), reference.clone());
        let value = json!({ "reference": format!("Practitioner/p{number}") });
        tasks.push(tokio::spawn(async move {
            admin
                .patch(
                    &reference,
                    &json!([{ "op": "add", "path": "/recipient/-", "value": value }]),
                )
                .await
                .status
        }));
    }
    for task in tasks {
        assert_eq!(task.await.unwrap(), 200);
    }
    assert_eq!(
        world.admin.get(&reference).await.json()["recipient"]
            .as_array()
            .unwrap()
            .len(),
        17
    );
}

#[tokio::test]
async fn a_put_brings_back_what_was_deleted_and_creates_for_those_who_see_everything() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let mut body = world.admin.get(&reference).await.json();
    assert_eq!(world.admin.delete(&reference).await.status, 200);
    assert_eq!(world.admin.put(&reference, &body).await.status, 200);
    assert_eq!(world.admin.get(&reference).await.status, 200);

    body["id"] = "chosen".into();
    let actor = world
        .actor(json!([{ "resourceType": "Communication" }]))
        .await;
    let refused = actor.put("Communication/chosen", &body).await;
    assert_eq!(refused.status, 404, "whether the id is free is not told");
    let headers = [
        ("content-type", "application/fhir+json"),
        ("if-match", "W/\"1\""),
    ];
    let guarded = world
        .admin
        .send(
            Method::PUT,
            "Communication/chosen",
            &headers,
            Some(body.to_string()),
        )
        .await;
    assert_eq!(guarded.status, 404);
    let created = world.admin.put("Communication/chosen", &body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert!(created.header("location").contains("Communication/chosen/"));
    assert_eq!(
        world.admin.put("Communication/chosen", &body).await.status,
        200
    );
    body["id"] = "no_id".into();
    assert_eq!(
        world.admin.put("Communication/no_id", &body).await.issue(),
        "value"
    );
}

#[tokio::test]
async fn a_delete_respects_if_match() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let etag = world.admin.get(&reference).await.header("etag").to_owned();
    let stale = world
        .admin
        .send(Method::DELETE, &reference, &[("if-match", "W/\"x\"")], None)
        .await;
    assert_eq!(stale.status, 412);
    let deleted = world
        .admin
        .send(Method::DELETE, &reference, &[("if-match", &etag)], None)
        .await;
    assert_eq!(
        (deleted.status, deleted.issue().as_str()),
        (200, "informational")
    );
    assert!(world.admin.get("Communication").await.matches().is_empty());
}

#[rstest]
#[case::id_of_another(json!({ "resourceType": "Communication", "status": "completed", "id": "x" }), "invalid")]
#[case::no_id(json!({ "resourceType": "Communication", "status": "completed" }), "invalid")]
#[case::type_of_another(json!({ "resourceType": "Task", "id": "ID" }), "structure")]
#[case::no_type(json!({ "id": "ID" }), "structure")]
#[case::type_no_string(json!({ "resourceType": 1, "id": "ID" }), "structure")]
#[case::no_status(json!({ "resourceType": "Communication", "id": "ID" }), "required")]
#[case::unknown_code(json!({ "resourceType": "Communication", "id": "ID", "status": "sent" }), "code-invalid")]
#[case::conditional_reference(json!({ "resourceType": "Communication", "id": "ID", "status": "completed", "sender": { "reference": "Patient?phone=1" } }), "invalid")]
#[tokio::test]
async fn an_update_must_be_this_resource_and_valid(#[case] mut body: Value, #[case] issue: &str) {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    if body["id"] == "ID" {
        body["id"] = reference.split_once('/').unwrap().1.into();
    }
    let answer = world.admin.put(&reference, &body).await;
    assert_eq!(
        (answer.status, answer.issue().as_str()),
        (400, issue),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn if_none_match_saves_sending_it_again() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let etag = world.admin.get(&reference).await.header("etag").to_owned();
    let same = world
        .admin
        .send(Method::GET, &reference, &[("if-none-match", &etag)], None)
        .await;
    assert_eq!((same.status, same.text.as_str()), (304, ""));
    let other = world
        .admin
        .send(
            Method::GET,
            &reference,
            &[("if-none-match", "W/\"x\"")],
            None,
        )
        .await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn if_modified_since_saves_sending_it_again() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let modified = world.admin.get(&reference).await;
    let modified = modified.header("last-modified").to_owned();
    for (since, status) in [
        (&*modified, 304),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 200),
        ("yesterday", 400),
    ] {
        let headers = [("if-modified-since", since)];
        let answer = world
            .admin
            .send(Method::GET, &reference, &headers, None)
            .await;
        assert_eq!(answer.status, status, "{since}");
    }
}

#[tokio::test]
async fn an_update_with_if_none_match_is_for_what_is_not_there() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let body = world.admin.get(&reference).await.json();
    let headers = [
        ("content-type", "application/fhir+json"),
        ("if-none-match", "*"),
    ];
    let answer = world
        .admin
        .send(Method::PUT, &reference, &headers, Some(body.to_string()))
        .await;
    assert_eq!((answer.status, answer.issue().as_str()), (412, "conflict"));
}

#[rstest]
#[case::minimal("return=minimal", "")]
#[case::outcome("return=OperationOutcome", "OperationOutcome")]
#[case::representation("return=representation", "Communication")]
#[tokio::test]
async fn what_comes_back_is_what_the_client_prefers(
    #[case] prefer: &str,
    #[case] resource_type: &str,
) {
    let world = World::new().await;
    let headers = [
        ("content-type", "application/fhir+json"),
        ("prefer", prefer),
    ];
    let body = message("Practitioner/a", &[]).to_string();
    let answer = world
        .admin
        .send(Method::POST, "Communication", &headers, Some(body))
        .await;
    assert_eq!(answer.status, 201);
    assert!(!answer.header("location").is_empty());
    if resource_type.is_empty() {
        assert_eq!(answer.text, "");
    } else {
        assert_eq!(answer.json()["resourceType"], resource_type);
    }
}

#[tokio::test]
async fn accounts_are_for_administrators() {
    let world = World::new().await;
    let actor = world.actor(json!([{ "resourceType": "Patient" }])).await;
    let meta = json!({ "accounts": [{ "reference": "Organization/o" }] });
    let created = actor
        .make(json!({ "resourceType": "Patient", "meta": meta }))
        .await;
    let stored = world.admin.get(&created).await.json();
    assert!(stored["meta"].get("accounts").is_none());

    let mut body = stored;
    body["meta"] = meta;
    assert_eq!(world.admin.put(&created, &body).await.status, 200);
    body["active"] = true.into();
    body.as_object_mut().unwrap().remove("meta");
    assert_eq!(actor.put(&created, &body).await.status, 200);
    let stored = world.admin.get(&created).await.json();
    assert_eq!(stored["active"], true);
    assert_eq!(stored["meta"]["accounts"][0]["reference"], "Organization/o");
}

#[tokio::test]
async fn a_head_is_a_get_without_the_body() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let get = world.admin.get(&reference).await;
    let head = world.admin.send(Method::HEAD, &reference, &[], None).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(head.header("etag"), get.header("etag"));
}

#[rstest]
#[case::no_object(json!([]), "meta")]
#[case::a_number(json!({ "lastUpdated": 5 }), "lastUpdated")]
#[case::no_instant(json!({ "lastUpdated": "yesterday" }), "lastUpdated")]
#[case::unknown(json!({ "colour": "red" }), "colour")]
#[tokio::test]
async fn a_meta_must_be_valid_even_where_the_server_replaces_it(
    #[case] meta: Value,
    #[case] place: &str,
) {
    let world = World::new().await;
    let mut body = json!({ "resourceType": "Patient" });
    let reference = world.admin.make(body.clone()).await;
    body["meta"] = meta.clone();
    let created = world.admin.post("Patient", &body).await;
    body["id"] = reference.split_once('/').unwrap().1.into();
    let updated = world.admin.put(&reference, &body).await;
    let operation = json!([{ "op": "replace", "path": "/meta", "value": meta }]);
    let patched = world.admin.patch(&reference, &operation).await;
    for answer in [created, updated, patched] {
        assert_eq!(answer.status, 400, "{}", answer.text);
        answer.issue();
        assert!(answer.text.contains(place), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_meta_of_another_server_is_replaced() {
    let world = World::new().await;
    let meta = json!({
        "versionId": "7",
        "lastUpdated": "2020-01-01T00:00:00Z",
        "author": { "reference": "Practitioner/a" },
        "project": "00000000-0000-0000-0000-000000000000",
        "compartment": [{ "reference": "Patient/a" }],
        "tag": [{ "code": "kept" }],
    });
    let body = json!({ "resourceType": "Patient", "meta": meta });
    let created = world.admin.post("Patient", &body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let stored = created.json();
    assert_ne!(stored["meta"]["versionId"], "7");
    assert_eq!(stored["meta"]["tag"], json!([{ "code": "kept" }]));
    assert!(stored["meta"].get("project").is_none());
}
