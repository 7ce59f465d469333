//! The same questions for `@medplum/core`, in Node.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Writes the questions to a file, has them answered and timed, and returns nanoseconds by name.
/// An answer that differs is an error.
pub fn run(folder: &Path, questions: &Value) -> Result<HashMap<String, f64>, Box<dyn Error>> {
    let file = std::env::temp_dir().join(format!("fhirward-compare-{}.json", std::process::id()));
    std::fs::write(&file, questions.to_string())?;
    let output = Command::new(folder.join("node_modules/.bin/node"))
        .arg(folder.join("bench.mjs"))
        .arg(&file)
        .stderr(Stdio::inherit())
        .output()?;
    std::fs::remove_file(&file)?;
    if !output.status.success() {
        return Err("@medplum/core did not answer as expected".into());
    }
    let timings: HashMap<String, f64> = serde_json::from_slice(&output.stdout)?;
    Ok(timings)
}
