//! `_summary`, `_elements`, `_pretty` and `_format` on reads, searches and histories.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::World;

fn patient() -> Value {
    json!({
        "resourceType": "Patient",
        "text": { "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">t</div>" },
        "active": true,
        "name": [{ "family": "A" }],
        "maritalStatus": { "text": "m" },
    })
}

fn names(resource: &Value) -> Vec<&str> {
    resource
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[rstest]
#[case("_summary=true", &["resourceType", "id", "meta", "active", "name"])]
#[case("_summary=text", &["resourceType", "id", "meta", "text"])]
#[case("_summary=data", &["resourceType", "id", "meta", "active", "name", "maritalStatus"])]
#[case("_summary=false", &["resourceType", "id", "meta", "text", "active", "name", "maritalStatus"])]
#[case("_elements=name,maritalStatus", &["resourceType", "id", "meta", "name", "maritalStatus"])]
#[tokio::test]
async fn an_answer_is_cut_wherever_the_resource_is(#[case] query: &str, #[case] left: &[&str]) {
    let world = World::new().await;
    let reference = world.admin.make(patient()).await;
    let version = world.admin.get(&reference).await.json()["meta"]["versionId"].clone();
    let version = version.as_str().unwrap();
    let read = world.admin.get(&format!("{reference}?{query}")).await;
    let vread = world
        .admin
        .get(&format!("{reference}/_history/{version}?{query}"))
        .await;
    let search = world
        .admin
        .get(&format!("Patient?active=true&{query}"))
        .await;
    let history = world
        .admin
        .get(&format!("{reference}/_history?{query}"))
        .await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let post = world
        .admin
        .send(
            reqwest::Method::POST,
            "Patient/_search",
            &form,
            Some(query.to_owned()),
        )
        .await;
    let listed = |answer: &crate::support::Answer| answer.json()["entry"][0]["resource"].clone();
    for resource in [
        read.json(),
        vread.json(),
        listed(&search),
        listed(&history),
        listed(&post),
    ] {
        assert_eq!(names(&resource), left);
        let tags = resource["meta"]["tag"].as_array();
        let subsetted = tags.is_some_and(|tags| tags.iter().any(|tag| tag["code"] == "SUBSETTED"));
        assert_eq!(subsetted, query != "_summary=false");
    }
    assert_eq!(
        world.admin.get(&reference).await.json()["text"],
        patient()["text"]
    );
}

#[tokio::test]
async fn the_pages_of_a_result_have_one_shape() {
    let world = World::new().await;
    for _ in 0..3 {
        world.admin.make(patient()).await;
    }
    let first = world.admin.get("Patient?_count=2&_elements=active").await;
    let second = world.admin.get(&first.link("next").unwrap()).await;
    let resource = second.json()["entry"][0]["resource"].clone();
    assert_eq!(names(&resource), ["resourceType", "id", "meta", "active"]);
}

/// What the policy hides is gone before anything is chosen.
#[tokio::test]
async fn a_hidden_element_cannot_be_asked_for() {
    let world = World::new().await;
    let actor = world
        .actor(json!([{ "resourceType": "Patient", "hiddenFields": ["name", "meta.tag"] }]))
        .await;
    let mut body = patient();
    body["meta"] = json!({ "tag": [{ "code": "secret" }] });
    let reference = world.admin.make(body).await;
    for query in [
        "_elements=name,active,meta",
        "_summary=true",
        "_summary=data",
    ] {
        for path in [
            format!("{reference}?{query}"),
            format!("Patient?{query}"),
            format!("{reference}/_history?{query}"),
        ] {
            let answer = actor.get(&path).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert!(!answer.text.contains("family"), "{path}: {}", answer.text);
            assert!(!answer.text.contains("secret"), "{path}: {}", answer.text);
            assert!(answer.text.contains("\"active\":true"), "{path}");
        }
    }
}

#[tokio::test]
async fn pretty_is_for_people() {
    let world = World::new().await;
    let reference = world.admin.make(patient()).await;
    let plain = world.admin.get(&reference).await;
    let pretty = world.admin.get(&format!("{reference}?_pretty=true")).await;
    assert_eq!(pretty.json(), plain.json());
    assert!(
        pretty
            .text
            .starts_with("{\n  \"resourceType\": \"Patient\"")
    );
    assert!(!plain.text.contains('\n'));
    let missing = world.admin.get("Patient/missing?_pretty=true").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text.contains("\n  "), "{}", missing.text);
    assert_eq!(
        world
            .admin
            .get(&format!("{reference}?_pretty=1"))
            .await
            .status,
        400
    );
}

#[rstest]
#[case("_format=json", "application/fhir+xml", 200)]
#[case("_format=application/fhir%2Bjson", "", 200)]
#[case("_format=application/fhir+json", "", 200)]
#[case("_format=xml", "application/fhir+json", 406)]
#[case("_format=application/fhir%2Bxml", "", 406)]
#[case("", "text/turtle", 406)]
#[tokio::test]
async fn json_is_the_only_format(#[case] query: &str, #[case] accept: &str, #[case] status: u16) {
    let world = World::new().await;
    let reference = world.admin.make(patient()).await;
    for path in [&*reference, "Patient", "metadata"] {
        let headers = [("accept", if accept.is_empty() { "*/*" } else { accept })];
        let answer = world
            .admin
            .send(
                reqwest::Method::GET,
                &format!("{path}?{query}"),
                &headers,
                None,
            )
            .await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert_eq!(
            answer.header("content-type"),
            "application/fhir+json; charset=utf-8"
        );
        if status == 406 {
            assert_eq!(answer.issue(), "not-supported");
        }
    }
}
