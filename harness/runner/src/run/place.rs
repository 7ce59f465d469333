//! What events call files: as somebody sees them from the folder in which the run was started. Reports
//! are made of events elsewhere and later, and say the same.

use std::path::Path;

use crate::report::path::relative;

/// A path relative to the working directory where it lies in it, with forward slashes.
pub(super) fn shown(path: &Path) -> String {
    relative(path, std::env::current_dir().ok().as_deref())
}
