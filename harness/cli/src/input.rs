//! Files, folders and standard input.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::json::{Document, MAX_BYTES};
use fhirward_engine::source::{Source, Span};

use crate::output::Failure;

/// The name of standard input on the command line.
const STDIN: &str = "-";

/// The text of a file, or of standard input for `-`.
pub fn read(path: &Path) -> Result<Arc<Source>, Failure> {
    let name = if is_stdin(path) {
        "<stdin>".to_owned()
    } else {
        path.display().to_string()
    };
    let bytes = bytes(path).map_err(|error| Failure::usage(unreadable(path, &error)))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Err(Failure::usage(
                Diagnostic::error(
                    "file/not-utf8",
                    format!("`{name}` is not UTF-8 text: byte {at} fits no character"),
                )
                .with_help("JSON and YAML are written in UTF-8; was the file saved as UTF-16?"),
            ))
        }
    }
}

fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    // One byte over the limit is enough for the parser to name the limit.
    let most = MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    if is_stdin(path) {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    let shown = path.display();
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            let finding = Diagnostic::error("file/missing", format!("there is no file `{shown}`"));
            match neighbour(path) {
                Some(near) => finding.with_help(format!("did you mean `{}`?", near.display())),
                None => finding.with_help(format!(
                    "paths are relative to the current directory, `{}`",
                    std::env::current_dir()
                        .map(|here| here.display().to_string())
                        .unwrap_or_default()
                )),
            }
        }
        std::io::ErrorKind::IsADirectory => {
            Diagnostic::error("file/is-folder", format!("`{shown}` is a folder"))
                .with_help("name a file in it")
        }
        _ => Diagnostic::error("file/unreadable", format!("cannot read `{shown}`: {error}")),
    }
}

/// That a file or folder named on the command line is not there.
pub fn missing(path: &Path) -> Failure {
    Failure::usage(unreadable(path, &std::io::ErrorKind::NotFound.into()))
}

/// A file beside the missing one whose name differs by a letter or two, or by its ending.
fn neighbour(path: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_str()?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut near: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|other| {
            let name = other.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| strsim::damerau_levenshtein(name, wanted) <= 2)
                || other.file_stem() == path.file_stem()
        })
        .collect();
    near.sort();
    near.into_iter().next()
}

/// The files behind the arguments: a folder stands for the files in it, at any depth, that end in
/// one of `endings`.
pub fn expand(paths: &[PathBuf], endings: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if is_stdin(path) || !path.is_dir() {
            files.push(path.clone());
        } else {
            walk(path, endings, &mut files)
                .map_err(|error| Failure::usage(unreadable(path, &error)))?;
        }
    }
    Ok(files)
}

fn walk(folder: &Path, endings: &[&str], files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for path in entries {
        let ending = path.extension().and_then(|ending| ending.to_str());
        // A link to a folder could lead in circles.
        if path.is_dir() && !path.is_symlink() {
            walk(&path, endings, files)?;
        } else if ending.is_some_and(|ending| endings.contains(&ending)) {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether the argument names standard input.
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// A JSON value and where it stands in its file.
#[derive(Debug)]
pub struct Part {
    /// The value with its places.
    pub document: Document,
    /// The whole file.
    pub file: Arc<Source>,
    /// How far the document's text lies from the beginning of the file.
    pub offset: usize,
}

impl Part {
    /// The finding, made in the document, with its places in the file.
    pub fn place(&self, finding: Diagnostic) -> Diagnostic {
        finding
            .relocated(|span| span.shifted(self.offset))
            .with_source(&self.file)
    }

    /// The place in the file of the value at a JSON pointer, or of what is nearest around it.
    pub fn span(&self, pointer: &str) -> Span {
        self.document.nearest_span(pointer).shifted(self.offset)
    }

    /// The place in the file of the key at a JSON pointer; of an array's item, which has none, its
    /// first character.
    pub fn key(&self, pointer: &str) -> Span {
        match self.document.key_span_of(pointer) {
            Some(span) => span.shifted(self.offset),
            None => {
                let start = self.span(pointer).start;
                Span::new(start, start + 1)
            }
        }
    }
}

/// The JSON values of a file: one, or one a line (NDJSON). What is not JSON is a finding.
pub fn parts(file: &Arc<Source>) -> (Vec<Part>, Vec<Diagnostic>) {
    let mut parts = Vec::new();
    let mut findings = Vec::new();
    if !is_ndjson(file) {
        match Document::parse(file) {
            Ok(document) => parts.push(Part {
                document,
                file: Arc::clone(file),
                offset: 0,
            }),
            Err(finding) => findings.push(finding),
        }
        return (parts, findings);
    }
    let mut offset = 0;
    for line in file.text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            match Document::parse(&Source::new(file.name.as_str(), line.trim_end())) {
                Ok(document) => parts.push(Part {
                    document,
                    file: Arc::clone(file),
                    offset,
                }),
                Err(finding) => findings.push(
                    finding
                        .relocated(|span| span.shifted(offset))
                        .with_source(file),
                ),
            }
        }
        offset += line.len();
    }
    (parts, findings)
}

/// By its name; standard input, which has none, by its first line being a whole resource.
fn is_ndjson(file: &Source) -> bool {
    if file.name.ends_with(".ndjson") || file.name.ends_with(".jsonl") {
        return true;
    }
    let mut lines = file.text.lines().filter(|line| !line.trim().is_empty());
    let (Some(first), Some(_second)) = (lines.next(), lines.next()) else {
        return false;
    };
    first.trim_start().starts_with('{')
        && Document::parse(&Source::new(file.name.as_str(), first)).is_ok()
}
