//! Where the scenarios are when nobody says so, and what the environment says about the run.

use std::path::{Path, PathBuf};

use fhirward_engine::diagnostic::Diagnostic;

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

/// Whether this is a CI job.
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}
