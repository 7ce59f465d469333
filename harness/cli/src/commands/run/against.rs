//! `run --against`: the same scenarios on two servers, and what they do differently.

use fhirward_harness::expect::against::{Comparison, UnlikeKind};
use fhirward_harness::report::Report;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output::Output;
use crate::render::plural;

/// Shows a comparison, and says how the command ends; with the document for programs.
///
/// `without_shape` leaves out what both do and only say differently.
pub fn show(
    mut compared: Comparison,
    runs: &[&Report],
    without_shape: bool,
    output: Output,
) -> (Exit, Value) {
    if without_shape {
        for scenario in &mut compared.scenarios {
            scenario
                .differences
                .retain(|unlike| unlike.kind != UnlikeKind::Shape);
        }
    }
    let exit = exit_of(&compared, runs);
    output.say(&told(&compared));
    (exit, document(&compared, exit))
}

/// A difference is a finding whatever else could not be compared.
fn exit_of(compared: &Comparison, runs: &[&Report]) -> Exit {
    if let Some(exit) = runs.iter().find_map(|run| super::stopped(run)) {
        return exit;
    }
    if compared.scenarios.is_empty() {
        return Exit::NothingSelected;
    }
    if compared.differences().next().is_some() {
        return Exit::Failed;
    }
    let aborted = runs.iter().any(|run| run.aborted.is_some());
    if aborted || compared.incomplete() > 0 {
        return Exit::CouldNotRun;
    }
    Exit::Ok
}

fn told(compared: &Comparison) -> String {
    let mut lines = vec![
        format!("A  {}", compared.a),
        format!("B  {}", compared.b),
        String::new(),
    ];
    for scenario in &compared.scenarios {
        let is_quiet = scenario.differences.is_empty()
            && scenario.unknown.is_empty()
            && scenario.reason.is_none();
        if is_quiet {
            continue;
        }
        lines.push(format!(
            "{}  ({} on A, {} on B)",
            scenario.scenario, scenario.on_a, scenario.on_b
        ));
        if let Some(reason) = &scenario.reason {
            lines.push(format!("  not compared: {reason}"));
        }
        for unlike in &scenario.differences {
            lines.push(format!(
                "  {:<6}  {}: {}",
                unlike.kind, unlike.step, unlike.message
            ));
        }
        for step in &scenario.unknown {
            lines.push(format!("  not compared: {step}"));
        }
        lines.push(String::new());
    }
    let noise: usize = compared.scenarios.iter().map(|one| one.noise).sum();
    let mut summary = format!(
        "{} compared: {}",
        plural(compared.scenarios.len(), "scenario"),
        plural(compared.differences().count(), "difference"),
    );
    if noise > 0 {
        summary.push_str(&format!(
            ", {} left out: A differs there from itself",
            plural(noise, "difference")
        ));
    }
    if compared.incomplete() > 0 {
        summary.push_str(&format!(
            ", {} compared in part or not at all",
            plural(compared.incomplete(), "scenario")
        ));
    }
    lines.push(summary);
    lines.join("\n")
}

fn document(compared: &Comparison, exit: Exit) -> Value {
    json!({
        "exit_code": exit.code(),
        "a": compared.a,
        "b": compared.b,
        "scenarios": compared.scenarios,
    })
}
