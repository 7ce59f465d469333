//! What a Bundle must be, what it may hold, and the form of its answer.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::World;
use crate::transaction::{A, base64, bundle, header, location, post, statuses, transact};

#[rstest]
#[case::no_bundle(json!({ "resourceType": "Patient" }), "resourceType")]
#[case::no_type(json!({ "resourceType": "Bundle" }), "Bundle.type")]
#[case::another_type(json!({ "resourceType": "Bundle", "type": "searchset" }), "Bundle.type")]
#[case::no_list(json!({ "resourceType": "Bundle", "type": "transaction", "entry": {} }), "Bundle.entry")]
#[case::no_request(bundle("transaction", json!([{}])), "Bundle.entry[0].request")]
#[case::no_object(bundle("transaction", json!([1])), "Bundle.entry[0].request")]
#[case::no_method(bundle("transaction", json!([{ "request": { "url": "Patient" } }])), "Bundle.entry[0].request.method")]
#[case::unknown_method(bundle("transaction", json!([{ "request": { "method": "TRACE", "url": "Patient" } }])), "Bundle.entry[0].request.method")]
#[case::no_url(bundle("transaction", json!([{ "request": { "method": "GET" } }])), "Bundle.entry[0].request.url")]
#[case::the_base(bundle("transaction", json!([{ "request": { "method": "POST", "url": "" }, "resource": {} }])), "Bundle.entry[0].request.url")]
#[case::another_server(bundle("transaction", json!([{ "request": { "method": "GET", "url": "http://x.example/Patient/1" } }])), "Bundle.entry[0].request.url")]
#[case::no_resource(bundle("transaction", json!([{ "request": { "method": "POST", "url": "Patient" } }])), "Bundle.entry[0].resource")]
#[case::resource_no_object(bundle("transaction", json!([{ "request": { "method": "POST", "url": "Patient" }, "resource": [] }])), "Bundle.entry[0]")]
#[case::header_no_text(bundle("transaction", json!([{ "request": { "method": "GET", "url": "Patient", "ifMatch": 1 } }])), "Bundle.entry[0].request.ifMatch")]
#[tokio::test]
async fn malformed_bundles(#[case] body: Value, #[case] place: &str) {
    let world = World::new().await;
    let answer = world.admin.post("", &body).await;
    assert_eq!(
        (answer.status, answer.issue().as_str()),
        (400, "structure"),
        "{}",
        answer.text
    );
    assert_eq!(answer.json()["issue"][0]["expression"][0], place);
}

#[tokio::test]
async fn a_bundle_has_a_limit_and_may_be_empty() {
    let world = World::with_limits(|limits| limits.bundle_entries = 3).await;
    let entries = |count: usize| vec![post("urn:uuid:x", header()); count];
    let full = entries(3)
        .into_iter()
        .enumerate()
        .map(|(at, mut entry)| {
            entry["fullUrl"] = format!("urn:uuid:{at}").into();
            entry
        })
        .collect();
    assert_eq!(transact(&world.admin, full).await.status, 200);
    let more = transact(&world.admin, entries(4).into()).await;
    assert_eq!((more.status, more.issue().as_str()), (400, "too-costly"));
    let none = json!({ "resourceType": "Bundle", "type": "transaction" });
    let answer = world.admin.post("", &none).await;
    assert_eq!(
        answer.json(),
        json!({ "resourceType": "Bundle", "type": "transaction-response" })
    );
}

#[tokio::test]
async fn what_comes_back_is_what_the_client_prefers() {
    let world = World::new().await;
    for (prefer, resource, outcome) in [
        ("return=minimal", false, false),
        ("return=OperationOutcome", false, true),
        ("return=representation", true, false),
    ] {
        let headers = [("content-type", "application/json"), ("prefer", prefer)];
        let body = bundle("transaction", json!([post(A, header())])).to_string();
        let answer = world
            .admin
            .send(Method::POST, "", &headers, Some(body))
            .await;
        let entry = answer.json()["entry"][0].clone();
        assert_eq!(entry.get("resource").is_some(), resource, "{prefer}");
        assert_eq!(
            entry["response"].get("outcome").is_some(),
            outcome,
            "{prefer}"
        );
        assert!(entry["response"]["location"].is_string());
    }
}

#[tokio::test]
async fn patches_come_as_binary_and_as_parameters() {
    let world = World::new().await;
    let reference = world.admin.make(header()).await;
    let parameters = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "operation", "part": [
            { "name": "op", "valueCode": "replace" },
            { "name": "path", "valueString": "/status" },
            { "name": "value", "valueString": "\"completed\"" },
        ] },
        { "name": "operation", "part": [
            { "name": "op", "valueCode": "add" },
            { "name": "path", "valueString": "/topic" },
            { "name": "value", "valueString": "{\"text\":\"t\"}" },
        ] },
    ] });
    let binary = |text: &str| json!({ "resourceType": "Binary", "contentType": "application/json-patch+json", "data": base64(text) });
    let patch = async |resource: Value| {
        let request = json!({ "method": "PATCH", "url": reference });
        transact(
            &world.admin,
            json!([{ "request": request, "resource": resource }]),
        )
        .await
    };
    let answer = patch(parameters).await;
    assert_eq!(statuses(&answer), ["200"]);
    let stored = world.admin.get(&reference).await.json();
    assert_eq!(
        (&stored["status"], &stored["topic"]["text"]),
        (&json!("completed"), &json!("t"))
    );
    let answer = patch(binary(r#"[{"op":"remove","path":"/topic"}]"#)).await;
    assert_eq!(statuses(&answer), ["200"]);
    assert!(
        world
            .admin
            .get(&reference)
            .await
            .json()
            .get("topic")
            .is_none()
    );

    // A patch may name what the transaction makes.
    let text = format!(r#"[{{"op":"add","path":"/partOf","value":[{{"reference":"{A}"}}]}}]"#);
    let entries = json!([
        { "request": { "method": "PATCH", "url": reference }, "resource": binary(&text) },
        post(A, header()),
    ]);
    let answer = transact(&world.admin, entries).await;
    assert_eq!(statuses(&answer), ["200", "201"]);
    let stored = world.admin.get(&reference).await.json();
    assert_eq!(stored["partOf"][0]["reference"], location(&answer, 1));

    for wrong in [
        json!({ "resourceType": "Patient" }),
        json!({ "resourceType": "Binary", "contentType": "text/plain", "data": base64("[]") }),
        json!({ "resourceType": "Binary", "contentType": "application/json-patch+json", "data": "?" }),
        binary("{"),
        binary(r#"[{"op":"replace","path":"/nothing","value":1}]"#),
        json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
            { "name": "type", "valueCode": "replace" }, { "name": "path", "valueString": "Communication.status" } ] }] }),
        json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
            { "name": "op", "valueCode": "replace" }, { "name": "path", "valueString": "/status" },
            { "name": "value", "valueString": "completed" } ] }] }),
    ] {
        let answer = patch(wrong.clone()).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text);
        answer.issue();
    }
}
