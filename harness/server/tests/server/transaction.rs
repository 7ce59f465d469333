//! Transactions: all or nothing.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, World, message};

pub const A: &str = "urn:uuid:11111111-1111-4111-8111-111111111111";
const B: &str = "urn:uuid:22222222-2222-4222-8222-222222222222";

pub fn bundle(kind: &str, entries: Value) -> Value {
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries })
}

pub async fn transact(actor: &Actor, entries: Value) -> Answer {
    actor.post("", &bundle("transaction", entries)).await
}

pub fn post(url: &str, resource: Value) -> Value {
    let name = resource["resourceType"].clone();
    json!({ "fullUrl": url, "resource": resource, "request": { "method": "POST", "url": name } })
}

pub fn header() -> Value {
    message("Practitioner/a", &["Practitioner/b"])
}

pub fn part_of(url: &str) -> Value {
    let mut message = header();
    message["partOf"] = json!([{ "reference": url }]);
    message
}

/// The statuses of the entries of an answer.
pub fn statuses(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let bundle = answer.json();
    let entries = bundle["entry"].as_array().unwrap();
    let status = |entry: &Value| entry["response"]["status"].as_str().unwrap().to_owned();
    entries.iter().map(status).collect()
}

pub fn location(answer: &Answer, index: usize) -> String {
    let url = answer.json()["entry"][index]["response"]["location"].clone();
    let url = url.as_str().unwrap().to_owned();
    let (url, _) = url.split_once("/_history/").unwrap();
    url.rsplit('/')
        .take(2)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect::<Vec<_>>()
        .join("/")
}

async fn total(actor: &Actor, search: &str) -> u64 {
    let separator = if search.contains('?') { '&' } else { '?' };
    let found = actor
        .get(&format!("{search}{separator}_summary=count"))
        .await;
    found.json()["total"].as_u64().unwrap()
}

/// The flow `transactional-thread-create`.
#[rstest]
#[case::in_order(vec![post(A, header()), post(B, part_of(A))], 0, 1)]
#[case::backwards(vec![post(B, part_of(A)), post(A, header())], 1, 0)]
#[tokio::test]
async fn entries_refer_to_each_other_in_any_order(
    #[case] entries: Vec<Value>,
    #[case] first: usize,
    #[case] second: usize,
) {
    let world = World::new().await;
    let answer = transact(&world.admin, entries.into()).await;
    assert_eq!(answer.json()["type"], "transaction-response");
    assert_eq!(statuses(&answer), ["201", "201"]);
    let (thread, message) = (location(&answer, first), location(&answer, second));
    let stored = world.admin.get(&message).await;
    assert_eq!(stored.json()["partOf"][0]["reference"], thread);
    assert!(!stored.text.contains("urn:uuid"), "{}", stored.text);
    let entry = &answer.json()["entry"][second];
    assert_eq!(entry["resource"], stored.json());
    assert_eq!(entry["response"]["etag"], stored.header("etag"));
    assert_eq!(
        entry["response"]["lastModified"],
        stored.json()["meta"]["lastUpdated"]
    );
}

#[tokio::test]
async fn entries_refer_to_each_other_in_a_circle_and_to_themselves() {
    let world = World::new().await;
    let conditional = |url: &str, other: &str, identifier: &str| {
        let mut entry = post(url, part_of(other));
        entry["resource"]["identifier"] = json!([{ "system": "urn:s", "value": identifier }]);
        entry["resource"]["inResponseTo"] = json!([{ "reference": url }]);
        entry["request"]["ifNoneExist"] = format!("identifier=urn:s|{identifier}").into();
        entry
    };
    let entries = json!([conditional(A, B, "a"), conditional(B, A, "b")]);
    let first = transact(&world.admin, entries.clone()).await;
    assert_eq!(statuses(&first), ["201", "201"]);
    let (a, b) = (location(&first, 0), location(&first, 1));
    let stored = world.admin.get(&a).await.json();
    assert_eq!(stored["partOf"][0]["reference"], b);
    assert_eq!(stored["inResponseTo"][0]["reference"], a);
    let again = transact(&world.admin, entries).await;
    assert_eq!(statuses(&again), ["200", "200"]);
    assert_eq!([location(&again, 0), location(&again, 1)], [a, b]);
}

