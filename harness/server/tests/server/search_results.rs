//! What a search answers beside its matches: outcomes, links, includes; and where it searches.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{World, message};

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

/// R4 search, 3.1.1.2: what the server does not know it leaves out, and says so.
#[rstest]
#[case::no_preference(&[])]
#[case::lenient(&[("prefer", "handling=lenient")])]
#[tokio::test]
async fn unknown_parameters_are_reported(#[case] headers: &[(&str, &str)]) {
    let world = World::new().await;
    let made = world
        .admin
        .make(json!({ "resourceType": "Patient", "gender": "female" }))
        .await;
    world
        .admin
        .make(json!({ "resourceType": "Patient", "gender": "male" }))
        .await;
    let answer = world
        .admin
        .send(
            Method::GET,
            "Patient?gender=female&gendre=male&photo=x",
            headers,
            None,
        )
        .await;
    assert_eq!(answer.matches(), [made]);
    let bundle = answer.json();
    let outcome = bundle["entry"].as_array().unwrap().last().unwrap();
    assert_eq!(outcome["search"]["mode"], "outcome");
    let issues = outcome["resource"]["issue"].as_array().unwrap();
    assert_eq!(issues.len(), 2);
    assert_eq!(issues[0]["severity"], "warning");
    assert_eq!(issues[0]["diagnostics"], "did you mean `gender`?");
    let this = answer.link("self").unwrap();
    assert!(
        this.contains("gender=female") && !this.contains("gendre"),
        "the link tells what was searched by: {this}"
    );
}

#[rstest]
#[case::alone("handling=strict")]
#[case::with_others("return=minimal; handling=strict")]
#[tokio::test]
async fn unknown_parameters_are_errors_when_asked_for(#[case] prefer: &str) {
    let world = World::new().await;
    let answer = world
        .admin
        .send(
            Method::GET,
            "Patient?gender=female&gendre=male",
            &[("prefer", prefer)],
            None,
        )
        .await;
    assert_eq!((answer.status, answer.issue().as_str()), (400, "invalid"));
    assert!(answer.words().contains("gendre"));
}

#[tokio::test]
async fn pages_can_be_turned_in_both_directions() {
    let world = World::new().await;
    let mut made = Vec::new();
    for n in 0..7 {
        let patient = json!({ "resourceType": "Patient", "birthDate": format!("19{}0", 7 - n) });
        made.push(world.admin.make(patient).await);
    }
    for (sort, mut expected) in [
        ("", made.clone()),
        ("&_sort=_lastUpdated", made.clone()),
        ("&_sort=-birthdate", made.clone()),
        ("&_sort=-_lastUpdated", made.iter().rev().cloned().collect()),
    ] {
        let first = world.admin.get(&format!("Patient?_count=3{sort}")).await;
        assert_eq!(first.matches(), expected[..3], "{sort}");
        assert!(first.link("previous").is_none());
        let second = world.admin.get(&first.link("next").unwrap()).await;
        let third = world.admin.get(&second.link("next").unwrap()).await;
        assert_eq!(third.matches(), expected.split_off(6), "{sort}");
        assert!(third.link("next").is_none());
        let back = world.admin.get(&third.link("previous").unwrap()).await;
        assert_eq!(back.matches(), second.matches(), "{sort}");
        let start = world.admin.get(&back.link("previous").unwrap()).await;
        assert_eq!(start.matches(), first.matches(), "{sort}");
        assert!(start.link("previous").is_none(), "{sort}");
        assert_eq!(start.link("first"), first.link("first"));
        let again = world.admin.get(&third.link("first").unwrap()).await;
        assert_eq!(again.matches(), first.matches());
        let forth = world.admin.get(&start.link("next").unwrap()).await;
        assert_eq!(forth.matches(), second.matches());
    }
}

