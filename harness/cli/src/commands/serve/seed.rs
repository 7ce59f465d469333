//! Reading the files that a server begins with.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::json::{Document, MAX_BYTES};
use fhirward_engine::source::{Before, Source};
use fhirward_server::{Seed, SeedFault, Validation};
use indicatif::{ProgressBar, ProgressStyle};

use crate::exit::Exit;
use crate::input::{self, Part};
use crate::lines::Lines;
use crate::output::{Failure, Output};
use crate::render;

/// What the files of a folder end in.
const ENDINGS: [&str; 4] = ["json", "ndjson", "jsonl", "gz"];

/// Findings that are shown; a file with more is something else.
const MOST_FINDINGS: usize = 100;

/// The longest silence in a log.
const SILENCE: Duration = Duration::from_secs(10);

/// Reads all the files, or tells all that is wrong with them.
pub fn read(paths: &[PathBuf], validation: Validation, output: Output) -> Result<Seed, Failure> {
    let mut reading = Reading {
        seed: Seed::checked(validation),
        findings: Vec::new(),
        progress: Progress::new(output),
    };
    for path in &input::expand(paths, &ENDINGS)? {
        if is_lines(path) {
            reading.lines(path)?;
        } else {
            reading.file(path)?;
        }
        if reading.findings.len() >= MOST_FINDINGS {
            break;
        }
    }
    reading.progress.end(reading.seed.len());
    if reading.findings.is_empty() {
        return Ok(reading.seed);
    }
    reading.findings.truncate(MOST_FINDINGS);
    Err(Failure {
        exit: Exit::Invalid,
        findings: reading.findings,
    })
}

/// Whether the name says that each line is a resource. Such a file is never in memory as a whole.
fn is_lines(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    let name = name.as_deref().unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.ends_with(".ndjson") || name.ends_with(".jsonl")
}

struct Reading {
    seed: Seed,
    findings: Vec<Diagnostic>,
    progress: Progress,
}

impl Reading {
    fn lines(&mut self, path: &Path) -> Result<(), Failure> {
        let mut lines = Lines::open(path)?;
        let name = lines.name().to_owned();
        while self.findings.len() < MOST_FINDINGS {
            let line = match lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) => return Err(unread(&name, lines.number(), &error.to_string())),
            };
            let text = std::str::from_utf8(line.bytes)
                .map_err(|_| unread(&name, line.number, "the line is not UTF-8 text"))?;
            let before = Before {
                lines: line.number - 1,
                characters: 0,
            };
            let text = text.trim_start_matches('\u{feff}');
            let source = Source::part(name.as_str(), text, before);
            match Document::parse(&source) {
                Ok(document) => self.add(&Part {
                    document,
                    file: source,
                    offset: 0,
                }),
                Err(fault) => self.findings.push(fault),
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let source = whole(path)?;
        let (parts, findings) = input::parts(&source);
        self.findings.extend(findings);
        for part in &parts {
            self.add(part);
        }
        Ok(())
    }

    fn add(&mut self, part: &Part) {
        let place = part.span("");
        let (line, _) = part.file.line_column(place.start);
        let place = format!("{}:{line}", part.file.name);
        if let Err(faults) = self.seed.add(&place, part.document.value()) {
            let findings = faults.into_iter().map(|fault| finding(part, fault));
            self.findings.extend(findings);
        }
        self.progress.show(&part.file.name, self.seed.len());
    }
}

fn finding(part: &Part, fault: SeedFault) -> Diagnostic {
    let mut finding = Diagnostic::error("serve/seed", fault.message)
        .with_label(part.span(&fault.pointer), "")
        .with_source(&part.file);
    finding.help = fault.help;
    finding
}

/// The text of a file, unpacked where it begins as gzip does.
fn whole(path: &Path) -> Result<Arc<Source>, Failure> {
    let packed = path.extension().is_some_and(|ending| ending == "gz");
    if !packed {
        return input::read(path);
    }
    let mut lines = Lines::open(path)?;
    let name = lines.name().to_owned();
    let mut text = String::new();
    loop {
        match lines.next() {
            Ok(Some(line)) => {
                let line_text = std::str::from_utf8(line.bytes)
                    .map_err(|_| unread(&name, line.number, "the line is not UTF-8 text"))?;
                // Blank lines are left out by the reader; a place needs them.
                let missing = line.number - 1 - text.matches('\n').count();
                text.extend(std::iter::repeat_n('\n', missing));
                text.push_str(line_text);
                text.push('\n');
                if text.len() > MAX_BYTES {
                    let why = "the file is too long; write one resource a line, in a file \
                               named `.ndjson.gz`";
                    return Err(unread(&name, line.number, why));
                }
            }
            Ok(None) => return Ok(Source::new(name, text)),
            Err(error) => return Err(unread(&name, lines.number(), &error.to_string())),
        }
    }
}

fn unread(name: &str, line: usize, why: &str) -> Failure {
    let message = format!("cannot read `{name}`, line {line}: {why}");
    Failure::usage(Diagnostic::error("file/unreadable", message))
}

/// How far the reading is: a bar that moves on a terminal, elsewhere a line now and then.
struct Progress {
    output: Output,
    bar: Option<ProgressBar>,
    last: Instant,
}

impl Progress {
    fn new(output: Output) -> Self {
        let live = !output.is_json() && std::io::stderr().is_terminal();
        let style = ProgressStyle::default_spinner();
        Self {
            output,
            bar: live.then(|| ProgressBar::new_spinner().with_style(style)),
            last: Instant::now(),
        }
    }

    fn show(&mut self, file: &str, read: usize) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{file}: {read} resources"));
            bar.tick();
        } else if self.last.elapsed() >= SILENCE {
            self.last = Instant::now();
            self.output.say(&format!("{file}: {read} resources read"));
        }
    }

    fn end(&mut self, read: usize) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.output
            .say(&format!("{} read", render::plural(read, "resource")));
    }
}