/// R4 http.html: references, uris, and links of narratives; no canonicals and no words.
#[tokio::test]
async fn every_kind_of_link_is_replaced() {
    let world = World::new().await;
    let mut linking = part_of(A);
    linking["text"] = json!({
        "status": "additional",
        "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"{A}\">see {A}</a></div>"),
    });
    linking["contained"] = json!([{
        "resourceType": "Task", "id": "t", "status": "ready", "intent": "order",
        "focus": { "reference": A },
    }]);
    linking["instantiatesUri"] = json!([A]);
    linking["topic"] = json!({ "text": A });
    linking["basedOn"] = json!([{ "reference": "#t" }]);
    let answer = transact(&world.admin, json!([post(B, linking), post(A, header())])).await;
    assert_eq!(statuses(&answer), ["201", "201"]);
    let thread = location(&answer, 1);
    let stored = world.admin.get(&location(&answer, 0)).await.json();
    assert_eq!(stored["contained"][0]["focus"]["reference"], thread);
    assert_eq!(stored["instantiatesUri"][0], thread);
    let div = stored["text"]["div"].as_str().unwrap();
    assert!(
        div.contains(&format!("<a href=\"{thread}\">see {A}</a>")),
        "{div}"
    );
    assert_eq!(stored["topic"]["text"], A);
}

#[tokio::test]
async fn full_urls_of_another_server_are_those_of_the_entries() {
    let world = World::new().await;
    let entries = json!([
        post("http://x.example/fhir/Communication/1", header()),
        post(
            "http://x.example/fhir/Communication/2",
            part_of("Communication/1")
        ),
        post(
            "http://x.example/fhir/Communication/3",
            part_of("http://x.example/fhir/Communication/1")
        ),
    ]);
    let answer = transact(&world.admin, entries).await;
    let thread = location(&answer, 0);
    for index in [1, 2] {
        let stored = world.admin.get(&location(&answer, index)).await.json();
        assert_eq!(stored["partOf"][0]["reference"], thread);
    }
}

/// R4: deletes, then creates, then updates, then reads, whatever their order in the Bundle.
#[tokio::test]
async fn entries_are_worked_out_in_the_order_of_r4() {
    let world = World::new().await;
    let gone = world.admin.make(header()).await;
    let changed = world.admin.make(header()).await;
    let mut body = world.admin.get(&changed).await.json();
    body["status"] = "completed".into();
    let answer = transact(
        &world.admin,
        json!([
            { "request": { "method": "GET", "url": changed } },
            { "request": { "method": "GET", "url": "Communication?_sort=_lastUpdated&_total=accurate" } },
            { "request": { "method": "PUT", "url": changed }, "resource": body },
            { "request": { "method": "POST", "url": "Communication" }, "resource": header() },
            { "request": { "method": "DELETE", "url": gone } },
        ]),
    )
    .await;
    assert_eq!(statuses(&answer), ["200", "200", "200", "201", "200"]);
    let entries = answer.json();
    assert_eq!(entries["entry"][0]["resource"]["status"], "completed");
    assert_eq!(entries["entry"][1]["resource"]["total"], 2);
    assert_eq!(entries["entry"][4]["response"]["outcome"]["id"], "ok");
    assert_eq!(world.admin.get(&gone).await.status, 410);
}

