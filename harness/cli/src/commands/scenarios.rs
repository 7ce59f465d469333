//! Where the scenarios are when nobody says so, and what the environment says about the run.

use std::path::{Path, PathBuf};

use fhirward_engine::diagnostic::Diagnostic;
use serde_json::Value;

use crate::output::Failure;

/// The folder looked for when no path is given.
const FOLDER: &str = "scenarios";

/// The paths given, or the `scenarios` folder here or in a folder above.
pub fn paths(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    if !given.is_empty() {
        return Ok(given.to_vec());
    }
    // As short as it can be said: findings show these paths.
    if Path::new(FOLDER).is_dir() {
        return Ok(vec![PathBuf::from(FOLDER)]);
    }
    let here = std::env::current_dir().map_err(|error| {
        Failure::usage(Diagnostic::error(
            "run/no-folder",
            format!("the current directory cannot be read: {error}"),
        ))
    })?;
    let found = here
        .ancestors()
        .map(|folder| folder.join(FOLDER))
        .find(|folder| folder.is_dir());
    match found {
        Some(folder) => Ok(vec![folder]),
        None => Err(Failure::usage(
            Diagnostic::error(
                "run/no-scenarios",
                format!(
                    "there is no folder `{FOLDER}` in `{}` or above it",
                    here.display()
                ),
            )
            .with_help("name the scenario files or folders to use"),
        )),
    }
}

/// Refuses a file of a suite that is no scenario. Read as one, it would be a list of unknown keys.
pub fn check_kind(path: &Path) -> Result<(), Failure> {
    if !path.is_file() {
        return Ok(());
    }
    let (kind, help) = match kind_of(path) {
        Some(Kind::Snapshot) => (
            "a snapshot",
            "name the scenario beside it; `fhirward review` shows what is pending",
        ),
        Some(Kind::State) => (
            "a state that scenarios build on",
            "name a scenario that has it as its `given`",
        ),
        Some(Kind::Policy) => (
            "an AccessPolicy",
            "`fhirward policy check` checks it; to play, name scenarios",
        ),
        None => return Ok(()),
    };
    Err(Failure::usage(
        Diagnostic::error(
            "run/no-scenario",
            format!("`{}` is {kind}, not a scenario", path.display()),
        )
        .with_help(help),
    ))
}

/// Whether a file is a state that scenarios build on.
pub fn is_state(path: &Path) -> bool {
    path.is_file() && matches!(kind_of(path), Some(Kind::State))
}

enum Kind {
    Snapshot,
    State,
    Policy,
}

fn kind_of(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_str()?;
    if name.ends_with(".snap.yaml") || name.ends_with(".snap.yaml.new") {
        return Some(Kind::Snapshot);
    }
    // A file that cannot be read is reported where it is loaded.
    let text = std::fs::read_to_string(path).ok()?;
    if name.ends_with(".json") {
        let value: Value = serde_json::from_str(&text).ok()?;
        let policy = value.get("resourceType").and_then(Value::as_str) == Some("AccessPolicy");
        return policy.then_some(Kind::Policy);
    }
    fhirward_harness::scenario::is_state(&text).then_some(Kind::State)
}

/// Whether this is a CI job.
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}
