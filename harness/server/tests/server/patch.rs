//! JSON Patch.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{World, message};

#[tokio::test]
async fn a_patch_changes_what_it_names_and_makes_a_version() {
    let world = World::new().await;
    let reference = world
        .admin
        .make(message("Practitioner/a", &["Practitioner/b"]))
        .await;
    let before = world.admin.get(&reference).await;
    let patched = world
        .admin
        .patch(
            &reference,
            &json!([
                { "op": "test", "path": "/status", "value": "in-progress" },
                { "op": "replace", "path": "/status", "value": "completed" },
                { "op": "add", "path": "/recipient/-", "value": { "reference": "Practitioner/c" } },
            ]),
        )
        .await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    assert_eq!(patched.json()["status"], "completed");
    assert_eq!(
        patched.json()["recipient"][1]["reference"],
        "Practitioner/c"
    );
    assert_ne!(patched.header("etag"), before.header("etag"));
    assert_eq!(world.admin.get(&reference).await.text, patched.text);
}

#[rstest]
#[case::failing_test(json!([{ "op": "replace", "path": "/status", "value": "completed" }, { "op": "test", "path": "/status", "value": "in-progress" }]), "operation 1: test failed")]
#[case::no_such_path(json!([{ "op": "replace", "path": "/nothing/here", "value": 1 }]), "nothing at `/nothing/here`")]
#[case::remove_missing(json!([{ "op": "remove", "path": "/topic" }]), "nothing at `/topic`")]
#[case::index_out_of_range(json!([{ "op": "add", "path": "/recipient/9", "value": {} }]), "nothing at `/recipient/9`")]
#[case::no_pointer(json!([{ "op": "remove", "path": "status" }]), "no JSON Pointer")]
#[case::no_operation(json!([{ "op": "frob", "path": "/status" }]), "`frob` is no operation")]
#[case::no_value(json!([{ "op": "add", "path": "/status" }]), "`value` is missing")]
#[case::no_from(json!([{ "op": "copy", "path": "/status" }]), "`from` is missing")]
#[case::into_itself(json!([{ "op": "move", "from": "/sender", "path": "/sender/display" }]), "operation 0")]
#[case::no_object(json!(["x"]), "must be an object")]
#[case::no_array(json!({ "op": "remove", "path": "/status" }), "must be an array")]
#[case::another_id(json!([{ "op": "replace", "path": "/id", "value": "x" }]), "cannot change `id`")]
#[case::another_type(json!([{ "op": "replace", "path": "/resourceType", "value": "Task" }]), "cannot change `resourceType`")]
#[case::the_whole(json!([{ "op": "replace", "path": "", "value": 1 }]), "turns the resource into a number")]
#[tokio::test]
async fn a_patch_that_cannot_be_applied_changes_nothing(
    #[case] operations: Value,
    #[case] words: &str,
) {
    let world = World::new().await;
    let reference = world
        .admin
        .make(message("Practitioner/a", &["Practitioner/b"]))
        .await;
    let before = world.admin.get(&reference).await.text;
    let answer = world.admin.patch(&reference, &operations).await;
    assert_eq!(
        (answer.status, answer.issue().as_str()),
        (400, "invalid"),
        "{}",
        answer.text
    );
    assert!(answer.words().contains(words), "{}", answer.words());
    assert_eq!(world.admin.get(&reference).await.text, before);
}

#[tokio::test]
async fn a_patch_must_leave_a_valid_resource() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let answer = world
        .admin
        .patch(&reference, &json!([{ "op": "remove", "path": "/status" }]))
        .await;
    assert_eq!((answer.status, answer.issue().as_str()), (400, "required"));
    assert_eq!(
        answer.json()["issue"][0]["expression"][0],
        "Communication.status"
    );
}

#[tokio::test]
async fn a_patch_respects_if_match() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let first = world.admin.get(&reference).await.header("etag").to_owned();
    let operations =
        json!([{ "op": "replace", "path": "/status", "value": "completed" }]).to_string();
    let headers = [
        ("content-type", "application/json-patch+json"),
        ("if-match", &*first),
    ];
    assert_eq!(
        world
            .admin
            .send(
                Method::PATCH,
                &reference,
                &headers,
                Some(operations.clone())
            )
            .await
            .status,
        200
    );
    let stale = world
        .admin
        .send(Method::PATCH, &reference, &headers, Some(operations))
        .await;
    assert_eq!((stale.status, stale.issue().as_str()), (412, "conflict"));
}

#[tokio::test]
async fn a_patch_that_changes_nothing_makes_no_version() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let before = world.admin.get(&reference).await.text;
    let answer = world
        .admin
        .patch(
            &reference,
            &json!([{ "op": "replace", "path": "/status", "value": "in-progress" }]),
        )
        .await;
    assert_eq!((answer.status, answer.text), (200, before));
}

#[tokio::test]
async fn copies_of_copies_do_not_fill_the_memory() {
    let world = World::with_limits(|limits| limits.body_bytes = 100_000).await;
    let reference = world
        .admin
        .make(message("Practitioner/a", &["Practitioner/b"]))
        .await;
    let doubling: Vec<Value> = (0..40)
        .map(|_| json!({ "op": "copy", "from": "/recipient", "path": "/recipient/-" }))
        .collect();
    let answer = world.admin.patch(&reference, &doubling.into()).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.words().contains("too large") || answer.words().contains("deep"),
        "{}",
        answer.words()
    );
}

#[tokio::test]
async fn a_deleted_resource_cannot_be_patched() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    world.admin.delete(&reference).await;
    let answer = world
        .admin
        .patch(&reference, &json!([{ "op": "remove", "path": "/sender" }]))
        .await;
    assert_eq!((answer.status, answer.issue().as_str()), (410, "deleted"));
}
