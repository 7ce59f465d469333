//! Conditional create, update, patch and delete, and what they tell about what is hidden.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, World};

fn patient(identifier: &str) -> Value {
    json!({
        "resourceType": "Patient",
        "identifier": [{ "system": "urn:mrn", "value": identifier }],
    })
}

async fn create_unless(actor: &Actor, criteria: &str, body: &Value) -> Answer {
    let headers = [
        ("content-type", "application/fhir+json"),
        ("if-none-exist", criteria),
    ];
    actor
        .send(Method::POST, "Patient", &headers, Some(body.to_string()))
        .await
}

#[tokio::test]
async fn a_conditional_create_makes_one_and_then_finds_it() {
    let world = World::new().await;
    let criteria = "identifier=urn:mrn|1";
    let first = create_unless(&world.admin, criteria, &patient("1")).await;
    assert_eq!(first.status, 201, "{}", first.text);
    // Of a replay the body does not count, be it what it may.
    let again = json!({ "resourceType": "Patient", "generalPractitioner": [{ "reference": "Practitioner?name=nobody" }] });
    let second = create_unless(&world.admin, criteria, &again).await;
    assert_eq!((second.status, &second.text), (200, &first.text));
    assert_eq!(second.header("etag"), first.header("etag"));

    world.admin.make(patient("1")).await;
    let several = create_unless(&world.admin, criteria, &patient("1")).await;
    assert_eq!(
        (several.status, several.issue().as_str()),
        (412, "multiple-matches")
    );
    assert_eq!(world.admin.get("Patient").await.matches().len(), 2);
}

