//! `fhirward replay`: a recorded run once more, without any server.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::report::{self, Report};

use super::run::memory::Memory;
use super::run::outputs::{Outputs, unsaid};
use crate::exit::Exit;
use crate::output::{Failure, Output};

/// Show a recorded run once more, and write reports of it; no server is asked.
///
/// It ends as the run did.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The events of the run, as `run --report jsonl=FILE` writes them; `-` for standard input.
    /// Without: the last run in this project.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    outputs: Outputs,
}

/// Reads, shows, reports.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    args.outputs.check(output)?;
    let file = match &args.file {
        Some(file) => file.clone(),
        None => Memory::here()?.last_run(),
    };
    let text = read(&file, args.file.is_none())?;
    let recorded = report::read(&text).map_err(|fault| {
        let message = format!("{}:{}: {}", file.display(), fault.line, fault.why);
        Failure::new(
            Exit::Invalid,
            Diagnostic::error("replay/not-recorded", message).with_help(fault.help),
        )
    })?;
    let events: Vec<_> = recorded.iter().map(|one| one.event.clone()).collect();
    let report = Report::of(&events);
    output.say(&report::terminal(&report, output.report_style()));
    let mut unwritten = args.outputs.write(&recorded, false, output);
    if output.is_json() {
        unwritten.extend(unsaid(output.document(&report::json(&report))));
    }
    let exit = Exit::of_run(report.summary().exit_code());
    Ok(super::run::ending(exit, &unwritten, output))
}

fn read(file: &Path, is_last: bool) -> Result<String, Failure> {
    let read = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .read_to_string(&mut text)
            .map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|error| {
        let finding = Diagnostic::error(
            "replay/unreadable",
            format!("`{}` cannot be read: {error}", file.display()),
        );
        Failure::usage(if is_last {
            finding.with_help(
                "it holds the last run; name a file, or run first (jobs with CI set keep none)",
            )
        } else {
            finding.with_help("`fhirward run --report jsonl=FILE` records a run")
        })
    })
}
