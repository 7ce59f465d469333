//! The messages of a clinic that is made up, the same in every run: about 1 kB each, between
//! practitioners and patients, in threads of ten.

use fhirward_server::Seed;
use serde_json::{Value, json};

use super::client::Request;

/// The project of the server.
pub const PROJECT: &str = "clinic";
pub const CLIENT: &str = "participant";
pub const SECRET: &str = "a-participants-secret";

/// Practitioners, of whom `p0` is the one who asks. Each tenth message is to or from them.
const PRACTITIONERS: usize = 500;

/// Everything that is there before the first request.
pub fn seed(messages: usize) -> Seed {
    let mut seed = Seed::default();
    let mut add = |resource: &Value| seed.add("the corpus", resource).unwrap();
    add(&json!({
        "resourceType": "AccessPolicy", "id": "participant", "name": "Participant", "resource": [
            { "resourceType": "Communication", "criteria": "Communication?recipient=%profile" },
            { "resourceType": "Communication", "criteria": "Communication?sender=%profile" },
        ]
    }));
    add(&json!({
        "resourceType": "ClientApplication", "id": CLIENT, "name": "Participant", "secret": SECRET
    }));
    add(&json!({
        "resourceType": "ProjectMembership", "id": "participant",
        "project": { "reference": format!("Project/{PROJECT}") },
        "user": { "reference": "ClientApplication/participant" },
        "profile": { "reference": "Practitioner/p0" },
        "accessPolicy": { "reference": "AccessPolicy/participant" },
    }));
    for number in 0..PRACTITIONERS {
        add(&json!({ "resourceType": "Practitioner", "id": format!("p{number}") }));
    }
    for number in 0..messages {
        add(&message(number));
    }
    seed
}

fn sender(number: usize) -> String {
    if number % 10 == 3 {
        return "Practitioner/p0".into();
    }
    format!("Practitioner/p{}", 1 + number % (PRACTITIONERS - 1))
}

fn message(number: usize) -> Value {
    let header = number - number % 10;
    let mut message = json!({
        "resourceType": "Communication",
        "id": format!("m{number}"),
        "status": "completed",
        "category": [{ "coding": [{ "system": "http://example.com/topics", "code": "care" }] }],
        "subject": { "reference": format!("Patient/s{}", header / 10), "display": "Somebody" },
        "sender": { "reference": sender(number) },
        "recipient": [
            { "reference": sender(number + 7), "display": "A colleague" },
            { "reference": format!("Practitioner/p{}", 1 + (number * 13) % (PRACTITIONERS - 1)) },
        ],
        "sent": format!("2025-01-{:02}T{:02}:{:02}:00Z", 1 + number % 28, number % 24, number % 60),
        "payload": [{ "contentString": "The results are there. They look good but for one value, \
            which we should look at again in two weeks; could you find a date for it and tell the \
            family? Nothing has to change until then, and the medication stays as it is." }],
    });
    if number != header {
        message["partOf"] = json!([{ "reference": format!("Communication/m{header}") }]);
        message["inResponseTo"] =
            json!([{ "reference": format!("Communication/m{}", number - 1) }]);
    }
    message
}

/// A thousand requests of a kind.
pub fn requests(what: &str, messages: usize, token: &str) -> Vec<Request> {
    let some = (0..1000).map(|n| n * 7919 % messages);
    match what {
        // Every tenth message is from the one who asks.
        "read" => some
            .map(|n| n - n % 10 + 3)
            .map(|n| format!("/fhir/R4/Communication/m{n}"))
            .map(|path| Request::new("GET", &path, token, "", 200))
            .collect(),
        "create" => some
            .map(|n| {
                let mut message = message(n);
                message.as_object_mut().unwrap().shift_remove("id");
                message["sender"]["reference"] = "Practitioner/p0".into();
                let path = "/fhir/R4/Communication";
                Request::new("POST", path, token, &message.to_string(), 201)
            })
            .collect(),
        "search" => some
            .map(|n| format!("Practitioner/p{}", 1 + n % (PRACTITIONERS - 1)))
            .map(|who| format!("/fhir/R4/Communication?recipient={who}&_count=20"))
            .map(|path| Request::new("GET", &path, token, "", 200))
            .collect(),
        other => panic!("there is no `{other}`"),
    }
}
