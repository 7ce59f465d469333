//! `$validate`, and how strictly a write is validated.

use fhirward_server::Validation;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, World, message};

fn severities(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.issue();
    let issues = answer.json()["issue"].clone();
    let issues = issues.as_array().unwrap();
    issues
        .iter()
        .map(|issue| issue["severity"].as_str().unwrap().to_owned())
        .collect()
}

fn parameters(resource: &Value, others: Value) -> Value {
    let mut listed = vec![json!({ "name": "resource", "resource": resource })];
    listed.extend(others.as_array().cloned().unwrap_or_default());
    json!({ "resourceType": "Parameters", "parameter": listed })
}

#[tokio::test]
async fn a_resource_is_validated_and_not_stored() {
    let world = World::new().await;
    let good = message("Practitioner/a", &[]);
    let bad = json!({ "resourceType": "Communication", "status": "sent", "payload": [{ "contentSting": "x" }] });
    for body in [good.clone(), parameters(&good, json!([]))] {
        let answer = world.admin.post("Communication/$validate", &body).await;
        assert_eq!(severities(&answer), ["information"]);
        assert_eq!(answer.json()["id"], "ok");
    }
    for body in [bad.clone(), parameters(&bad, json!([]))] {
        let answer = world.admin.post("Communication/$validate", &body).await;
        assert!(
            severities(&answer)
                .iter()
                .all(|severity| severity == "error")
        );
        let places: Vec<String> = answer.json()["issue"]
            .as_array()
            .unwrap()
            .iter()
            .map(|issue| issue["expression"][0].as_str().unwrap().to_owned())
            .collect();
        assert!(
            places.contains(&"Communication.status".to_owned()),
            "{places:?}"
        );
        assert!(
            answer.words().contains("contentString"),
            "{}",
            answer.words()
        );
    }
    assert!(world.admin.get("Communication").await.matches().is_empty());
}

#[rstest]
#[case::another_type(json!({ "resourceType": "Task" }), "", 400)]
#[case::no_resource(json!({ "resourceType": "Parameters" }), "", 400)]
#[case::unknown_mode(message("Practitioner/a", &[]), "?mode=read", 400)]
#[case::unknown_parameter(message("Practitioner/a", &[]), "?colour=red", 400)]
#[case::delete_of_nothing(message("Practitioner/a", &[]), "?mode=delete", 400)]
#[case::unknown_profile(message("Practitioner/a", &[]), "?profile=http://x.example/p", 400)]
#[case::base_profile(message("Practitioner/a", &[]), "?profile=http://hl7.org/fhir/StructureDefinition/Communication|4.0.1", 200)]
#[tokio::test]
async fn what_can_be_asked(#[case] body: Value, #[case] query: &str, #[case] status: u16) {
    let world = World::new().await;
    let answer = world
        .admin
        .post(&format!("Communication/$validate{query}"), &body)
        .await;
    assert_eq!(answer.status, status, "{}", answer.text);
    answer.issue();
}

/// With a mode it also says what the policy says.
#[tokio::test]
async fn a_mode_asks_whether_it_may_be_done() {
    let world = World::new().await;
    let actor = world
        .actor(json!([
            {
                "resourceType": "Communication",
                "criteria": "Communication?status=in-progress",
                "interaction": ["read", "search", "create", "update"],
            },
        ]))
        .await;
    let open = message("Practitioner/a", &[]);
    let mut closed = open.clone();
    closed["status"] = "completed".into();
    let reference = world.admin.make(open.clone()).await;
    let create = async |body: &Value| {
        let answer = actor
            .post("Communication/$validate?mode=create", body)
            .await;
        severities(&answer)
    };
    assert_eq!(create(&open).await, ["information"]);
    assert_eq!(create(&closed).await, ["error"]);
    let mut body = world.admin.get(&reference).await.json();
    let path = format!("{reference}/$validate");
    let mode = json!([{ "name": "mode", "valueCode": "update" }]);
    let update = actor.post(&path, &parameters(&body, mode.clone())).await;
    assert_eq!(severities(&update), ["information"]);
    body["status"] = "completed".into();
    let update = actor.post(&path, &parameters(&body, mode)).await;
    assert_eq!(severities(&update), ["error"]);
    assert_eq!(actor.get(&format!("{path}?mode=delete")).await.status, 403);
    assert_eq!(
        severities(&world.admin.get(&format!("{path}?mode=delete")).await),
        ["information"]
    );
    assert_eq!(
        world.admin.get(&reference).await.json()["status"],
        "in-progress"
    );

    let hidden = world.admin.make(closed).await;
    let read = actor.get(&format!("{hidden}/$validate")).await;
    let missing = actor.get("Communication/missing/$validate").await;
    assert_eq!((read.status, &read.text), (404, &missing.text));
}

const NO_CODE: &str = r#"{"resourceType":"Communication","status":"sent"}"#;
const NO_ELEMENT: &str = r#"{"resourceType":"Communication","status":"completed","colour":"red"}"#;
const NO_STATUS: &str = r#"{"resourceType":"Communication"}"#;
const TWO_CHOICES: &str = r#"{"resourceType":"Communication","status":"completed","payload":[{"contentString":"a","contentReference":{"reference":"Binary/a"}}]}"#;

#[rstest]
#[case::strict(Validation::Strict, [400, 400, 400, 400])]
#[case::structural(Validation::Structural, [201, 201, 400, 400])]
#[case::off(Validation::Off, [201, 201, 201, 201])]
#[tokio::test]
async fn a_server_is_as_strict_as_it_is_told(
    #[case] validation: Validation,
    #[case] expected: [u16; 4],
) {
    let world = World::with(|config| config.validation = validation).await;
    let mut found = Vec::new();
    for body in [NO_CODE, TWO_CHOICES, NO_ELEMENT, NO_STATUS] {
        let body: Value = serde_json::from_str(body).unwrap();
        found.push(world.admin.post("Communication", &body).await.status);
    }
    assert_eq!(found, expected);
    // A policy that cannot be understood would grant something else than it says.
    let policy = json!({ "resourceType": "AccessPolicy", "resource": [
        { "resourceType": "Communication", "criteria": "Communication?colour=red" } ] });
    assert_eq!(world.admin.post("AccessPolicy", &policy).await.status, 400);
}

#[tokio::test]
async fn a_project_says_how_strict_it_is() {
    let world = World::new().await;
    let body: Value = serde_json::from_str(NO_CODE).unwrap();
    let project = format!("Project/{}", world.server.project);
    for (strict, status) in [(false, 201), (true, 400)] {
        let setting = json!([{ "op": "add", "path": "/strictMode", "value": strict }]);
        let patched = world.admin.patch(&project, &setting).await;
        assert_eq!(patched.status, 200, "{}", patched.text);
        let answer = world.admin.post("Communication", &body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}
