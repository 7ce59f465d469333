//! `fhirward.toml`: how much each rule matters here, and the findings that somebody answers for.
//!
//! The file has a section for each command that checks by rules, `[policy]` for `policy check`, and
//! one for servers. Whatever a command reads of it, all of its sections and keys are checked. This
//! module knows the file; what a rule is it learns from a [`Catalogue`].

mod apply;
mod catalogue;
mod date;
pub mod departures;
mod except;
mod fault;
mod level;
mod outline;
mod read;
mod values;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::Source;

use crate::input;
use crate::output::Failure;

pub use apply::apply;
pub use catalogue::{Catalogue, Selector};
pub use date::Date;
pub use except::Exception;
pub use level::Level;
pub use outline::check_nearest;
pub use read::{Shape, read};

/// What the file is called.
pub const FILE: &str = "fhirward.toml";

/// A section of the file.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// Where it was read; `None` without a file.
    pub source: Option<Arc<Source>>,
    /// The folder that the patterns of exceptions start from.
    pub folder: PathBuf,
    /// The levels, in the order of the file.
    pub levels: Vec<(Selector, Level)>,
    /// `server-version`, with its place.
    pub server_version: Option<Text>,
    /// The exceptions, in order.
    pub exceptions: Vec<Exception>,
}

/// A text of the file and its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Where it stands.
    pub span: fhirward_engine::source::Span,
}

/// The section of the file that is named, or else of the nearest [`FILE`] in the working directory
/// or above it.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load(
    named: Option<&Path>,
    shape: &Shape<'_>,
    catalogue: &Catalogue<'_>,
) -> Result<Section, Failure> {
    let file = match named {
        Some(file) => Some(file.to_owned()),
        None => upward(),
    };
    let Some(file) = file else {
        return Ok(Section::default());
    };
    let source = input::read(&file)?;
    let (mut section, faults) = read(&source, shape, catalogue);
    if faults.iter().any(Diagnostic::is_error) {
        return Err(Failure {
            exit: crate::exit::Exit::Usage,
            findings: faults,
        });
    }
    section.folder = folder_of(&file);
    Ok(section)
}

/// The nearest [`FILE`] in the working directory or above it.
pub fn upward() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let found = here
        .ancestors()
        .map(|folder| folder.join(FILE))
        .find(|f| f.is_file())?;
    // The name that a person would type, where it is in the folder they are in.
    Some(match found.strip_prefix(&here) {
        Ok(near) => near.to_owned(),
        Err(_) => found,
    })
}

/// The folder that what a file names is relative to.
pub fn folder_of(file: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    here.join(file).parent().map(Path::to_owned).unwrap_or(here)
}