/// Each must leave nothing behind, and say which entry it was.
#[rstest]
#[case::invalid(json!({ "resourceType": "Communication", "status": "sent" }), "POST", "Communication", 400, ".resource.status")]
#[case::forbidden(json!({ "resourceType": "Patient" }), "POST", "Patient", 403, "")]
#[case::outside_the_policy(json!({ "resourceType": "Communication", "status": "completed" }), "POST", "Communication", 403, "")]
#[case::hidden(json!({ "resourceType": "Communication", "id": "HIDDEN", "status": "completed" }), "PUT", "Communication/HIDDEN", 404, "")]
#[case::missing(Value::Null, "GET", "Communication/missing", 404, "")]
#[case::unknown_urn(
    part_of(B),
    "POST",
    "Communication",
    400,
    ".resource.partOf[0].reference"
)]
#[case::no_match(
    part_of("Communication?identifier=none"),
    "POST",
    "Communication",
    400,
    ".resource.partOf[0]"
)]
#[case::urn_in_criteria(header(), "PUT", "Communication?part-of=urn:uuid:1", 400, "")]
#[case::unknown_type(json!({ "resourceType": "Patiant" }), "POST", "Patiant", 400, ".request.url")]
#[case::no_interaction(json!({ "resourceType": "Patient" }), "POST", "Patient/1", 405, "")]
#[tokio::test]
async fn one_failing_entry_fails_them_all(
    #[case] mut resource: Value,
    #[case] method: &str,
    #[case] url: &str,
    #[case] status: u16,
    #[case] place: &str,
) {
    let world = World::new().await;
    let actor = world
        .actor(json!([{ "resourceType": "Communication", "criteria": "Communication?status=in-progress" }]))
        .await;
    let mut completed = header();
    completed["status"] = "completed".into();
    let hidden = world.admin.make(completed).await;
    let id = hidden.split_once('/').unwrap().1;
    let url = url.replace("HIDDEN", id);
    if resource["id"] == "HIDDEN" {
        resource["id"] = id.into();
    }
    let before = total(&world.admin, "Communication").await;
    let mut failing = json!({ "request": { "method": method, "url": url } });
    if !resource.is_null() {
        failing["resource"] = resource;
    }
    for at in 0..3 {
        let mut entries = vec![post(A, header()), post("urn:uuid:3", header())];
        entries.insert(at, failing.clone());
        let answer = transact(&actor, entries.into()).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        answer.issue();
        assert_eq!(
            answer.json()["issue"][0]["expression"][0],
            format!("Bundle.entry[{at}]{place}"),
            "{}",
            answer.text
        );
    }
    assert_eq!(total(&world.admin, "Communication").await, before);
}

#[rstest]
#[case::put_twice(json!([{ "request": { "method": "PUT", "url": "REF" }, "resource": "SAME" }, { "request": { "method": "PUT", "url": "REF" }, "resource": "SAME" }]), "duplicate")]
#[case::put_and_delete(json!([{ "request": { "method": "PUT", "url": "REF" }, "resource": "SAME" }, { "request": { "method": "DELETE", "url": "REF" } }]), "duplicate")]
#[case::by_condition(json!([{ "request": { "method": "PUT", "url": "REF" }, "resource": "SAME" }, { "request": { "method": "DELETE", "url": "Communication?identifier=x" } }]), "duplicate")]
#[case::full_url_twice(json!([post(A, header()), post(A, header())]), "duplicate")]
#[tokio::test]
async fn a_resource_is_written_once(#[case] entries: Value, #[case] issue: &str) {
    let world = World::new().await;
    let mut body = header();
    body["identifier"] = json!([{ "value": "x" }]);
    let reference = world.admin.make(body).await;
    let stored = world.admin.get(&reference).await;
    let mut changed = stored.json();
    changed["status"] = "completed".into();
    let entries = entries
        .to_string()
        .replace("\"SAME\"", &changed.to_string())
        .replace("REF", &reference);
    let answer = transact(&world.admin, serde_json::from_str(&entries).unwrap()).await;
    assert_eq!(
        (answer.status, answer.issue().as_str()),
        (400, issue),
        "{}",
        answer.text
    );
    assert_eq!(world.admin.get(&reference).await.text, stored.text);
    assert_eq!(total(&world.admin, "Communication").await, 1);
}

