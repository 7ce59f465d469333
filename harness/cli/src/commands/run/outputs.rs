//! Which reports of a run are written, and where to.

use std::collections::BTreeSet;
use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::words::nearest;
use fhirward_harness::report::{
    self, Event, EventSink, Kind, Recorded, check_writable, write_file,
};

use crate::output::{Failure, Output};

/// Where a job of GitHub Actions finds the file whose Markdown its page shows.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// The reports beside the one for people.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Outputs {
    /// Also write a report. May be repeated. KIND is json, jsonl, junit, xunit, tap, sarif,
    /// github, markdown, html, testreport or text; FILE may be `-` for standard output.
    #[arg(long, value_name = "KIND=FILE", value_parser = wanted)]
    report: Vec<Wanted>,
}

/// A report that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    kind: Kind,
    to: To,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum To {
    Stdout,
    File(PathBuf),
}

fn wanted(text: &str) -> Result<Wanted, String> {
    let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    let known = names.join(", ");
    let Some((name, file)) = text.split_once('=') else {
        return Err(match Kind::named(text) {
            Some(_) => format!("write {text}=FILE, or {text}=- for standard output"),
            None => format!("write KIND=FILE; the kinds are {known}"),
        });
    };
    let Some(kind) = Kind::named(name) else {
        let near = nearest(name, &names).map(|near| format!(", did you mean `{near}`?"));
        return Err(format!(
            "there is no report of the kind `{name}`{}; the kinds are {known}",
            near.unwrap_or_default()
        ));
    };
    match file {
        "" => Err(format!("a file name is missing after {name}=")),
        "-" => Ok(Wanted {
            kind,
            to: To::Stdout,
        }),
        file => Ok(Wanted {
            kind,
            to: To::File(PathBuf::from(file)),
        }),
    }
}

impl Outputs {
    /// Whether everything can be written, as far as that is known before the run.
    ///
    /// # Errors
    /// Two reports in one place, or a place that cannot be written to.
    pub fn check(&self, output: Output) -> Result<(), Failure> {
        let fault = |message: String, help: &str| {
            Err(Failure::usage(
                Diagnostic::error("run/report", message).with_help(help),
            ))
        };
        let on_stdout = self.on_stdout().count() + usize::from(output.is_json());
        if on_stdout > 1 {
            return fault(
                "two reports cannot share standard output".to_owned(),
                "give all but one of them a file; `--format json` writes one there too",
            );
        }
        let mut files = BTreeSet::new();
        for file in self.files() {
            if !files.insert(file) {
                return fault(
                    format!("two reports cannot share `{}`", file.display()),
                    "give each its own file",
                );
            }
            // Better known now than after the whole run.
            if let Err(error) = check_writable(file) {
                let message = format!("the report `{}` cannot be written: {error}", file.display());
                return Err(Failure::usage(Diagnostic::error("run/report", message)));
            }
        }
        Ok(())
    }

    fn files(&self) -> impl Iterator<Item = &Path> {
        self.report.iter().filter_map(|wanted| match &wanted.to {
            To::File(file) => Some(file.as_path()),
            To::Stdout => None,
        })
    }

    fn on_stdout(&self) -> impl Iterator<Item = Kind> {
        self.report
            .iter()
            .filter(|wanted| wanted.to == To::Stdout)
            .map(|wanted| wanted.kind)
    }

    /// Listens to a run, so that [`Outputs::write`] has something to write.
    pub fn recorder(&self, output: Output) -> Recorder {
        Recorder {
            begun: Instant::now(),
            recorded: Vec::new(),
            unwritten: Vec::new(),
            live: self
                .on_stdout()
                .any(|kind| kind == Kind::Jsonl)
                .then_some(output),
        }
    }

    /// Writes what was asked for, and says what could not be written. Events on standard output are
    /// there already when `live`.
    pub fn write(&self, recorded: &[Recorded], live: bool, output: Output) -> Vec<Diagnostic> {
        let mut unwritten = Vec::new();
        for Wanted { kind, to } in &self.report {
            let text = match kind.render(recorded) {
                Ok(text) => text,
                Err(error) => {
                    let message = format!("the report `{}`: {error}", kind.name());
                    unwritten.push(Diagnostic::error("run/report", message));
                    continue;
                }
            };
            match to {
                To::Stdout if live && *kind == Kind::Jsonl => {}
                To::Stdout => {
                    if !text.is_empty() {
                        unwritten.extend(unsaid(output.result(&text)));
                    }
                }
                To::File(file) => {
                    if let Err(error) = write_file(file, &text) {
                        unwritten.push(not_written(file, &error));
                    }
                }
            }
            if *kind == Kind::Github {
                unwritten.extend(append_summary(recorded));
            }
        }
        unwritten
    }
}

/// What could not be written to standard output.
pub fn unsaid(said: Result<(), Failure>) -> Vec<Diagnostic> {
    match said {
        Ok(()) => Vec::new(),
        Err(failure) => failure.findings,
    }
}

fn not_written(file: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(
        "run/report",
        format!("the report `{}` cannot be written: {error}", file.display()),
    )
}

/// Appends to the job's summary, where there is one.
fn append_summary(recorded: &[Recorded]) -> Option<Diagnostic> {
    let file = env::var_os(STEP_SUMMARY).filter(|file| !file.is_empty())?;
    let file = Path::new(&file);
    let text = match Kind::Markdown.render(recorded) {
        Ok(text) => text,
        Err(error) => return Some(Diagnostic::error("run/report", error.to_string())),
    };
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut open| open.write_all(text.as_bytes()))
        .err()
        .map(|error| not_written(file, &error))
}

/// Remembers the events of a run, and says them on standard output as they come, where that is
/// wanted.
#[derive(Debug)]
pub struct Recorder {
    begun: Instant,
    recorded: Vec<Recorded>,
    /// Why standard output does not have all of them. The run goes on, and removes what it made.
    unwritten: Vec<Diagnostic>,
    live: Option<Output>,
}

impl Recorder {
    /// All events, and what of them could not be said.
    pub fn into_recorded(self) -> (Vec<Recorded>, Vec<Diagnostic>) {
        (self.recorded, self.unwritten)
    }

    fn say(&self, recorded: &Recorded, output: Output) -> Result<(), Vec<Diagnostic>> {
        let line = report::line(self.recorded.len(), recorded).map_err(|error| {
            let message = format!("the report `{}`: {error}", Kind::Jsonl.name());
            vec![Diagnostic::error("run/report", message)]
        })?;
        output.result(&line).map_err(|failure| failure.findings)
    }
}

impl EventSink for Recorder {
    fn event(&mut self, event: &Event) {
        let recorded = Recorded {
            at_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            event: event.clone(),
        };
        if let Some(output) = self.live
            && let Err(unwritten) = self.say(&recorded, output)
        {
            // After a gap the lines would be no recording.
            self.live = None;
            self.unwritten = unwritten;
        }
        self.recorded.push(recorded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_files() {
        assert_eq!(
            wanted("junit=out/junit.xml"),
            Ok(Wanted {
                kind: Kind::Junit,
                to: To::File("out/junit.xml".into())
            })
        );
        assert_eq!(
            wanted("github=-"),
            Ok(Wanted {
                kind: Kind::Github,
                to: To::Stdout
            })
        );
        for (text, part) in [
            ("junt=a", "did you mean `junit`?"),
            ("xyz=a", "the kinds are json, jsonl,"),
            ("json", "write json=FILE, or json=- for standard output"),
            ("nothing", "write KIND=FILE; the kinds are json"),
            ("tap=", "a file name is missing after tap="),
        ] {
            let error = wanted(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
