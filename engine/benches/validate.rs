//! What validation costs, next to parsing the same text.
//!
//! `cargo bench -p fhirward-engine --bench validate`. Compare figures of one run only.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use fhirward_engine::resource::validate;
use serde_json::{Value, json};

fn main() {
    let messages = [message(), header(), bundle(1000)];
    // A resource that is not valid would measure the making of findings.
    assert!(messages.iter().all(|m| validate(m).is_empty()));
    divan::main();
}

/// A message as an app writes it, and as a server gives it back.
fn message() -> Value {
    json!({
        "resourceType": "Communication",
        "id": "0190a7e2-8f4c-7d1e-9b3a-5c6d7e8f9a0b",
        "meta": {
            "versionId": "0190a7e2-9a1b-7c2d-8e3f-4a5b6c7d8e9f",
            "lastUpdated": "2024-04-10T10:00:01.123Z",
            "author": {"reference": "Practitioner/alice", "display": "Alice Smith"},
            "project": "0190a7e2-0000-7000-8000-000000000000",
            "compartment": [{"reference": "Patient/homer"}]
        },
        "identifier": [{"system": "https://example.com/message", "value": "m-1"}],
        "partOf": [{"reference": "Communication/0190a7e2-8f4c-7d1e-9b3a-000000000000"}],
        "inResponseTo": [{"reference": "Communication/0190a7e2-8f4c-7d1e-9b3a-111111111111"}],
        "status": "in-progress",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "158965000", "display": "Doctor"}]}],
        "medium": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "code": "WRITTEN"}]}],
        "subject": {"reference": "Patient/homer", "display": "Homer Simpson"},
        "topic": {"text": "Knee after the operation"},
        "sent": "2024-04-10T10:00:00Z",
        "recipient": [
            {"reference": "Patient/homer", "display": "Homer Simpson"},
            {"reference": "Practitioner/house", "display": "Gregory House"}
        ],
        "sender": {"reference": "Practitioner/alice", "display": "Alice Smith"},
        "payload": [
            {"contentString": "Please keep the leg up, and send a picture of the knee tomorrow morning."},
            {"contentAttachment": {"contentType": "application/pdf", "url": "Binary/0190a7e2-8f4c", "title": "exercises.pdf", "size": 20480}}
        ]
    })
}

fn header() -> Value {
    json!({
        "resourceType": "Communication", "id": "h", "status": "in-progress",
        "topic": {"text": "Knee"}, "subject": {"reference": "Patient/homer"},
        "sender": {"reference": "Practitioner/alice"},
        "recipient": [{"reference": "Patient/homer"}, {"reference": "Practitioner/alice"}],
    })
}

fn bundle(count: usize) -> Value {
    let entry = json!({"resource": message()});
    json!({"resourceType": "Bundle", "type": "collection", "entry": vec![entry; count]})
}

#[divan::bench]
fn validate_message(bencher: Bencher<'_, '_>) {
    let message = message();
    bencher.bench_local(|| validate(black_box(&message)));
}

#[divan::bench]
fn parse_message(bencher: Bencher<'_, '_>) {
    let text = message().to_string();
    bencher
        .counter(BytesCount::of_str(&text))
        .bench_local(|| serde_json::from_str::<Value>(black_box(&text)).is_ok());
}

#[divan::bench]
fn validate_header(bencher: Bencher<'_, '_>) {
    let header = header();
    bencher.bench_local(|| validate(black_box(&header)));
}

#[divan::bench]
fn validate_bundle_of_1000(bencher: Bencher<'_, '_>) {
    let bundle = bundle(1000);
    bencher.bench_local(|| validate(black_box(&bundle)));
}

/// Every one of the findings is made, up to the limit.
#[divan::bench]
fn validate_100_000_bad_references(bencher: Bencher<'_, '_>) {
    let mut message = message();
    let bad = vec![json!({"reference": "homer"}); 100_000];
    if let Some(object) = message.as_object_mut() {
        object.insert("recipient".to_owned(), bad.into());
    }
    bencher.bench_local(|| validate(black_box(&message)));
}
