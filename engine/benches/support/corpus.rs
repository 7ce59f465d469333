//! Communications as a clinic's export has them, made up, the same on every run.
//!
//! Of ten, one is a thread's header, six are short messages and three are long ones with a
//! narrative, an attachment, a contained resource and notes. They have between one and four
//! recipients of 1,000 people.

use serde_json::{Value, json};

/// How many people send and receive.
pub const PEOPLE: u64 = 1000;

/// Numbers that look random and are the same on every run (an LCG, with Knuth's constants).
#[derive(Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

const SENTENCES: [&str; 8] = [
    "Please look at the latest glucose values before the visit on Thursday.",
    "The patient reports dizziness in the morning, mostly after standing up quickly.",
    "I have attached the discharge letter; the medication list on page two is out of date.",
    "Could somebody call the daughter back? She asked about the \"new\" inhaler.",
    "Blood pressure at home: 148/92, 151/95, 139/88.\nNo headache, no chest pain.",
    "Lab results are in; potassium is fine now. I would keep the dose as it is.",
    "Thanks – señora Simpson has confirmed the appointment at 10:30.",
    "We will discuss this in the team meeting and come back to you tomorrow.",
];

fn sentences(numbers: &mut Numbers, count: u64) -> String {
    (0..count)
        .filter_map(|_| SENTENCES.get(numbers.below(8) as usize).copied())
        .collect::<Vec<_>>()
        .join(" ")
}

fn person(numbers: &mut Numbers) -> Value {
    let n = numbers.below(PEOPLE);
    json!({"reference": format!("Practitioner/p{n}"), "display": format!("Dr. Alex Example {n}")})
}

/// One Communication.
pub fn communication(numbers: &mut Numbers, n: usize) -> Value {
    let kind = numbers.below(10);
    let recipients = 1 + numbers.below(4);
    let recipients: Vec<Value> = (0..recipients).map(|_| person(numbers)).collect();
    let patient = numbers.below(500);
    let mut resource = json!({
        "resourceType": "Communication",
        "id": format!("0b4d{n:08x}-77aa-4c11-9a6e-5f0c1b2d3e4f"),
        "meta": {
            "versionId": format!("{:032x}", n),
            "lastUpdated": "2024-04-10T10:00:00.000Z",
            "author": {"reference": "Practitioner/p1"},
            "project": "5b2ae6cf-7a86-4b6c-a3f0-000000000001",
            "compartment": [
                {"reference": "Project/5b2ae6cf-7a86-4b6c-a3f0-000000000001"},
                {"reference": format!("Patient/{patient}")},
            ],
        },
        "identifier": [{"system": "https://clinic.example/messages", "value": format!("MSG-{n:06}")}],
        "status": if kind == 0 { "in-progress" } else { "completed" },
        "category": [{
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/communication-category", "code": "notification", "display": "Notification"}],
            "text": "Notification",
        }],
        "priority": "routine",
        "subject": {"reference": format!("Patient/{patient}"), "display": "Homer Simpson"},
        "topic": {"text": "Follow-up after discharge"},
        "sender": person(numbers),
        "recipient": recipients,
        "sent": "2024-04-10T10:00:00Z",
    });
    let Some(object) = resource.as_object_mut() else {
        return resource;
    };
    if kind > 0 {
        object.insert(
            "partOf".to_owned(),
            json!([{"reference": format!("Communication/thread-{}", numbers.below(300))}]),
        );
        let length = 1 + numbers.below(4);
        let mut payload = vec![json!({"contentString": sentences(numbers, length)})];
        if kind > 6 {
            payload.push(json!({
                "contentAttachment": {
                    "contentType": "application/pdf",
                    "url": format!("https://clinic.example/fhir/R4/Binary/{n:08x}"),
                    "title": "Discharge letter.pdf",
                    "size": 182_044,
                },
            }));
        }
        object.insert("payload".to_owned(), Value::Array(payload));
    }
    if kind > 6 {
        let text = sentences(numbers, 6);
        object.extend([
            ("text".to_owned(), json!({
                "status": "generated",
                "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p><b>Message</b></p><p>{text}</p></div>"),
            })),
            ("contained".to_owned(), json!([{
                "resourceType": "Organization", "id": "sender-org", "name": "Springfield General",
                "telecom": [{"system": "phone", "value": "+1 555 0100", "use": "work"}],
                "address": [{"line": ["1 Main Street"], "city": "Springfield", "postalCode": "12345"}],
            }])),
            ("extension".to_owned(), json!([
                {"url": "https://clinic.example/fhir/StructureDefinition/urgency-score", "valueDecimal": 0.25},
                {"url": "https://clinic.example/fhir/StructureDefinition/read-by", "valueReference": {"reference": "Practitioner/p7"}},
            ])),
            ("note".to_owned(), json!([{"authorString": "front desk", "time": "2024-04-10T11:00:00Z", "text": sentences(numbers, 2)}])),
        ]);
    }
    resource
}

/// So many Communications.
pub fn communications(count: usize) -> Vec<Value> {
    let mut numbers = Numbers::new(20_240_410);
    (0..count).map(|n| communication(&mut numbers, n)).collect()
}

/// The same as NDJSON.
pub fn ndjson(resources: &[Value]) -> String {
    resources
        .iter()
        .map(|resource| format!("{resource}\n"))
        .collect()
}
