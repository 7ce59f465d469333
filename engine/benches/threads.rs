//! What checking conversations costs, after parsing.
//!
//! `cargo bench -p fhirward-engine --bench threads`. Compare figures of one run only.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use fhirward_engine::resource;
use fhirward_engine::thread::{ThreadIndex, Threads};
use serde_json::{Value, json};

fn main() {
    divan::main();
}

fn header(thread: usize) -> Value {
    json!({
        "resourceType": "Communication", "id": format!("h{thread}"), "status": "in-progress",
        "topic": {"text": "Knee"}, "subject": {"reference": "Patient/homer"},
        "sender": {"reference": "Practitioner/alice"},
        "recipient": [{"reference": "Patient/homer"}, {"reference": "Practitioner/alice"}],
    })
}

fn message(thread: usize, n: usize) -> Value {
    json!({
        "resourceType": "Communication", "id": format!("h{thread}m{n}"), "status": "in-progress",
        "partOf": [{"reference": format!("Communication/h{thread}")}],
        "sender": {"reference": "Patient/homer"}, "recipient": [{"reference": "Practitioner/alice"}],
        "payload": [{"contentString": "It still hurts when I go down the stairs."}],
        "sent": format!("2024-04-10T10:00:{:02}.{:03}Z", n / 1000 % 60, n % 1000),
    })
}

fn conversations(threads: usize, messages: usize) -> Vec<Value> {
    let one = |thread| {
        let messages = (0..messages).map(move |n| message(thread, n));
        std::iter::once(header(thread)).chain(messages)
    };
    (0..threads).flat_map(one).collect()
}

fn sealed(resources: &[Value]) -> Threads {
    let mut index = ThreadIndex::new();
    for resource in resources {
        index.add(resource);
    }
    index.seal()
}

#[divan::bench]
fn structure_of_a_message(bencher: Bencher<'_, '_>) {
    let message = message(0, 0);
    bencher.bench(|| resource::validate(black_box(&message)));
}

#[divan::bench]
fn rules_of_a_message(bencher: Bencher<'_, '_>) {
    let resources = conversations(1, 20);
    let threads = sealed(&resources);
    let message = message(0, 0);
    bencher.bench(|| threads.check(black_box(1), black_box(&message), &[]));
}

#[divan::bench]
fn structure_and_rules_of_a_message(bencher: Bencher<'_, '_>) {
    let resources = conversations(1, 20);
    let threads = sealed(&resources);
    let message = message(0, 0);
    bencher.bench(|| {
        let structure = resource::validate(black_box(&message));
        (structure, threads.check(black_box(1), &message, &[]))
    });
}

#[divan::bench]
fn index_a_message(bencher: Bencher<'_, '_>) {
    let resources = conversations(100, 20);
    bencher.counter(ItemsCount::new(resources.len())).bench(|| {
        let mut index = ThreadIndex::new();
        for resource in &resources {
            index.add(black_box(resource));
        }
        index
    });
}

/// Both passes over threads of 20 messages, without structure.
#[divan::bench(args = [1, 100, 1000])]
fn both_passes(bencher: Bencher<'_, '_>, threads: usize) {
    let resources = conversations(threads, 20);
    bencher.counter(ItemsCount::new(resources.len())).bench(|| {
        let threads = sealed(&resources);
        let found = (0..).zip(&resources);
        found
            .map(|(number, resource)| threads.check(number, resource, &[]).len())
            .sum::<usize>()
    });
}

/// The same, with all messages in one thread: the time for each must not grow.
#[divan::bench(args = [20, 2_000, 20_000])]
fn one_thread(bencher: Bencher<'_, '_>, messages: usize) {
    let resources = conversations(1, messages);
    bencher.counter(ItemsCount::new(resources.len())).bench(|| {
        let threads = sealed(&resources);
        let found = (0..).zip(&resources);
        found
            .map(|(number, resource)| threads.check(number, resource, &[]).len())
            .sum::<usize>()
    });
}

/// What it is compared with.
#[divan::bench]
fn parse_a_message(bencher: Bencher<'_, '_>) {
    let text = message(0, 0).to_string();
    bencher.bench(|| serde_json::from_str::<Value>(black_box(&text)));
}