/// Newest first, as the flow `list-active-threads` asks for threads: what is shown while others
/// write is neither repeated nor left out.
#[tokio::test]
async fn newest_first_stays_stable_under_writes() {
    let world = World::new().await;
    let mut made = Vec::new();
    for _ in 0..6 {
        made.push(world.admin.make(message("Practitioner/a", &[])).await);
    }
    let first = world
        .admin
        .get("Communication?_sort=-_lastUpdated&_count=2")
        .await;
    assert_eq!(first.matches(), [made[5].clone(), made[4].clone()]);
    world.admin.make(message("Practitioner/a", &[])).await;
    world.admin.delete(&made[4]).await;
    let second = world.admin.get(&first.link("next").unwrap()).await;
    assert_eq!(second.matches(), [made[3].clone(), made[2].clone()]);
}

async fn clinic(world: &World) -> Vec<String> {
    let admin = &world.admin;
    let whole = admin
        .make(json!({ "resourceType": "Organization", "name": "whole" }))
        .await;
    let part = admin
        .make(json!({ "resourceType": "Organization", "name": "part", "partOf": { "reference": whole } }))
        .await;
    let patient = admin
        .make(json!({ "resourceType": "Patient", "managingOrganization": { "reference": part } }))
        .await;
    let header = admin
        .make(json!({ "resourceType": "Communication", "status": "in-progress", "subject": { "reference": patient } }))
        .await;
    let reply = admin
        .make(json!({ "resourceType": "Communication", "status": "completed", "partOf": [{ "reference": header }], "subject": { "reference": patient } }))
        .await;
    let task = admin
        .make(json!({ "resourceType": "Task", "status": "ready", "intent": "order", "focus": { "reference": reply } }))
        .await;
    vec![whole, part, patient, header, reply, task]
}