/// Medplum, "FHIR batch requests": a conditional create that another entry refers to.
#[tokio::test]
async fn a_conditional_create_is_found_by_the_second_run() {
    let world = World::new().await;
    let mut thread = post(A, header());
    thread["resource"]["identifier"] = json!([{ "system": "urn:sms", "value": "1" }]);
    thread["request"]["ifNoneExist"] = "identifier=urn:sms|1".into();
    let entries = json!([post(B, part_of(A)), thread]);
    let first = transact(&world.admin, entries.clone()).await;
    assert_eq!(statuses(&first), ["201", "201"]);
    let second = transact(&world.admin, entries.clone()).await;
    assert_eq!(statuses(&second), ["201", "200"]);
    assert_eq!(location(&first, 1), location(&second, 1));
    let stored = world.admin.get(&location(&second, 0)).await.json();
    assert_eq!(stored["partOf"][0]["reference"], location(&first, 1));

    let mut copy = header();
    copy["identifier"] = json!([{ "system": "urn:sms", "value": "1" }]);
    world.admin.make(copy).await;
    let before = total(&world.admin, "Communication").await;
    assert_eq!(transact(&world.admin, entries).await.status, 412);
    assert_eq!(total(&world.admin, "Communication").await, before);
}

/// Medplum, "FHIR batch requests", conditional references; R4 resolves them when all is written.
#[tokio::test]
async fn a_conditional_reference_may_match_what_the_transaction_makes() {
    let world = World::new().await;
    let mut thread = header();
    thread["identifier"] = json!([{ "system": "urn:sms", "value": "1" }]);
    let answer = transact(
        &world.admin,
        json!([
            post(B, part_of("Communication?identifier=urn:sms|1")),
            post(A, thread),
        ]),
    )
    .await;
    assert_eq!(statuses(&answer), ["201", "201"]);
    let stored = world.admin.get(&location(&answer, 0)).await.json();
    assert_eq!(stored["partOf"][0]["reference"], location(&answer, 1));
}

