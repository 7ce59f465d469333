//! Patterns of file names: `exports/**/*.ndjson`, where no shell has put the files in their place.

use std::io;
use std::path::{Component, Path, PathBuf};

use fhirward_engine::diagnostic::Diagnostic;
use globset::{GlobBuilder, GlobMatcher};

use crate::input;
use crate::output::Failure;

/// The paths, with the files that match in the place of each pattern. A file that is there is meant
/// by its name, whatever signs that has.
///
/// # Errors
/// A pattern that is none or that nothing matches, and a folder that cannot be read.
pub fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut expanded = Vec::new();
    for path in paths {
        let text = path.to_string_lossy();
        if !text.contains(['*', '?', '[', '{']) || path.exists() {
            expanded.push(path.clone());
            continue;
        }
        let before = expanded.len();
        let matcher = matcher(&text)?;
        let folder = start(path);
        walk(&folder, &matcher, &mut expanded).map_err(|error| input::unread(&folder, &error))?;
        if expanded.len() == before {
            let message = format!("no file matches `{text}`");
            let help = "`*` stands for any name, `**` for any folders";
            let finding = Diagnostic::error("file/missing", message);
            return Err(Failure::usage(finding.with_help(help)));
        }
    }
    Ok(expanded)
}

fn matcher(text: &str) -> Result<GlobMatcher, Failure> {
    let text = text.strip_prefix("./").unwrap_or(text);
    let glob = GlobBuilder::new(text).literal_separator(true).build();
    let glob = glob.map_err(|error| {
        let message = format!("`{text}` is no pattern: {}", error.kind());
        Failure::usage(Diagnostic::error("file/no-pattern", message))
    })?;
    Ok(glob.compile_matcher())
}

/// The folder before the first part with a sign.
fn start(pattern: &Path) -> PathBuf {
    let is_plain = |part: &Component<'_>| {
        let part = part.as_os_str().to_string_lossy();
        !part.contains(['*', '?', '[', '{'])
    };
    let folder: PathBuf = pattern.components().take_while(is_plain).collect();
    if folder.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        folder
    }
}

fn walk(folder: &Path, matcher: &GlobMatcher, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for path in entries {
        let path = path.strip_prefix("./").map_or(path.clone(), Path::to_owned);
        // A link to a folder could lead in circles.
        if path.is_dir() && !path.is_symlink() {
            walk(&path, matcher, files)?;
        } else if path.is_file() && matcher.is_match(&path) {
            files.push(path);
        }
    }
    Ok(())
}