/// Places in [`clinic`]: 0 whole, 1 part, 2 patient, 3 header, 4 reply, 5 task.
#[rstest]
#[case::one("Communication?part-of:missing=true&_include=Communication:subject", &[2])]
#[case::not_further("Communication?part-of:missing=true&_include=Communication:subject&_include:iterate=Task:focus", &[2])]
#[case::iterate("Communication?part-of:missing=true&_include=Communication:subject&_include:iterate=Patient:organization", &[2, 1])]
#[case::iterate_over_itself("Communication?part-of:missing=true&_include=Communication:subject&_include:iterate=Patient:organization&_include:iterate=Organization:partof", &[2, 1, 0])]
#[case::all_of_a_type("Communication?part-of:missing=false&_include=Communication:*", &[3, 2])]
#[case::all("Communication?part-of:missing=false&_include=*", &[3, 2])]
#[case::a_target("Communication?part-of:missing=false&_include=Communication:subject:Group", &[])]
#[case::reverse("Communication?part-of:missing=true&_revinclude=Communication:part-of", &[4])]
#[case::reverse_iterate("Communication?part-of:missing=true&_revinclude=Communication:part-of&_revinclude:iterate=Task:focus", &[4, 5])]
#[case::reverse_all("Organization?name=part&_revinclude=*", &[2])]
#[case::reverse_all_iterate("Organization?name=whole&_revinclude:iterate=*", &[1, 2, 3, 4, 5])]
#[tokio::test]
async fn r4_includes(#[case] query: &str, #[case] expected: &[usize]) {
    let world = World::new().await;
    let made = clinic(&world).await;
    let answer = world.admin.get(query).await;
    let mut found = answer.found("include");
    let mut expected: Vec<_> = expected.iter().map(|place| made[*place].clone()).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn canonicals_are_included_by_their_url() {
    let world = World::new().await;
    let plan = world
        .admin
        .make(json!({ "resourceType": "PlanDefinition", "status": "active", "url": "http://plans/a", "version": "2" }))
        .await;
    world
        .admin
        .make(json!({ "resourceType": "Communication", "status": "completed", "instantiatesCanonical": ["http://plans/a|2", "http://plans/a|3"] }))
        .await;
    let found = world
        .admin
        .get("Communication?_include=Communication:instantiates-canonical")
        .await;
    assert_eq!(found.found("include"), [plan]);
}

#[tokio::test]
async fn several_types_are_searched_at_once() {
    let world = World::new().await;
    let made = clinic(&world).await;
    let two = world.admin.get("?_type=Patient,Task").await;
    assert_eq!(two.matches(), [made[2].clone(), made[5].clone()]);
    let form = Some("_type=Patient,Task&_sort=-_lastUpdated&_count=1".to_owned());
    let posted = world.admin.send(Method::POST, "_search", &FORM, form).await;
    assert_eq!(posted.matches(), [made[5].clone()]);
    let next = posted.link("next").unwrap();
    assert!(next.contains("/fhir/R4/?_type=Patient%2CTask"), "{next}");
    assert_eq!(world.admin.get(&next).await.matches(), [made[2].clone()]);
    let ids: Vec<&str> = [&made[0], &made[3]]
        .map(|reference| reference.split_once('/').unwrap().1)
        .to_vec();
    let by_id = world.admin.get(&format!("?_id={}", ids.join(","))).await;
    assert_eq!(by_id.matches(), [made[0].clone(), made[3].clone()]);
    let total = world
        .admin
        .get("?_type=Communication,Patient&_summary=count")
        .await;
    assert_eq!(total.json()["total"], 3);
    let strict = [("prefer", "handling=strict")];
    let one_sided = "?_type=Patient,Task&gender=male";
    let answer = world
        .admin
        .send(Method::GET, one_sided, &strict, None)
        .await;
    assert_eq!(answer.status, 400, "Task has no gender");
    assert_eq!(world.admin.get("?_type=Patient,Foo").await.status, 400);
    assert_eq!(world.admin.get("?_type=Binary").await.status, 400);
}

#[tokio::test]
async fn compartments_are_searched_by_their_path() {
    let world = World::new().await;
    let made = clinic(&world).await;
    let patient = &made[2];
    let all = world.admin.get(&format!("{patient}/Communication")).await;
    assert_eq!(all.matches(), made[3..5]);
    let some = world
        .admin
        .get(&format!("{patient}/Communication?status=completed"))
        .await;
    assert_eq!(some.matches(), made[4..5]);
    let this = some.link("self").unwrap();
    assert!(
        this.contains(&format!("{patient}/Communication?status=completed")),
        "{this}"
    );
    let form = Some("status=in-progress".to_owned());
    let posted = world
        .admin
        .send(
            Method::POST,
            &format!("{patient}/Communication/_search"),
            &FORM,
            form,
        )
        .await;
    assert_eq!(posted.matches(), made[3..4]);
    let every = world.admin.get(&format!("{patient}/*")).await;
    assert_eq!(every.matches(), made[2..5]);
    let some = world.admin.get(&format!("{patient}/*?_type=Patient")).await;
    assert_eq!(some.matches(), made[2..3]);
    for (path, status) in [
        (format!("{patient}/Medication"), 400),
        (format!("{}/Communication", made[0]), 400),
        (format!("{patient}/Foo"), 400),
        ("Patient/x~y/Communication".to_owned(), 404),
    ] {
        assert_eq!(world.admin.get(&path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn the_compartments_of_r4_besides_the_patients() {
    let world = World::new().await;
    let alice = world
        .admin
        .make(json!({ "resourceType": "Practitioner" }))
        .await;
    let bob = world
        .admin
        .make(json!({ "resourceType": "Practitioner" }))
        .await;
    let sent = world.admin.make(message(&alice, &[])).await;
    let received = world.admin.make(message(&bob, &[&alice])).await;
    world.admin.make(message(&bob, &[&bob])).await;
    let found = world.admin.get(&format!("{alice}/Communication")).await;
    assert_eq!(found.matches(), [sent, received]);
    let own = world.admin.get(&format!("{alice}/Practitioner")).await;
    assert_eq!(own.matches(), [alice]);
}

/// The searches that Medplum's messaging documentation shows.
#[rstest]
#[case::s01("Communication?part-of:missing=true", &["open", "closed"])]
#[case::s02("Communication?part-of:missing=true&status:not=completed,entered-in-error,stopped,unknown", &["open"])]
#[case::s04("Communication?part-of={open}&_sort=sent", &["first", "second", "retracted"])]
#[case::s05("Communication?part-of={open}&subject={patient}&_sort=-sent", &["second", "first"])]
#[case::s08("Communication?part-of:missing=true&recipient=Practitioner/alice&status:not=completed", &["open"])]
#[case::s13("Communication?recipient=Practitioner/alice&status:not=completed,entered-in-error,stopped,unknown&part-of:missing=false&_sort=-sent", &["second"])]
#[case::s20("Communication?part-of={open}&status:not=entered-in-error", &["first", "second"])]
#[case::s22("Communication?category=correction", &["second"])]
#[case::s25("Task?performer=http://snomed.info/sct%7C17561000&owner:missing=true", &["pooled"])]
#[case::s28("Task?focus={open}&status=requested,accepted", &["pooled"])]
#[case::s32("Communication?part-of:missing=true&status=in-progress&_lastUpdated=lt2999-01-01T00:00:00Z", &["open"])]
#[case::s40("Communication?identifier=https://twilio.com%7CSM1", &["closed"])]
#[case::s41("Patient?phone=%2B15551234567", &["patient"])]
#[case::s45("Communication?_compartment={patient}", &["open", "first", "second"])]
#[case::s50("Communication?subject:Patient.identifier=http://example.com/mrn%7C1", &["open", "first", "second"])]
#[tokio::test]
async fn documented_searches(#[case] query: &str, #[case] expected: &[&str]) {
    let world = World::new().await;
    let mut made: Vec<(&str, String)> = Vec::new();
    let patient = world
        .admin
        .make(json!({ "resourceType": "Patient", "telecom": [{ "system": "phone", "value": "+15551234567" }],
            "identifier": [{ "system": "http://example.com/mrn", "value": "1" }] }))
        .await;
    made.push(("patient", patient.clone()));
    let send = async |name: &'static str, body: Value| (name, world.admin.make(body).await);
    let about = |status: &str| {
        json!({ "resourceType": "Communication", "status": status, "subject": { "reference": patient },
        "recipient": [{ "reference": "Practitioner/alice" }] })
    };
    made.push(send("open", about("in-progress")).await);
    let open = made[1].1.clone();
    made.push(send("closed", json!({ "resourceType": "Communication", "status": "completed", "identifier": [{ "system": "https://twilio.com", "value": "SM1" }] })).await);
    let mut first = about("completed");
    first["partOf"] = json!([{ "reference": open }]);
    first["sent"] = "2024-01-01T10:00:00Z".into();
    made.push(send("first", first.clone()).await);
    let mut second = first.clone();
    second["status"] = "in-progress".into();
    second["sent"] = "2024-01-02T10:00:00Z".into();
    second["category"] = json!([{ "coding": [{ "code": "correction" }] }]);
    made.push(send("second", second).await);
    let retracted = json!({ "resourceType": "Communication", "status": "entered-in-error", "partOf": [{ "reference": open }], "sent": "2024-01-03T10:00:00Z" });
    made.push(send("retracted", retracted).await);
    let task = json!({ "resourceType": "Task", "status": "requested", "intent": "order", "focus": { "reference": open },
        "performerType": [{ "coding": [{ "system": "http://snomed.info/sct", "code": "17561000" }] }] });
    made.push(send("pooled", task).await);
    let query = query
        .replace("{open}", &open)
        .replace("{patient}", &patient);
    let found = world.admin.get(&query).await;
    let name = |reference: &String| made.iter().find(|(_, own)| own == reference).unwrap().0;
    let names: Vec<&str> = found.matches().iter().map(name).collect();
    assert_eq!(names, expected);
}
