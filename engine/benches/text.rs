//! What it costs to decide on the lines of an export.
//!
//! `cargo bench -p fhirward-engine --bench text`. Compare figures of one run only.

mod support;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use fhirward_engine::policy::{Interaction, Request};
use serde_json::Value;
use support::{compile, corpus, document, same_type};

fn main() {
    divan::main();
}

const RESOURCES: usize = 1000;

fn export() -> String {
    corpus::ndjson(&corpus::communications(RESOURCES))
}

#[divan::bench]
fn serde_json_value(bencher: Bencher<'_, '_>) {
    let export = export();
    bencher
        .counter(ItemsCount::new(RESOURCES))
        .counter(BytesCount::of_str(&export))
        .bench(|| {
            black_box(&export)
                .lines()
                .filter(|line| serde_json::from_str::<Value>(line).is_ok())
                .count()
        });
}

#[divan::bench]
fn serde_json_value_then_decide(bencher: Bencher<'_, '_>) {
    let export = export();
    let policy = compile(&document(&same_type(20)));
    bencher
        .counter(ItemsCount::new(RESOURCES))
        .counter(BytesCount::of_str(&export))
        .bench(|| {
            black_box(&export)
                .lines()
                .filter(|line| {
                    serde_json::from_str::<Value>(line)
                        .is_ok_and(|value| policy.decide(&Request::Read(&value)).is_allowed())
                })
                .count()
        });
}

#[divan::bench]
fn text_decider(bencher: Bencher<'_, '_>) {
    let export = export();
    let policy = compile(&document(&same_type(20)));
    let Some(decider) = policy.text_decider(Interaction::Read) else {
        return;
    };
    bencher
        .counter(ItemsCount::new(RESOURCES))
        .counter(BytesCount::of_str(&export))
        .bench(|| {
            decider
                .lines(black_box(export.as_bytes()))
                .filter(|line| line.decision.as_ref().is_ok_and(|d| d.is_allowed()))
                .count()
        });
}
