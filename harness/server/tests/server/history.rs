//! Versions and histories.

use serde_json::{Value, json};

use crate::support::{Answer, World, message, participant};

fn methods(answer: &Answer) -> Vec<String> {
    let bundle = answer.json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .map(|entry| entry["request"]["method"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_history_has_every_version_newest_first() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let first = world.admin.get(&reference).await;
    let to = |status: &str| json!([{ "op": "replace", "path": "/status", "value": status }]);
    world.admin.patch(&reference, &to("completed")).await;
    world.admin.delete(&reference).await;

    let history = world.admin.get(&format!("{reference}/_history")).await;
    assert_eq!(methods(&history), ["DELETE", "PUT", "POST"]);
    let bundle = history.json();
    assert_eq!(
        (&bundle["type"], &bundle["total"]),
        (&json!("history"), &json!(3))
    );
    assert!(bundle["entry"][0].get("resource").is_none());
    assert_eq!(bundle["entry"][1]["resource"]["status"], "completed");
    assert_eq!(bundle["entry"][2]["resource"], first.json());
    assert_eq!(bundle["entry"][2]["response"]["etag"], first.header("etag"));
    assert_eq!(
        methods(&world.admin.get("Communication/_history").await),
        ["DELETE", "PUT", "POST"]
    );
    assert!(
        world.admin.get("_history").await.json()["total"]
            .as_u64()
            .unwrap()
            >= 6,
        "with what the server began with"
    );
}

#[tokio::test]
async fn a_version_can_be_read_as_long_as_the_resource_may_be() {
    let world = World::new().await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let first = world.admin.get(&reference).await;
    let version = first.json()["meta"]["versionId"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .admin
        .patch(
            &reference,
            &json!([{ "op": "replace", "path": "/status", "value": "completed" }]),
        )
        .await;
    let old = world
        .admin
        .get(&format!("{reference}/_history/{version}"))
        .await;
    assert_eq!((old.status, &old.text), (200, &first.text));
    assert_eq!(old.header("etag"), first.header("etag"));
    assert_eq!(
        world
            .admin
            .get(&format!("{reference}/_history/nothing"))
            .await
            .status,
        404
    );
    world.admin.delete(&reference).await;
    assert_eq!(
        world
            .admin
            .get(&format!("{reference}/_history/{version}"))
            .await
            .status,
        200
    );
    let history = world
        .admin
        .get(&format!("{reference}/_history"))
        .await
        .json();
    let deletion = history["entry"][0]["response"]["etag"].as_str().unwrap();
    let deletion = deletion.trim_start_matches("W/").trim_matches('"');
    assert_eq!(
        world
            .admin
            .get(&format!("{reference}/_history/{deletion}"))
            .await
            .status,
        410
    );
}

/// Jackie was taken off the thread, then Bob was put on it.
#[tokio::test]
async fn old_versions_are_for_those_who_see_both_them_and_the_current_one() {
    let world = World::new().await;
    let jackie = world.actor(participant()).await;
    let bob = world.actor(participant()).await;
    let reference = world
        .admin
        .make(message("Practitioner/a", &[&jackie.profile]))
        .await;
    let first = world.admin.get(&reference).await.json()["meta"]["versionId"]
        .as_str()
        .unwrap()
        .to_owned();
    let to =
        |who: &str| json!([{ "op": "replace", "path": "/recipient/0/reference", "value": who }]);
    world.admin.patch(&reference, &to(&bob.profile)).await;

    assert_eq!(
        jackie
            .get(&format!("{reference}/_history/{first}"))
            .await
            .status,
        404
    );
    assert_eq!(
        jackie.get(&format!("{reference}/_history")).await.status,
        404
    );
    assert!(methods(&jackie.get("Communication/_history").await).is_empty());
    assert_eq!(
        bob.get(&format!("{reference}/_history/{first}"))
            .await
            .status,
        404
    );
    assert_eq!(
        methods(&bob.get(&format!("{reference}/_history")).await),
        ["PUT"]
    );
    assert_eq!(methods(&bob.get("Communication/_history").await), ["PUT"]);
    assert_eq!(methods(&bob.get("_history").await), ["PUT"]);
}

#[tokio::test]
async fn a_history_has_pages() {
    let world = World::new().await;
    let reference = world.admin.make(json!({ "resourceType": "Patient" })).await;
    for number in 0..6 {
        let name = json!([{ "op": "add", "path": "/language", "value": format!("l{number}") }]);
        assert_eq!(world.admin.patch(&reference, &name).await.status, 200);
    }
    let mut sizes = Vec::new();
    let mut next = Some(format!("{reference}/_history?_count=3"));
    while let Some(path) = next {
        let page = world.admin.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        sizes.push(methods(&page).len());
        next = page.link("next");
    }
    assert_eq!(sizes, [3, 3, 1]);
}

/// `vread` is granted on the type, but not on this resource.
#[tokio::test]
async fn which_versions_there_are_is_for_those_who_may_read_versions() {
    let world = World::new().await;
    let actor = world
        .actor(json!([
            { "resourceType": "Communication", "interaction": ["read"] },
            {
                "resourceType": "Communication",
                "criteria": "Communication?status=completed",
                "interaction": ["read", "vread"],
            },
        ]))
        .await;
    let reference = world.admin.make(message("Practitioner/a", &[])).await;
    let current = actor.get(&reference).await.json();
    let version = current["meta"]["versionId"].as_str().unwrap();
    let real = actor.get(&format!("{reference}/_history/{version}")).await;
    let none = actor.get(&format!("{reference}/_history/nothing")).await;
    assert_eq!((real.status, &real.text), (403, &none.text));
    assert_eq!(none.status, 403);
}

#[tokio::test]
async fn a_history_is_of_a_time() {
    let world = World::new().await;
    let reference = world.admin.make(json!({ "resourceType": "Patient" })).await;
    let mut times = Vec::new();
    let time = |resource: &Value| resource["meta"]["lastUpdated"].as_str().unwrap().to_owned();
    let mut last = time(&world.admin.get(&reference).await.json());
    for number in 0..3 {
        // Others are written until what is written has another time.
        loop {
            let other = json!({ "resourceType": "Organization", "name": "other" });
            if time(&world.admin.post("Organization", &other).await.json()) > last {
                break;
            }
        }
        let name = json!([{ "op": "add", "path": "/language", "value": format!("l{number}") }]);
        let patched = world.admin.patch(&reference, &name).await.json();
        last = time(&patched);
        times.push(last.clone());
    }
    let history = format!("{reference}/_history");
    let count = async |query: String| {
        let answer = world.admin.get(&format!("{history}?{query}")).await;
        let total = answer.json()["total"].as_u64().unwrap();
        assert_eq!(methods(&answer).len() as u64, total);
        total
    };
    assert_eq!(count("_since=2020".into()).await, 4);
    assert_eq!(count(format!("_since={}", times[1])).await, 2);
    assert_eq!(count("_since=2100-01-01T00:00:00Z".into()).await, 0);
    assert_eq!(count("_at=2020".into()).await, 0);
    // At one moment one version is current.
    assert_eq!(count(format!("_at={}", times[1])).await, 1);
    assert_eq!(count("_at=2100-01-01".into()).await, 1);

    let page = world
        .admin
        .get(&format!(
            "{history}?_since=2020-01-01T00:00:00%2B01:00&_count=3"
        ))
        .await;
    let next = page.link("next").unwrap();
    assert!(next.contains("_since="), "{next}");
    assert_eq!(methods(&world.admin.get(&next).await), ["POST"]);
}
