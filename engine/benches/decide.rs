//! What a decision costs, by the number of entries, and what stands around it.
//!
//! `cargo bench -p fhirward-engine`. Compare figures of one run only.

mod support;

use divan::{Bencher, black_box};
use fhirward_engine::policy::{Interaction, Request};
use serde_json::Value;
use support::{communication, compile, document, other_types, same_type, without_constants};

fn main() {
    divan::main();
}

const SIZES: [usize; 5] = [1, 5, 20, 100, 1000];

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
fn read_among_entries_without_constants(bencher: Bencher<'_, '_>, count: usize) {
    let policy = compile(&document(&without_constants(count)));
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
