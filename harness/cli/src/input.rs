//! Files, folders and standard input.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::json::{Document, MAX_BYTES};
use fhirward_engine::source::{Source, Span};

use crate::notation;
use crate::output::Failure;

/// The name of standard input on the command line.
const STDIN: &str = "-";
/// Lines of one NDJSON file that are reported as broken; a file with more is something else.
const MAX_BROKEN_LINES: usize = 100;

/// The text of a file, or of standard input for `-`.
pub fn read(path: &Path) -> Result<Arc<Source>, Failure> {
    let name = if is_stdin(path) {
        "<stdin>".to_owned()
    } else {
        path.display().to_string()
    };
    let bytes = bytes(path).map_err(|error| Failure::usage(unreadable(path, &error)))?;
    if bytes.len() > MAX_BYTES {
        // Cut off where reading stopped, its end would look like a mistake.
        return Err(Failure::usage(
            Diagnostic::error(
                "file/too-large",
                format!(
                    "`{name}` is longer than the limit of {} MB",
                    MAX_BYTES / 1_048_576
                ),
            )
            .with_help("split it into several files"),
        ));
    }
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
    // One byte over the limit is enough to see that there is more.
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

/// That a file named on the command line cannot be read.
pub fn unread(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(unreadable(path, error))
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
    if is_ndjson(file) {
        return lines(file);
    }
    one(file)
}

/// The JSON value of a file with one.
pub fn one(file: &Arc<Source>) -> (Vec<Part>, Vec<Diagnostic>) {
    match Document::parse(file) {
        Ok(document) => {
            let part = Part {
                document,
                file: Arc::clone(file),
                offset: 0,
            };
            (vec![part], Vec::new())
        }
        Err(fault) => (Vec::new(), vec![notation::explain(file, fault)]),
    }
}

/// The values of a file with one a line. A broken line is named; the others are read.
fn lines(file: &Arc<Source>) -> (Vec<Part>, Vec<Diagnostic>) {
    let mut parts = Vec::new();
    let mut findings = Vec::new();
    let mut offset = 0;
    for (at, line) in file.text.split_inclusive('\n').enumerate() {
        let text = line.trim_start_matches('\u{feff}');
        let start = offset + line.len() - text.len();
        offset += line.len();
        if text.trim().is_empty() {
            continue;
        }
        match Document::parse(&Source::new(file.name.as_str(), text.trim_end())) {
            Ok(document) => parts.push(Part {
                document,
                file: Arc::clone(file),
                offset: start,
            }),
            Err(fault) if findings.len() < MAX_BROKEN_LINES => {
                let mut finding = fault
                    .relocated(|span| span.shifted(start))
                    .with_source(file);
                finding.message = format!("line {}: {}", at + 1, finding.message);
                findings.push(finding);
            }
            Err(_) => {
                findings.push(
                    Diagnostic::error(
                        "ndjson/too-many-broken-lines",
                        format!(
                            "more than {MAX_BROKEN_LINES} lines are no JSON; from line {} on nothing was read",
                            at + 1
                        ),
                    )
                    .with_source(file)
                    .with_help("is this a file with one JSON value a line?"),
                );
                break;
            }
        }
    }
    (parts, findings)
}

/// By its name; else by its first two lines, one of which is a whole resource beside another.
pub fn is_ndjson(file: &Source) -> bool {
    if file.name.ends_with(".ndjson") || file.name.ends_with(".jsonl") {
        return true;
    }
    let mut lines = file
        .text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else {
        return false;
    };
    let whole = |line: &str| Document::parse(&Source::new(file.name.as_str(), line)).is_ok();
    // A line that only begins an object is the first of many, and that object is no line.
    let begins = |line: &str| line.starts_with('{') && line.len() > 1;
    begins(first) && (whole(first) || (begins(second) && whole(second)))
}

/// How many files below the folders among the arguments have one of some endings.
pub fn count_others(paths: &[PathBuf], endings: &[&str]) -> usize {
    let folders: Vec<PathBuf> = paths.iter().filter(|path| path.is_dir()).cloned().collect();
    // What could not be walked has been reported when the files were looked for.
    expand(&folders, endings).map_or(0, |files| files.len())
}
