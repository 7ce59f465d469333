//! `/metadata` says what the server does, and does what it says.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::World;
use crate::transaction::bundle;

async fn of_type(world: &World, name: &str) -> Value {
    let statement = world.nobody().get("metadata").await.json();
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let found = resources.iter().find(|resource| resource["type"] == name);
    found.unwrap().clone()
}

fn codes(of: &Value) -> Vec<String> {
    let listed = of["interaction"].as_array().unwrap();
    let code = |interaction: &Value| interaction["code"].as_str().unwrap().to_owned();
    listed.iter().map(code).collect()
}

/// Asks for every interaction of the R4 value set, and compares what is answered with what is
/// declared.
#[tokio::test]
async fn interactions_are_done_if_they_are_declared() {
    let world = World::new().await;
    let admin = &world.admin;
    let task = json!({ "resourceType": "Task", "status": "ready", "intent": "order" });
    let made = admin.post("Task", &task).await;
    let reference = made.reference();
    let mut stored = made.json();
    stored["status"] = "completed".into();
    let version = made
        .header("etag")
        .trim_start_matches("W/")
        .replace('"', "");
    let operation = json!([{ "op": "replace", "path": "/status", "value": "failed" }]);
    let empty = |kind: &str| bundle(kind, json!([]));
    let answered = [
        ("create", admin.post("Task", &task).await.status),
        ("read", admin.get(&reference).await.status),
        (
            "vread",
            admin
                .get(&format!("{reference}/_history/{version}"))
                .await
                .status,
        ),
        ("update", admin.put(&reference, &stored).await.status),
        ("patch", admin.patch(&reference, &operation).await.status),
        (
            "history-instance",
            admin.get(&format!("{reference}/_history")).await.status,
        ),
        ("history-type", admin.get("Task/_history").await.status),
        ("search-type", admin.get("Task").await.status),
        ("delete", admin.delete(&reference).await.status),
    ];
    let declared = codes(&of_type(&world, "Task").await);
    for (code, status) in answered {
        assert_eq!(
            matches!(status, 200 | 201),
            declared.contains(&code.to_owned()),
            "{code}: {status}"
        );
    }
    assert_eq!(declared.len(), answered.len());

    let statement = world.nobody().get("metadata").await.json();
    let declared = codes(&statement["rest"][0]);
    let answered = [
        (
            "transaction",
            admin.post("", &empty("transaction")).await.status,
        ),
        ("batch", admin.post("", &empty("batch")).await.status),
        ("history-system", admin.get("_history").await.status),
        ("search-system", admin.get("?_type=Task").await.status),
    ];
    for (code, status) in answered {
        assert_eq!(
            status == 200,
            declared.contains(&code.to_owned()),
            "{code}: {status}"
        );
    }
}

#[rstest]
#[case("Task", true)]
#[case("Binary", false)]
#[tokio::test]
async fn conditions_are_offered_if_they_are_declared(#[case] name: &str, #[case] offered: bool) {
    let world = World::new().await;
    let declared = of_type(&world, name).await;
    assert_eq!(declared["conditionalCreate"], offered);
    assert_eq!(declared["conditionalUpdate"], offered);
    let delete = if offered { "single" } else { "not-supported" };
    assert_eq!(declared["conditionalDelete"], delete);
    let body = match name {
        "Task" => json!({ "resourceType": "Task", "status": "ready", "intent": "order" }),
        _ => json!({ "resourceType": "Binary", "contentType": "text/plain" }),
    };
    let headers = [
        ("content-type", "application/fhir+json"),
        ("if-none-exist", "_tag=none"),
    ];
    let created = world
        .admin
        .send(Method::POST, name, &headers, Some(body.to_string()))
        .await;
    assert_eq!(created.status == 201, offered, "{}", created.text);
    let updated = world.admin.put(&format!("{name}?_tag=none"), &body).await;
    assert_eq!(updated.status == 201, offered, "{}", updated.text);
    let deleted = world.admin.delete(&format!("{name}?_tag=none")).await;
    assert_eq!(deleted.status == 404, offered, "{}", deleted.text);
}

#[tokio::test]
async fn operations_are_those_that_are_declared() {
    let world = World::new().await;
    let declared = of_type(&world, "Patient").await;
    for operation in declared["operation"].as_array().unwrap() {
        let path = format!("Patient/${}", operation["name"].as_str().unwrap());
        let answer = world
            .admin
            .post(&path, &json!({ "resourceType": "Patient" }))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let other = world.admin.post("Patient/$match", &json!({})).await;
    assert_eq!(
        (other.status, other.issue().as_str()),
        (400, "not-supported")
    );
}

#[rstest]
#[case("mode=full", 200)]
#[case("_summary=true", 200)]
#[case("_elements=rest", 200)]
#[case("mode=terminology", 400)]
#[case("colour=red", 400)]
#[tokio::test]
async fn the_statement_is_asked_for_without_a_token(#[case] query: &str, #[case] status: u16) {
    let world = World::new().await;
    let answer = world.nobody().get(&format!("metadata?{query}")).await;
    assert_eq!(answer.status, status, "{}", answer.text);
    let statement = answer.json();
    let cut = query.starts_with('_');
    assert_eq!(statement["meta"]["tag"][0]["code"] == "SUBSETTED", cut);
    if query == "_elements=rest" {
        assert!(statement.get("software").is_none());
        assert_eq!(statement["rest"][0]["mode"], "server");
    }
}
