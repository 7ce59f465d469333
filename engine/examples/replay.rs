//! Replays recorded decisions: `cargo run --release -p fhirward-engine --example replay FILE…`.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example"
)]

use std::collections::BTreeMap;
use std::io::BufRead;

use fhirward_engine::medplum::replay::{Comparison, replay};

fn main() {
    let mut table: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let verbose = std::env::var("SHOW").is_ok();
    for file in std::env::args().skip(1) {
        let reader = std::io::BufReader::new(std::fs::File::open(&file).unwrap());
        for line in reader.lines() {
            let line = line.unwrap();
            match replay(&line) {
                Err(bad) => println!("{file}: {}", bad.0),
                Ok(case) => {
                    let (id, category, decisions) = (case.id, case.category, case.decisions);
                    let row = table.entry(category).or_default();
                    for d in decisions {
                        row[0] += 1;
                        match d.comparison {
                            Comparison::Agreed => row[1] += 1,
                            Comparison::Unknown => row[2] += 1,
                            Comparison::Disagreed => {}
                        }
                        let texts = std::env::var("TEXTS").is_ok() && d.recorded != d.predicted;
                        if (d.comparison != Comparison::Agreed && verbose) || texts {
                            println!(
                                "{id}\t#{}\t{}\t{}\trecorded {}\tpredicted {}\t{}",
                                d.index, d.interaction, d.target, d.recorded, d.predicted, d.reason
                            );
                        }
                    }
                }
            }
        }
    }
    let mut total = [0; 3];
    for (category, row) in &table {
        for (sum, n) in total.iter_mut().zip(row) {
            *sum += n;
        }
        let share = 100.0 * row[1] as f64 / row[0] as f64;
        println!(
            "{category:28} {:7} agreed {:7} unknown {:6} wrong {:6} {share:8.3} %",
            row[0],
            row[1],
            row[2],
            row[0] - row[1] - row[2]
        );
    }
    let share = 100.0 * total[1] as f64 / total[0].max(1) as f64;
    println!("all {total:?} {share:.3} %");
}
