//! The report for programs. Its schema is `docs/schema/report.schema.json`.

use std::path::Path;

use serde_json::{Value, json};

use super::model::Report;

/// The report as JSON.
pub fn json(report: &Report) -> Value {
    let summary = report.summary();
    json!({
        "fhirward": env!("CARGO_PKG_VERSION"),
        "run": {
            "id": report.id,
            "started": report.started,
            "duration_ms": report.duration_ms,
            "seed": null,
            "interrupted": report.interrupted,
            "aborted": report.aborted.as_ref().map(|(reason, _)| reason),
        },
        "server": report.server,
        "summary": summary,
        "obsolete_snapshots": report.obsolete,
        "cleanup": report.cleanup,
        "scenarios": report.scenarios,
    })
}

/// Writes a document under another name and renames it: the file is complete or absent.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write_file(path: &Path, text: &str) -> std::io::Result<()> {
    crate::expect::review::write(path, text)
}