#[rstest]
#[case::empty("", 201)]
#[case::unknown_parameter("colour=red", 400)]
#[case::whole_url("Patient?identifier=1", 400)]
#[case::about_the_result("_sort=name", 400)]
#[case::badly_encoded("identifier=%zz", 400)]
#[tokio::test]
async fn criteria_of_a_create(#[case] criteria: &str, #[case] status: u16) {
    let world = World::new().await;
    let answer = create_unless(&world.admin, criteria, &patient("1")).await;
    assert_eq!(answer.status, status, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_identical_creates_at_the_same_time_one_makes_the_resource() {
    let world = World::new().await;
    let mut tasks = Vec::new();
    for _ in 0..32 {
        let admin = world.admin.clone();
        tasks.push(tokio::spawn(async move {
            let answer = create_unless(&admin, "identifier=urn:mrn|1", &patient("1")).await;
            (answer.status, answer.reference())
        }));
    }
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    let created = answers.iter().filter(|(status, _)| *status == 201).count();
    assert_eq!(created, 1, "{answers:?}");
    assert!(
        answers.iter().all(|(status, reference)| {
            matches!(status, 200 | 201) && *reference == answers[0].1
        })
    );
    assert_eq!(world.admin.get("Patient").await.matches().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_identical_updates_at_the_same_time_one_creates() {
    let world = World::new().await;
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let admin = world.admin.clone();
        tasks.push(tokio::spawn(async move {
            let path = "Patient?identifier=urn:mrn|1";
            admin.put(path, &patient("1")).await.status
        }));
    }
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses.pop(), Some(201));
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(world.admin.get("Patient").await.matches().len(), 1);
}

/// A check that the client asked for is never skipped, whatever the method.
#[rstest]
#[case::put(Method::PUT)]
#[case::patch(Method::PATCH)]
#[case::delete(Method::DELETE)]
#[tokio::test]
async fn preconditions_count_on_every_write(
    #[case] method: Method,
    #[values(("if-match", "W/\"stale\"", 412), ("if-none-match", "*", 412), ("if-match", "stale", 400), ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT", 400))]
    condition: (&str, &str, u16),
    #[values(true, false)] by_criteria: bool,
) {
    let world = World::new().await;
    let reference = world.admin.make(patient("1")).await;
    let stored = world.admin.get(&reference).await;
    let body = match method {
        Method::PUT => {
            let mut body = stored.json();
            body["active"] = true.into();
            Some(body.to_string())
        }
        Method::PATCH => {
            Some(json!([{ "op": "add", "path": "/active", "value": true }]).to_string())
        }
        _ => None,
    };
    let path = if by_criteria {
        "Patient?identifier=urn:mrn|1"
    } else {
        &*reference
    };
    let (name, value, status) = condition;
    let headers = [("content-type", "application/json"), (name, value)];
    let answer = world.admin.send(method, path, &headers, body).await;
    assert_eq!(answer.status, status, "{}", answer.text);
    answer.issue();
    assert_eq!(world.admin.get(&reference).await.text, stored.text);
}

#[tokio::test]
async fn a_conditional_update_replaces_or_creates() {
    let world = World::new().await;
    let path = "Patient?identifier=urn:mrn|1";
    let first = world.admin.put(path, &patient("1")).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert!(!first.header("location").is_empty());
    let same = world.admin.put(path, &patient("1")).await;
    assert_eq!(
        (same.status, same.header("etag")),
        (200, first.header("etag"))
    );
    let mut changed = patient("1");
    changed["active"] = true.into();
    let second = world.admin.put(path, &changed).await;
    assert_eq!(
        (second.status, second.reference()),
        (200, first.reference())
    );
    assert_eq!(second.json()["active"], true);

    changed["id"] = first.json()["id"].clone();
    assert_eq!(world.admin.put(path, &changed).await.status, 200);
    changed["id"] = "another".into();
    let other = world.admin.put(path, &changed).await;
    assert_eq!((other.status, other.issue().as_str()), (400, "invalid"));

    world.admin.make(patient("1")).await;
    assert_eq!(world.admin.put(path, &patient("1")).await.status, 412);
}

#[tokio::test]
async fn a_conditional_update_with_an_id_creates_under_it_for_those_who_may() {
    let world = World::new().await;
    let mut body = patient("1");
    body["id"] = "chosen".into();
    let actor = world.actor(json!([{ "resourceType": "Patient" }])).await;
    let path = "Patient?identifier=urn:mrn|1";
    let refused = actor.put(path, &body).await;
    assert_eq!((refused.status, refused.issue().as_str()), (400, "invalid"));
    let created = world.admin.put(path, &body).await;
    assert_eq!(
        (created.status, created.reference().as_str()),
        (201, "Patient/chosen")
    );
    // The id is taken, but the criteria do not match.
    let taken = world.admin.put("Patient?identifier=urn:mrn|2", &body).await;
    assert_eq!((taken.status, taken.issue().as_str()), (400, "duplicate"));
}

#[tokio::test]
async fn a_conditional_update_respects_if_match() {
    let world = World::new().await;
    let path = "Patient?identifier=urn:mrn|1";
    let first = world.admin.put(path, &patient("1")).await;
    let mut body = patient("1");
    body["active"] = true.into();
    assert_eq!(world.admin.put_if(path, "W/\"x\"", &body).await.status, 412);
    let etag = first.header("etag");
    assert_eq!(world.admin.put_if(path, etag, &body).await.status, 200);
}

#[tokio::test]
async fn a_conditional_patch_needs_one_match() {
    let world = World::new().await;
    let operations = json!([{ "op": "add", "path": "/active", "value": true }]);
    let path = "Patient?identifier=urn:mrn|1";
    assert_eq!(world.admin.patch(path, &operations).await.status, 404);
    let reference = world.admin.make(patient("1")).await;
    let patched = world.admin.patch(path, &operations).await;
    assert_eq!((patched.status, patched.reference()), (200, reference));
    world.admin.make(patient("1")).await;
    assert_eq!(world.admin.patch(path, &operations).await.status, 412);
}

#[tokio::test]
async fn a_conditional_delete_deletes_one() {
    let world = World::new().await;
    let path = "Patient?identifier=urn:mrn|1";
    assert_eq!(world.admin.delete(path).await.status, 404);
    let reference = world.admin.make(patient("1")).await;
    let other = world.admin.make(patient("1")).await;
    assert_eq!(world.admin.delete(path).await.status, 412);
    assert_eq!(world.admin.get(&reference).await.status, 200);
    world.admin.delete(&other).await;
    assert_eq!(world.admin.delete(path).await.status, 200);
    assert_eq!(world.admin.get(&reference).await.status, 410);
    assert_eq!(world.admin.delete(path).await.status, 404);
}

/// R.3: conditional interactions need search as well, an upsert create and update.
#[rstest]
#[case::all(&["search", "read", "create", "update", "delete"], [201, 201, 200, 200])]
#[case::no_search(&["read", "create", "update", "delete"], [403, 403, 403, 403])]
#[case::no_create(&["search", "read", "update", "delete"], [403, 403, 200, 200])]
#[case::no_update(&["search", "read", "create", "delete"], [201, 403, 403, 200])]
#[case::no_delete(&["search", "read", "create", "update"], [201, 201, 200, 403])]
#[case::no_read(&["search", "create", "update", "delete"], [201, 403, 403, 403])]
#[tokio::test]
async fn what_has_to_be_granted(#[case] interactions: &[&str], #[case] statuses: [u16; 4]) {
    let world = World::new().await;
    let actor = world
        .actor(json!([{ "resourceType": "Patient", "interaction": interactions }]))
        .await;
    world.admin.make(patient("1")).await;
    let operations = json!([{ "op": "add", "path": "/active", "value": true }]);
    let found = [
        create_unless(&actor, "identifier=urn:mrn|2", &patient("2"))
            .await
            .status,
        actor
            .put("Patient?identifier=urn:mrn|3", &patient("3"))
            .await
            .status,
        actor
            .patch("Patient?identifier=urn:mrn|1", &operations)
            .await
            .status,
        actor.delete("Patient?identifier=urn:mrn|1").await.status,
    ];
    assert_eq!(found, statuses);
}

/// What the actor's searches do not find is no match: neither that it is there nor that there are
/// several is told.
#[tokio::test]
async fn a_hidden_match_is_none() {
    let world = World::new().await;
    let actor = world
        .actor(json!([{ "resourceType": "Patient", "criteria": "Patient?active=true" }]))
        .await;
    let hidden = world.admin.make(patient("1")).await;
    let path = "Patient?identifier=urn:mrn|1";
    let operations = json!([{ "op": "add", "path": "/gender", "value": "male" }]);
    let none = actor
        .patch("Patient?identifier=urn:mrn|none", &operations)
        .await;
    let patched = actor.patch(path, &operations).await;
    assert_eq!((patched.status, &patched.text), (404, &none.text));
    let deleted = actor.delete(path).await;
    assert_eq!((deleted.status, &deleted.text), (404, &none.text));
    assert_eq!(world.admin.get(&hidden).await.status, 200);

    let mut own = patient("1");
    own["active"] = true.into();
    let created = create_unless(&actor, "identifier=urn:mrn|1", &own).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_ne!(created.reference(), hidden);
    // Two match, of which one is visible.
    let updated = actor.put(path, &own).await;
    assert_eq!(
        (updated.status, updated.reference()),
        (200, created.reference())
    );
    assert_eq!(actor.delete(path).await.status, 200);
    assert_eq!(world.admin.get(&hidden).await.status, 200);
    // What the actor may not make is refused, whatever is hidden.
    let outside = create_unless(&actor, "identifier=urn:mrn|1", &patient("1")).await;
    assert_eq!(outside.status, 403);
}

#[tokio::test]
async fn criteria_cannot_ask_about_a_hidden_field() {
    let world = World::new().await;
    let actor = world
        .actor(json!([{ "resourceType": "Patient", "hiddenFields": ["identifier"] }]))
        .await;
    world.admin.make(patient("1")).await;
    for identifier in ["1", "2"] {
        let criteria = format!("identifier=urn:mrn|{identifier}");
        let created = create_unless(&actor, &criteria, &patient("1")).await;
        assert_eq!(created.status, 403);
        let deleted = actor.delete(&format!("Patient?{criteria}")).await;
        assert_eq!(deleted.status, 403);
    }
}
