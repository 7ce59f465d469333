//! Search: filters, order, pages, includes.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{World, message, participant};

async fn patients(world: &World, bodies: &[Value]) -> Vec<String> {
    let mut references = Vec::new();
    for body in bodies {
        let mut body = body.clone();
        body["resourceType"] = "Patient".into();
        references.push(world.admin.make(body).await);
    }
    references
}

#[rstest]
#[case::all("", &[0, 1, 2])]
#[case::token("gender=female", &[0])]
#[case::or("gender=female,male", &[0, 1])]
#[case::and("gender=female&birthdate=1990", &[0])]
#[case::and_none("gender=female&gender=male", &[])]
#[case::not("gender:not=female", &[1, 2])]
#[case::missing("gender:missing=true", &[2])]
#[case::not_missing("gender:missing=false", &[0, 1])]
#[case::string("name=smi", &[0])]
#[case::date_prefix("birthdate=gt1995", &[1])]
#[case::escaped("name=smi%74h", &[0])]
#[case::total_only("_summary=count", &[])]
#[case::a_count_of_nothing("_count=0", &[])]
#[tokio::test]
async fn filters(#[case] query: &str, #[case] expected: &[usize]) {
    let world = World::new().await;
    let made = patients(&world, &[
        json!({ "gender": "female", "birthDate": "1990-06-15", "name": [{ "family": "Smith" }] }),
        json!({ "gender": "male", "birthDate": "2000-01-01" }),
        json!({}),
    ])
    .await;
    let expected: Vec<_> = expected.iter().map(|place| made[*place].clone()).collect();
    let by_get = world.admin.get(&format!("Patient?{query}")).await;
    assert_eq!(by_get.matches(), expected);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let by_post = world
        .admin
        .send(Method::POST, "Patient/_search", &form, Some(query.into()))
        .await;
    assert_eq!(by_post.matches(), expected);
    assert_eq!(by_get.json()["type"], "searchset");
}

#[tokio::test]
async fn ids_and_totals() {
    let world = World::new().await;
    let made = patients(&world, &[json!({}), json!({}), json!({})]).await;
    let ids: Vec<&str> = made
        .iter()
        .map(|reference| reference.split_once('/').unwrap().1)
        .collect();
    let two = world
        .admin
        .get(&format!("Patient?_id={},unknown,{}", ids[2], ids[0]))
        .await;
    assert_eq!(two.matches(), [made[0].clone(), made[2].clone()]);
    let none = world
        .admin
        .get(&format!("Patient?_id={}&_id={}", ids[0], ids[1]))
        .await;
    assert!(none.matches().is_empty());
    assert!(
        none.json().get("entry").is_none(),
        "FHIR has no empty arrays"
    );
    assert!(two.json().get("total").is_none());
    for (query, total) in [
        ("_total=accurate&_count=1", json!(3)),
        ("_summary=count", json!(3)),
        ("_total=none", Value::Null),
    ] {
        assert_eq!(
            world.admin.get(&format!("Patient?{query}")).await.json()["total"],
            total,
            "{query}"
        );
    }
    let before = made.len();
    let updated = world.admin.get("Patient?_lastUpdated=gt2020-01-01").await;
    assert_eq!(updated.matches().len(), before);
    assert!(
        world
            .admin
            .get("Patient?_lastUpdated=lt2020-01-01")
            .await
            .matches()
            .is_empty()
    );
}

#[rstest]
#[case::ascending("birthdate", &[1, 0, 3, 2])]
#[case::descending("-birthdate", &[2, 0, 3, 1])]
#[case::ties_by_creation("gender", &[0, 1, 2, 3])]
#[case::two_keys("gender,-birthdate", &[0, 1, 2, 3])]
#[case::two_parameters("gender&_sort=birthdate", &[1, 0, 2, 3])]
#[case::string_without_case("family", &[2, 0, 1, 3])]
#[case::newest_first("-_lastUpdated", &[3, 2, 1, 0])]
#[tokio::test]
async fn sort(#[case] keys: &str, #[case] expected: &[usize]) {
    let world = World::new().await;
    let made = patients(
        &world,
        &[
            json!({ "birthDate": "1990", "gender": "female", "name": [{ "family": "b" }] }),
            json!({ "birthDate": "1980-05", "gender": "female", "name": [{ "family": "C" }] }),
            json!({ "gender": "female", "name": [{ "family": "A" }] }),
            json!({ "birthDate": "1990", "gender": "male" }),
        ],
    )
    .await;
    let mut expected: Vec<_> = expected.iter().map(|place| made[*place].clone()).collect();
    if keys == "gender,-birthdate" {
        // Without a birth date: first when descending.
        expected = [2, 0, 1, 3]
            .map(|place: usize| made[place].clone())
            .to_vec();
    }
    assert_eq!(
        world
            .admin
            .get(&format!("Patient?_sort={keys}"))
            .await
            .matches(),
        expected
    );
}

