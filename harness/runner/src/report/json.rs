//! The report for programs. Its schema is `docs/schema/report.schema.json`.

use serde_json::{Value, json};

use super::event::Cell;
use super::model::{Report, ScenarioReport};

/// The report as JSON.
pub fn json(report: &Report) -> Value {
    let summary = report.summary();
    let scenarios: Vec<Value> = report.scenarios.iter().map(scenario).collect();
    json!({
        "fhirward": env!("CARGO_PKG_VERSION"),
        "run": {
            "id": report.id,
            "started": report.started,
            "duration_ms": report.duration_ms,
            "interrupted": report.interrupted,
            "aborted": report.aborted.as_ref().map(|(reason, _)| reason),
        },
        "server": report.server,
        "summary": summary,
        "obsolete_snapshots": report.obsolete,
        "cleanup": report.cleanup,
        "policies": report.policies,
        "shared_states": report.states,
        "scenarios": scenarios,
    })
}

fn scenario(scenario: &ScenarioReport) -> Value {
    let mut value = json!(scenario);
    if let Some(matrix) = value.get_mut("matrix") {
        *matrix = scenario.matrix.iter().map(cell).collect();
    }
    value
}

/// What was observed is a word here: the reason stands beside it.
fn cell(cell: &Cell) -> Value {
    let mut value = json!(cell);
    for (name, observed) in [("read", &cell.read), ("search", &cell.search)] {
        if let Some(part) = value.get_mut(name) {
            *part = observed.to_string().into();
        }
    }
    value
}
