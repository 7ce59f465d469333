//! `fhirward scenario check`: can these scenarios be played as they are written?

use std::path::PathBuf;
use std::sync::Arc;

use fhirward_engine::source::{Source, Span};
use fhirward_harness::Suite;
use fhirward_harness::scenario::{Files, LoadError};
use serde_json::Map;

use super::{files, nothing, unreadable};
use crate::exit::Exit;
use crate::findings::{File, Finding, Report, Subject};
use crate::output::{Failure, Output};
use crate::render;

/// Check scenario and state files, and the policies that they name.
///
/// Nothing is sent to a server. What `run` would refuse is found here, and nothing else.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scenario or state files, or folders. Without: the folder `scenarios`, here or above.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write the result into this file, whole or not at all, and the text for people to standard
    /// error.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Prints the findings; errors make the suite invalid.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let files = files(&args.paths)?;
    if files.scenarios.is_empty() && files.states.is_empty() {
        return Err(nothing());
    }
    let found = match Suite::check(&files) {
        Ok(suite) => suite.findings,
        Err(LoadError::Invalid(findings)) => findings,
        Err(other) => return Err(unreadable(other)),
    };
    let report = Report {
        command: "scenario check",
        files: sources(&files),
        findings: found
            .into_iter()
            .map(|diagnostic| Finding {
                rule: diagnostic.code.to_owned(),
                diagnostic,
                thread: None,
            })
            .collect(),
        ..Report::default()
    };
    let exit = if report.has_errors() {
        Exit::Invalid
    } else {
        Exit::Ok
    };
    let mut more = Map::new();
    more.insert("scenarios".to_owned(), files.scenarios.len().into());
    more.insert("states".to_owned(), files.states.len().into());
    report.write(exit, more, output, args.output.as_deref())?;
    let people = if args.output.is_some() {
        output.for_people()
    } else {
        output
    };
    people.say(&format!(
        "{}, {}, {}: {}",
        render::plural(files.scenarios.len(), "scenario"),
        render::plural(files.states.len(), "state"),
        render::counted(files.policies.len(), "policy", "policies"),
        report.count(),
    ));
    Ok(exit)
}

/// What was looked at, for reports that count files and things in them.
fn sources(files: &Files) -> Vec<File> {
    let scenarios = files
        .scenarios
        .iter()
        .map(|(path, text)| ("scenario", path, text));
    let states = files
        .states
        .iter()
        .map(|(path, text)| ("state", path, text));
    let policies = files
        .policies
        .iter()
        .map(|(path, text)| ("policy", path, text));
    scenarios
        .chain(states)
        .chain(policies)
        .map(|(kind, path, text)| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let source: Arc<Source> = Source::new(path.display().to_string(), text.as_str());
            File {
                subjects: vec![Subject {
                    name: format!("{kind} {stem}"),
                    span: Span::new(0, text.len()),
                    called: vec![stem.into_owned()],
                    parts: Vec::new(),
                }],
                source,
            }
        })
        .collect()
}
