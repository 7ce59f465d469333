//! `--bodies`: every request and answer, as JSON Lines.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::client::{Heard, Traffic};
use serde_json::Value;

use crate::output::Failure;

/// A file that hears everything.
pub struct Bodies {
    path: PathBuf,
    state: Arc<Mutex<State>>,
}

struct State {
    file: BufWriter<File>,
    broken: Option<io::Error>,
}

impl Bodies {
    /// Creates or empties the file, and makes it readable by nobody else.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let file = private(path).map_err(|error| {
            let text = format!(
                "`{}` of --bodies cannot be written: {error}",
                path.display()
            );
            Failure::usage(Diagnostic::error("run/bodies", text))
        })?;
        Ok(Self {
            path: path.to_owned(),
            state: Arc::new(Mutex::new(State {
                file: BufWriter::new(file),
                broken: None,
            })),
        })
    }

    /// The same traffic, heard.
    pub fn hearing(&self, traffic: &Traffic) -> Traffic {
        let state = Arc::clone(&self.state);
        traffic.heard_by(
            move |heard| {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                if let Err(error) = writeln!(state.file, "{}", line(&heard)) {
                    state.broken.get_or_insert(error);
                }
            },
            true,
        )
    }

    /// Writes what is still to be written; what could not be.
    pub fn end(self) -> Option<Diagnostic> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let flushed = state.file.flush().err();
        let error = state.broken.take().or(flushed)?;
        let path = self.path.display();
        let text = format!("`{path}` of --bodies is incomplete: {error}");
        Some(Diagnostic::error("run/bodies", text))
    }
}

fn line(heard: &Heard) -> Value {
    let (kind, value) = match heard {
        Heard::Retried(retried) => ("retried", serde_json::to_value(retried)),
        Heard::Exchanged(exchanged) => ("exchanged", serde_json::to_value(exchanged)),
    };
    let mut value = value.unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.shift_insert(0, "event".into(), kind.into());
    }
    value
}

#[cfg(unix)]
fn private(path: &Path) -> io::Result<File> {
    use std::fs::Permissions;
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    // The mode is that of a new file; one that was there keeps its own. What is no file, such as a
    // pipe, is somebody else's arrangement.
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(not(unix))]
fn private(path: &Path) -> io::Result<File> {
    File::create(path)
}