#[rstest]
#[case("Patient?_count=3")]
#[case("Patient?_count=3&_sort=gender")]
#[case("Patient?_count=3&_sort=-birthdate,gender")]
#[tokio::test]
async fn pages_have_every_resource_once(#[case] path: &str) {
    let world = World::new().await;
    let bodies: Vec<Value> = (0..10)
        .map(|n| json!({ "gender": if n % 2 == 0 { "male" } else { "female" }, "birthDate": format!("19{}0", n / 3) }))
        .collect();
    let mut made = patients(&world, &bodies).await;
    let pages = world.admin.pages(path).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 1]);
    let mut seen = pages.concat();
    seen.sort();
    made.sort();
    assert_eq!(seen, made);
}

#[tokio::test]
async fn pages_stay_stable_under_writes() {
    let world = World::new().await;
    let made = patients(&world, &(0..6).map(|_| json!({})).collect::<Vec<_>>()).await;
    let first = world.admin.get("Patient?_count=2&_sort=_lastUpdated").await;
    assert_eq!(first.matches(), made[..2]);
    world.admin.delete(&made[0]).await;
    world.admin.delete(&made[1]).await;
    patients(&world, &[json!({})]).await;
    let second = world.admin.get(&first.link("next").unwrap()).await;
    assert_eq!(
        second.matches(),
        made[2..4],
        "deleting what was shown skips nothing"
    );
    let rest = world.admin.get(&second.link("next").unwrap()).await;
    assert_eq!(rest.matches()[..2], made[4..]);
}

#[tokio::test]
async fn a_page_has_its_links_and_a_limit() {
    let world = World::with_limits(|limits| (limits.default_page, limits.max_page) = (2, 4)).await;
    patients(
        &world,
        &(0..6)
            .map(|_| json!({ "gender": "male" }))
            .collect::<Vec<_>>(),
    )
    .await;
    let page = world.admin.get("Patient?gender=male").await;
    assert_eq!(page.matches().len(), 2);
    assert_eq!(
        page.link("self").unwrap(),
        format!(
            "{}fhir/R4/Patient?gender=male&_count=2",
            world.server.base_url
        )
    );
    assert!(page.link("next").is_some());
    assert_eq!(
        world.admin.get("Patient?_count=1000").await.matches().len(),
        4
    );
    let later = world.admin.get("Patient?_offset=1&_count=4").await;
    let this = later.link("self").unwrap();
    assert!(this.ends_with("Patient?_count=4&_offset=1"), "{this}");
    assert_eq!(world.admin.get(&this).await.matches(), later.matches());
    let next = later.link("next").unwrap();
    assert!(!next.contains("_offset"), "{next}");
    assert_eq!(world.admin.get(&next).await.matches().len(), 1);
    assert_eq!(
        world.admin.get("Patient?_offset=5").await.matches().len(),
        1
    );
    assert!(
        world
            .admin
            .get("Patient?_offset=6")
            .await
            .matches()
            .is_empty()
    );
    let all: usize = world
        .admin
        .pages("Patient")
        .await
        .iter()
        .map(Vec::len)
        .sum();
    assert_eq!(all, 6);
}

#[tokio::test]
async fn a_cursor_tells_nothing_about_what_is_hidden() {
    let world = World::new().await;
    let alice = world.actor(participant()).await;
    let hidden = world.admin.make(message("Practitioner/a", &[])).await;
    let version = world.admin.get(&hidden).await.json()["meta"]["versionId"]
        .as_str()
        .unwrap()
        .to_owned();
    let id = hidden.split_once('/').unwrap().1;
    let of_hidden = alice
        .get(&format!("Communication?_cursor={id}_{version}"))
        .await;
    let of_missing = alice
        .get(&format!("Communication?_cursor=unknown_{version}"))
        .await;
    assert_eq!((of_hidden.status, &of_hidden.text), (400, &of_missing.text));
}