/// The flow `transaction-if-match`.
#[tokio::test]
async fn if_match_guards_every_write() {
    let world = World::new().await;
    let reference = world.admin.make(header()).await;
    let stored = world.admin.get(&reference).await;
    let mut changed = stored.json();
    changed["status"] = "completed".into();
    let patch = json!({ "resourceType": "Binary", "contentType": "application/json-patch+json",
        "data": base64(r#"[{"op":"replace","path":"/status","value":"completed"}]"#) });
    let write = |method: &str, etag: &str| {
        let mut entry =
            json!({ "request": { "method": method, "url": reference, "ifMatch": etag } });
        match method {
            "PUT" => entry["resource"] = changed.clone(),
            "PATCH" => entry["resource"] = patch.clone(),
            _ => {}
        }
        json!([post(A, header()), entry])
    };
    for method in ["PUT", "PATCH", "DELETE"] {
        let stale = transact(&world.admin, write(method, "W/\"stale\"")).await;
        assert_eq!(stale.status, 412, "{method}: {}", stale.text);
        assert_eq!(stale.json()["issue"][0]["expression"][0], "Bundle.entry[1]");
    }
    assert_eq!(world.admin.get(&reference).await.text, stored.text);
    assert_eq!(total(&world.admin, "Communication").await, 1);
    for method in ["PUT", "DELETE"] {
        let etag = world.admin.get(&reference).await.header("etag").to_owned();
        let answer = transact(&world.admin, write(method, &etag)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

pub fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test]
async fn an_entry_that_is_read_already_is_not_sent_again() {
    let world = World::new().await;
    let reference = world.admin.make(header()).await;
    let etag = world.admin.get(&reference).await.header("etag").to_owned();
    let answer = transact(
        &world.admin,
        json!([
            { "request": { "method": "GET", "url": reference, "ifNoneMatch": etag } },
            { "request": { "method": "GET", "url": reference, "ifModifiedSince": "2000-01-01T00:00:00Z" } },
        ]),
    )
    .await;
    assert_eq!(statuses(&answer), ["304", "200"]);
    assert!(answer.json()["entry"][0].get("resource").is_none());
}

/// What one writes, the others see whole: each transaction moves a Patient's two fields together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_at_the_same_time_are_each_whole() {
    let world = World::new().await;
    let mut tasks = Vec::new();
    for number in 0..100 {
        let admin = world.admin.clone();
        tasks.push(tokio::spawn(async move {
            let patient = |url: &str| {
                let mut entry = post(url, json!({ "resourceType": "Patient", "active": true }));
                entry["resource"]["identifier"] = json!([{ "system": "urn:n", "value": number.to_string() }]);
                entry
            };
            let counter = json!({
                "resource": { "resourceType": "Organization", "name": "counter",
                    "identifier": [{ "system": "urn:n", "value": "counter" }] },
                "request": { "method": "POST", "url": "Organization", "ifNoneExist": "identifier=urn:n|counter" },
            });
            let mut entries = vec![patient(A), patient(B), counter];
            if number % 2 == 1 {
                // Fails after the others have written.
                entries.push(json!({ "request": { "method": "GET", "url": "Patient/missing" } }));
            }
            transact(&admin, entries.into()).await.status
        }));
    }
    for (number, task) in tasks.into_iter().enumerate() {
        let expected = if number % 2 == 1 { 404 } else { 200 };
        assert_eq!(task.await.unwrap(), expected);
    }
    assert_eq!(total(&world.admin, "Patient").await, 100);
    assert_eq!(total(&world.admin, "Organization").await, 1);
    for number in 0..100 {
        let made = total(&world.admin, &format!("Patient?identifier=urn:n|{number}")).await;
        assert_eq!(made, if number % 2 == 1 { 0 } else { 2 });
    }
}

/// As many entries as there may be, each waiting for the next one.
#[tokio::test]
async fn a_long_chain_of_conditional_entries_is_worked_out() {
    let world = World::new().await;
    let entry = |number: usize| {
        let mut message = match number {
            199 => header(),
            _ => part_of(&format!("urn:uuid:{}", number + 1)),
        };
        message["identifier"] = json!([{ "value": number.to_string() }]);
        let mut entry = post(&format!("urn:uuid:{number}"), message);
        entry["request"]["ifNoneExist"] = format!("identifier={number}").into();
        entry
    };
    let answer = transact(&world.admin, (0..200).map(entry).collect()).await;
    assert!(statuses(&answer).iter().all(|status| status == "201"));
    let stored = world.admin.get(&location(&answer, 0)).await.json();
    assert_eq!(stored["partOf"][0]["reference"], location(&answer, 1));
}

/// What the policy hides stays hidden in what a Bundle answers, and survives what it writes.
#[tokio::test]
async fn fields_are_hidden_in_bundles_too() {
    let world = World::new().await;
    let actor = world
        .actor(json!([{ "resourceType": "Patient", "hiddenFields": ["birthDate"], "readonlyFields": ["active"] }]))
        .await;
    let reference = world
        .admin
        .make(json!({ "resourceType": "Patient", "birthDate": "2000-01-01", "active": true }))
        .await;
    let id = reference.split_once('/').unwrap().1;
    let body = json!({ "resourceType": "Patient", "id": id, "active": false, "gender": "male" });
    for kind in ["batch", "transaction"] {
        let answer = actor
            .post(
                "",
                &bundle(
                    kind,
                    json!([
                        { "request": { "method": "PUT", "url": reference }, "resource": body },
                        { "request": { "method": "GET", "url": reference } },
                        { "request": { "method": "GET", "url": "Patient" } },
                        { "request": { "method": "GET", "url": format!("{reference}/_history") } },
                    ]),
                ),
            )
            .await;
        assert_eq!(statuses(&answer), ["200"; 4]);
        assert!(!answer.text.contains("2000-01-01"), "{}", answer.text);
    }
    let stored = world.admin.get(&reference).await.json();
    assert_eq!(
        [&stored["birthDate"], &stored["active"], &stored["gender"]],
        [&json!("2000-01-01"), &json!(true), &json!("male")]
    );
}
