//! `run --learn-noise`: what differs between two runs of the same suite.

use fhirward_harness::expect::Learned;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output::Output;
use crate::render::plural;

/// Shows what was learned, and says how the command ends: 4 where something differs that may not.
/// With the document for programs.
pub fn show(learned: &[Learned], output: Output) -> (Exit, Value) {
    let mut lines = Vec::new();
    for one in learned {
        if one.noise.is_empty() && one.unstable.is_empty() && one.problem.is_none() {
            continue;
        }
        lines.push(one.scenario.clone());
        for noise in &one.noise {
            lines.push(format!("  noise: step {}: {}", noise.step, noise.of));
        }
        for text in &one.unstable {
            lines.push(format!("  differs, and is no noise: {text}"));
        }
        if let Some(problem) = &one.problem {
            lines.push(format!("  nothing learned: {problem}"));
        }
        if one.pending.is_none() && one.problem.is_none() && !one.noise.is_empty() {
            lines.push("  not written: where CI is set no snapshot is".to_owned());
        }
        if let Some(pending) = &one.pending {
            lines.push(format!(
                "  written to {}; look at it with `fhirward review`",
                pending.display()
            ));
        }
        lines.push(String::new());
    }
    let noise: usize = learned.iter().map(|one| one.noise.len()).sum();
    let unstable: usize = learned.iter().map(|one| one.unstable.len()).sum();
    lines.push(format!(
        "{} played twice: {} proposed as noise, {} not stable",
        plural(learned.len(), "scenario"),
        plural(noise, "difference"),
        plural(unstable, "difference"),
    ));
    output.say(&lines.join("\n"));
    let exit = if unstable > 0 {
        Exit::Failed
    } else if learned.is_empty() {
        Exit::NothingSelected
    } else if learned.iter().any(|one| one.problem.is_some()) {
        Exit::CouldNotRun
    } else {
        Exit::Ok
    };
    let list: Vec<Value> = learned.iter().map(document).collect();
    let document = json!({ "exit_code": exit.code(), "scenarios": list });
    (exit, document)
}

fn document(one: &Learned) -> Value {
    let noise: Vec<Value> = one
        .noise
        .iter()
        .map(|noise| json!({ "step": noise.step, "of": noise.of.to_string() }))
        .collect();
    json!({
        "scenario": one.scenario,
        "noise": noise,
        "unstable": one.unstable,
        "pending": one.pending,
        "problem": one.problem,
    })
}
