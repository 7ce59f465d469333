//! `fhirward scenario fmt`: one way to write scenarios.

use std::path::PathBuf;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::scenario::{FormatError, format};
use serde_json::json;

use super::{files, nothing};
use crate::exit::Exit;
use crate::output::{Failure, Output};
use crate::render;

/// Write scenario and state files in the one way: the keys in their order, each verb by its name.
///
/// Comments and everything else stay as they are. A file that is no YAML is left alone.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scenario or state files, or folders. Without: the folder `scenarios`, here or above.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing; end with 4 where a file would be written in another way.
    #[arg(long)]
    check: bool,
}

/// Formats, or tells what would be formatted.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let files = files(&args.paths)?;
    if files.scenarios.is_empty() && files.states.is_empty() {
        return Err(nothing());
    }
    let scenarios = files.scenarios.iter().map(|(path, text)| (path, text));
    let (mut changed, mut broken, mut count) = (Vec::new(), Vec::new(), 0);
    for (path, text) in scenarios.chain(&files.states) {
        count += 1;
        match format(path, text) {
            Ok(written) if written == *text => {}
            Ok(written) => {
                if !args.check {
                    let put = fhirward_harness::report::write_file(path, &written);
                    put.map_err(|error| crate::findings::unwritable(path, &error))?;
                }
                changed.push(path.display().to_string());
            }
            Err(FormatError::Invalid(finding)) => broken.push(*finding),
            Err(error) => broken.push(
                Diagnostic::error("scenario/format", error.to_string())
                    .with_help("this is a bug in fhirward; the file is as it was"),
            ),
        }
    }
    let exit = match (broken.is_empty(), args.check && !changed.is_empty()) {
        (false, _) => Exit::Invalid,
        (true, true) => Exit::Failed,
        (true, false) => Exit::Ok,
    };
    let verb = if args.check {
        "would be changed"
    } else {
        "changed"
    };
    for path in &changed {
        output.say(&format!("{path}: {verb}"));
    }
    output.findings(&broken);
    output.say(&format!(
        "{}: {} {verb}",
        render::plural(count, "file"),
        changed.len()
    ));
    if output.is_json() {
        output.document(&json!({
            "exit_code": exit.code(),
            "files": count,
            "changed": changed,
            "diagnostics": crate::output::data(&broken),
        }))?;
    }
    Ok(exit)
}
