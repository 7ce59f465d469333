//! What a decision costs, by the number of entries, and what stands around it.
//!
//! `cargo bench -p fhirward-engine`. Compare figures of one run only.

use std::sync::Arc;

use divan::{Bencher, black_box};
use fhirward_engine::policy::{
    Interaction, Membership, Options, Policy, PolicyDocument, Request, assemble,
};
use serde_json::{Value, json};

fn main() {
    divan::main();
}

const SIZES: [usize; 5] = [1, 5, 20, 100, 1000];

fn compile(document: &Arc<PolicyDocument>) -> Policy {
    let member = Membership::of("Practitioner/p0", &["AccessPolicy/p"]);
    assemble(
        &member,
        &|_| Some(Arc::clone(document)),
        &Options::default(),
    )
    .policy
}

fn document(entries: &[Value]) -> Arc<PolicyDocument> {
    let policy = json!({"resourceType": "AccessPolicy", "id": "p", "resource": entries});
    Arc::new(PolicyDocument::from_value(&policy).0)
}

/// Entries on Communication, the last of which grants.
fn same_type(count: usize) -> Vec<Value> {
    (0..count)
        .rev()
        .map(|n| {
            json!({
                "resourceType": "Communication",
                "criteria": format!("Communication?recipient=Practitioner/p{n}"),
            })
        })
        .collect()
}

/// One entry on Communication behind entries on other types.
fn other_types(count: usize) -> Vec<Value> {
    let types = ["Observation", "Condition", "Encounter", "Task", "Patient"];
    let mut entries: Vec<Value> = types
        .into_iter()
        .cycle()
        .take(count.saturating_sub(1))
        .map(|kind| json!({"resourceType": kind, "criteria": format!("{kind}?_id=x")}))
        .collect();
    entries.extend(same_type(1));
    entries
}

fn communication() -> Value {
    json!({
        "resourceType": "Communication",
        "id": "m1",
        "meta": {"versionId": "1", "lastUpdated": "2024-04-10T10:00:00.000Z"},
        "status": "in-progress",
        "partOf": [{"reference": "Communication/h"}],
        "subject": {"reference": "Patient/homer"},
        "sender": {"reference": "Practitioner/x1"},
        "recipient": [{"reference": "Practitioner/x2"}, {"reference": "Practitioner/p0"}],
        "sent": "2024-04-10T10:00:00Z",
        "payload": [{"contentString": "Please look at the latest glucose values."}],
    })
}

#[divan::bench(args = SIZES)]
fn read_among_entries_of_the_type(bencher: Bencher<'_, '_>, count: usize) {
    let policy = compile(&document(&same_type(count)));
    let resource = communication();
    bencher.bench(|| {
        policy
            .decide(black_box(&Request::Read(&resource)))
            .is_allowed()
    });
}

#[divan::bench(args = SIZES)]
fn read_among_entries_of_other_types(bencher: Bencher<'_, '_>, count: usize) {
    let policy = compile(&document(&other_types(count)));
    let resource = communication();
    bencher.bench(|| {
        policy
            .decide(black_box(&Request::Read(&resource)))
            .is_allowed()
    });
}

#[divan::bench(args = SIZES)]
fn the_same_by_walking(bencher: Bencher<'_, '_>, count: usize) {
    let policy = compile(&document(&same_type(count)));
    let resource = communication();
    bencher.bench(|| policy.first_entry_by_walking(Interaction::Read, black_box(&resource)));
}

#[divan::bench]
fn update_of_a_message(bencher: Bencher<'_, '_>) {
    let policy = compile(&document(&same_type(20)));
    let resource = communication();
    let request = Request::Update {
        existing: &resource,
        result: &resource,
    };
    bencher.bench(|| policy.decide(black_box(&request)).is_allowed());
}

#[divan::bench(args = [1, 20, 1000])]
fn assemble_a_policy(bencher: Bencher<'_, '_>, count: usize) {
    let document = document(&same_type(count));
    bencher.bench(|| compile(black_box(&document)));
}

#[divan::bench]
fn parse_a_message(bencher: Bencher<'_, '_>) {
    let text = communication().to_string();
    bencher.bench(|| serde_json::from_str::<Value>(black_box(&text)).is_ok());
}

#[divan::bench]
fn parse_and_decide_a_message(bencher: Bencher<'_, '_>) {
    let policy = compile(&document(&same_type(20)));
    let text = communication().to_string();
    bencher.bench(|| {
        serde_json::from_str::<Value>(black_box(&text))
            .is_ok_and(|resource| policy.decide(&Request::Read(&resource)).is_allowed())
    });
}
