//! `fhirward scenario docs`: a suite as a page for people.

use std::path::PathBuf;

use fhirward_harness::Suite;
use fhirward_harness::scenario::{LoadError, page};
use serde_json::json;

use super::{files, nothing, unreadable};
use crate::exit::Exit;
use crate::findings::unwritable;
use crate::output::{Failure, Output};
use crate::render;

/// Write a Markdown page of scenarios: what each shows, who takes part, what happens.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scenario files or folders. Without: the folder `scenarios`, here or above.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write into this file, whole or not at all. Without: to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes the page.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let files = files(&args.paths)?;
    if files.scenarios.is_empty() && !files.named_states.is_empty() {
        return Err(unreadable(LoadError::OnlyStates {
            paths: args.paths.clone(),
            states: files.named_states.len(),
        }));
    }
    if files.scenarios.is_empty() {
        return Err(nothing());
    }
    let suite = Suite::check(&files).map_err(unreadable)?;
    let text = page(&suite);
    match &args.output {
        Some(file) => {
            let written = fhirward_harness::report::write_file(file, &text);
            written.map_err(|error| unwritable(file, &error))?;
            output.say(&format!(
                "{}: {}",
                file.display(),
                render::plural(suite.scenarios.len(), "scenario")
            ));
            if output.is_json() {
                let count = suite.scenarios.len();
                output.document(&json!({ "exit_code": 0, "file": file, "scenarios": count }))?;
            }
        }
        None if output.is_json() => {
            output.document(&json!({ "exit_code": 0, "markdown": text }))?;
        }
        None => output.result(&text)?,
    }
    Ok(Exit::Ok)
}
