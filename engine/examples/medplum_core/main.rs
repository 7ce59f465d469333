//! The engine's `medplum-5.2`, in memory, against Medplum's own `@medplum/core`.
//!
//! `generate` writes questions, one JSON object a line: a policy, a resource, an interaction. The
//! real code answers them (`engine/peers/medplum-core/ask.mjs`); `compare` reads both and answers
//! the same questions with the engine. `parameters` holds the search parameters of the engine
//! against the published ones. `engine/peers/medplum-core/run.sh` does all of it.

mod compare;
mod criteria;
mod parameters;
mod policy;
mod pools;
mod random;
mod resource;

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use random::Random;
use serde_json::json;

/// Why the program ends early.
type Fault = Box<dyn std::error::Error>;

const USAGE: &str = "usage: medplum_core generate --cases N --seed S [--from N]
       medplum_core compare QUESTIONS ANSWERS KNOWN
       medplum_core parameters DEFINITIONS KNOWN";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["generate", options @ ..] => generate(options).map(|()| true),
        ["compare", questions, answers, known] => compare::run(questions, answers, known),
        ["parameters", definitions, known] => parameters::run(definitions, known),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("error: {fault}");
            ExitCode::from(2)
        }
    }
}

/// Writes the questions. Question `n` of a seed is the same however many are written.
fn generate(options: &[&str]) -> Result<(), Fault> {
    let (mut cases, mut seed, mut from) = (100_000_u64, 1_u64, 0_u64);
    for pair in options.chunks(2) {
        match pair {
            ["--cases", number] => cases = number.parse()?,
            ["--seed", number] => seed = number.parse()?,
            ["--from", number] => from = number.parse()?,
            _ => return Err(USAGE.into()),
        }
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    for case in from..from.saturating_add(cases) {
        let mut random = Random::new(seed, case);
        let kind = resource::kind(&mut random);
        let resource = resource::resource(&mut random, kind);
        let policy = policy::policy(&mut random, kind, &resource);
        let interaction = random.word(&pools::INTERACTIONS);
        let question = json!({
            "seed": seed, "case": case, "interaction": interaction,
            "resource": resource, "policy": policy,
        });
        serde_json::to_writer(&mut out, &question)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}
