//! `fhirward scenario new`: a scenario to begin with.

use std::path::{Path, PathBuf};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::scenario::{Files, schema, starter};
use serde_json::json;

use super::unreadable;
use crate::exit::Exit;
use crate::findings::unwritable;
use crate::output::{Failure, Output};

/// The folder of the suite, where there is none yet.
const FOLDER: &str = "scenarios";
/// The schema beside the scenarios, for editors.
const SCHEMA: &str = "scenario.schema.json";

/// Write a scenario to begin with: it passes the check and plays on the embedded server.
///
/// It goes into a folder named after its page. Beside it, where they are missing, go the policy that
/// it names and the JSON Schema by which an editor completes and checks scenario files.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The id of the scenario, and the name of its file.
    #[arg(value_name = "NAME")]
    name: String,
    /// The documentation page that describes the flow, and the folder.
    #[arg(long, value_name = "PAGE", default_value = "first-steps")]
    page: String,
    /// The folder of the suite.
    #[arg(long, value_name = "FOLDER", default_value = FOLDER)]
    suite: PathBuf,
}

/// Writes what is not there yet, and nothing over what is.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let root = &args.suite;
    let has_policy = root.join("policies/participant.json").exists();
    let at = format!("../{SCHEMA}");
    let starter = starter(root, &args.name, &args.page, &at, has_policy)
        .map_err(|why| Failure::usage(Diagnostic::error("scenario/name", why)))?;
    if starter.scenario.exists() {
        let message = format!("`{}` is there already", starter.scenario.display());
        return Err(Failure::usage(
            Diagnostic::error("scenario/exists", message).with_help("give it another name"),
        ));
    }
    if let Some(other) = namesake(root, &args.name)? {
        let message = format!(
            "there is a scenario `{}` already: `{}`",
            args.name,
            other.display()
        );
        return Err(Failure::usage(
            Diagnostic::error("scenario/exists", message)
                .with_help("a suite has each name once, whatever the page; give it another name"),
        ));
    }
    let mut files = starter.files.clone();
    if !root.join(SCHEMA).exists() {
        files.insert(root.join(SCHEMA), format!("{:#}\n", schema()));
    }
    for (path, text) in &files {
        write(path, text)?;
        output.say(&format!("wrote {}", path.display()));
    }
    output.say(&format!(
        "play it with: fhirward run {}",
        starter.scenario.display()
    ));
    if output.is_json() {
        let files: Vec<&PathBuf> = files.keys().collect();
        output.document(&json!({ "exit_code": 0, "files": files }))?;
    }
    Ok(Exit::Ok)
}

/// The scenario of a suite that has a name.
fn namesake(root: &Path, name: &str) -> Result<Option<PathBuf>, Failure> {
    if !root.is_dir() {
        return Ok(None);
    }
    let files = Files::read(&[root.to_path_buf()]).map_err(unreadable)?;
    let found = files.scenarios.into_iter().find(|(path, text)| {
        let called = text.lines().find_map(|line| line.strip_prefix("scenario:"));
        path.file_stem().is_some_and(|stem| stem == name)
            || called.is_some_and(|called| called.trim().trim_matches(['"', '\'']) == name)
    });
    Ok(found.map(|(path, _)| path))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| unwritable(path, &error))?;
    }
    fhirward_harness::report::write_file(path, text).map_err(|error| unwritable(path, &error))
}
