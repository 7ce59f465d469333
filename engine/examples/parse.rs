//! Parses each line of an NDJSON file and forgets it, for comparing: `cargo run --release -p
//! fhirward-engine --example parse -- c.ndjson` says how many lines there were.

use std::fs::File;
use std::io::{BufRead, BufReader};

use serde_json::Value;

fn main() -> std::io::Result<()> {
    let Some(path) = std::env::args().nth(1) else {
        return Err(std::io::Error::other("usage: parse FILE"));
    };
    let mut reader = BufReader::new(File::open(path)?);
    let mut line = String::new();
    let mut parsed = 0_usize;
    while reader.read_line(&mut line)? > 0 {
        let value: Value = serde_json::from_str(&line)?;
        std::hint::black_box(value);
        parsed += 1;
        line.clear();
    }
    println!("{parsed}");
    Ok(())
}
