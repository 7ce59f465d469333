//! `fhirward scenario …`

pub mod check;
pub mod docs;
pub mod fmt;
pub mod new;

use std::path::{Path, PathBuf};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::scenario::{Files, LoadError};

use super::scenarios;
use crate::exit::Exit;
use crate::output::Failure;

/// The files that paths lead to. A state named by itself is checked as the state that it is.
fn files(paths: &[PathBuf]) -> Result<Files, Failure> {
    let paths = scenarios::paths(paths)?;
    let (states, others): (Vec<_>, Vec<_>) = paths
        .into_iter()
        .partition(|path| scenarios::is_state(path));
    for path in &others {
        scenarios::check_kind(path)?;
    }
    let mut files = Files::read(&others).map_err(unreadable)?;
    for path in states {
        let text = read(&path)?;
        let around = Files::around(&path).map_err(unreadable)?;
        files.states.extend(around.states);
        files.policies.extend(around.policies);
        files.named_states.push(path.clone());
        files.states.insert(path, text);
    }
    Ok(files)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(Diagnostic::error(
            "scenario/unreadable",
            format!("`{}` cannot be read: {error}", path.display()),
        ))
    })
}

fn unreadable(error: LoadError) -> Failure {
    let exit = Exit::of_run(error.exit_code());
    match error {
        LoadError::Invalid(findings) => Failure { exit, findings },
        other => Failure::new(
            exit,
            Diagnostic::error("scenario/unreadable", other.to_string()),
        ),
    }
}

/// A suite without a single scenario or state.
fn nothing() -> Failure {
    Failure::new(
        Exit::NothingSelected,
        Diagnostic::error(
            "scenario/nothing",
            "there is no scenario and no state in these paths",
        )
        .with_help("`fhirward scenario new NAME` writes one to begin with"),
    )
}