#[tokio::test]
async fn includes_bring_what_the_actor_could_find_itself() {
    let world = World::new().await;
    let alice = world
        .actor(json!([
            { "resourceType": "Communication", "criteria": "Communication?recipient=%profile" },
            { "resourceType": "Patient", "criteria": "Patient?gender=female" },
        ]))
        .await;
    let subjects = patients(
        &world,
        &[json!({ "gender": "female" }), json!({ "gender": "male" })],
    )
    .await;
    let mut threads = Vec::new();
    for subject in &subjects {
        let mut body = message("Practitioner/a", &[&alice.profile]);
        body["subject"] = json!({ "reference": subject });
        threads.push(world.admin.make(body).await);
    }
    let reply = |seen: bool| {
        let recipients = if seen {
            vec![&*alice.profile]
        } else {
            Vec::new()
        };
        let mut body = message("Practitioner/a", &recipients);
        body["partOf"] = json!([{ "reference": threads[0] }]);
        body
    };
    let seen = world.admin.make(reply(true)).await;
    let unseen = world.admin.make(reply(false)).await;
    let task = world.admin.make(json!({ "resourceType": "Task", "status": "ready", "intent": "order", "focus": { "reference": threads[0] } })).await;

    let headers = "Communication?part-of:missing=true";
    let query = format!(
        "{headers}&_include=Communication:subject&_revinclude=Communication:part-of&_revinclude=Task:focus&_total=accurate"
    );
    let found = alice.get(&query).await;
    assert_eq!(found.matches(), threads);
    assert_eq!(found.found("include"), [subjects[0].clone(), seen.clone()]);
    assert_eq!(found.json()["total"], 2, "includes do not count");
    let found = world.admin.get(&query).await;
    assert_eq!(
        found.found("include"),
        [subjects[0].clone(), subjects[1].clone(), seen, unseen, task]
    );

    let other_target = world
        .admin
        .get(&format!("{headers}&_include=Communication:subject:Group"))
        .await;
    assert!(other_target.found("include").is_empty());
    let target = world
        .admin
        .get(&format!("{headers}&_include=Communication:subject:Patient"))
        .await;
    assert_eq!(target.found("include"), subjects);
}

#[rstest]
#[case::unknown("gendre=male", "invalid", "gender")]
#[case::unknown_sort("_sort=gendre", "invalid", "gender")]
#[case::modifier("gender:in=x", "not-supported", "in")]
#[case::modifier_of_result("_sort:desc=gender", "not-supported", "_sort")]
#[case::chain("organization.name=x", "not-supported", "organization.name")]
#[case::typed_chain(
    "organization:Organization.name=x",
    "not-supported",
    "organization:Organization.name"
)]
#[case::has("_has:Observation:subject:code=x", "not-supported", "_has")]
#[case::filter("_filter=x", "not-supported", "_filter")]
#[case::total("_total=many", "invalid", "_total")]
#[case::count("_count=many", "invalid", "_count")]
#[case::negative_count("_count=-1", "invalid", "_count")]
#[case::offset("_offset=x", "invalid", "_offset")]
#[case::cursor("_cursor=x", "invalid", "_cursor")]
#[case::empty_value("gender=", "invalid", "gender")]
#[case::bad_date("birthdate=soon", "invalid", "soon")]
#[case::bad_missing("gender:missing=maybe", "invalid", "missing")]
#[case::include_all("_include=*", "not-supported", "_include=*")]
#[case::include_of_no_reference("_include=Patient:gender", "invalid", "gender")]
#[case::include_of_another("_include=Task:focus", "invalid", "Task")]
#[case::include_iterate(
    "_include:iterate=Patient:organization",
    "not-supported",
    "_include:iterate"
)]
#[case::include_of_no_type("_include=Patient:organization:Foo", "invalid", "Foo")]
#[case::revinclude_elsewhere("_revinclude=Communication:subject:Group", "invalid", "Patient")]
#[case::escape("gender=%zz", "invalid", "%")]
#[tokio::test]
async fn what_is_not_understood_is_an_error(
    #[case] query: &str,
    #[case] issue: &str,
    #[case] names: &str,
) {
    let world = World::new().await;
    let answer = world.admin.get(&format!("Patient?{query}")).await;
    assert_eq!(
        (answer.status, answer.issue().as_str()),
        (400, issue),
        "{}",
        answer.text
    );
    assert!(answer.words().contains(names), "{}", answer.words());
}

#[tokio::test]
async fn what_is_written_is_found_at_once() {
    let world = World::new().await;
    for number in 0..20 {
        let made = patients(&world, &[json!({ "language": format!("l{number}") })]).await;
        let found = world
            .admin
            .get("Patient?_sort=-_lastUpdated&_count=1")
            .await;
        assert_eq!(found.matches(), made);
    }
}

#[tokio::test]
async fn a_binary_cannot_be_searched() {
    let world = World::new().await;
    assert_eq!(world.admin.get("Binary").await.status, 400);
}

#[tokio::test]
async fn what_is_asked_has_a_limit() {
    let world = World::with_limits(|limits| limits.query_bytes = 100).await;
    let answer = world
        .admin
        .get(&format!("Patient?_id={}", "x,".repeat(50)))
        .await;
    assert_eq!((answer.status, answer.issue().as_str()), (414, "too-long"));
    assert!(answer.words().contains("100 bytes"));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("gender={}", "male,".repeat(150_000));
    let answer = world
        .admin
        .send(Method::POST, "Patient/_search", &form, Some(body.clone()))
        .await;
    assert_eq!((answer.status, answer.issue().as_str()), (413, "too-long"));
    let answer = world.nobody().token(&[], &body).await;
    assert_eq!(answer.status, 413);
}
