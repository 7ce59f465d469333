//! `fhirward init`: something that works, to start from.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::report::write_file;
use serde_json::json;

use crate::exit::Exit;
use crate::output::{Failure, Output};

/// Write a starter: a scenario with its state, policy and snapshot, fhirward.toml, and a workflow
/// for GitHub.
///
/// What is there already stays as it is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the project.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

/// The files, by their paths in the project.
const FILES: [(&str, &str); 6] = [
    ("fhirward.toml", include_str!("init/fhirward.toml")),
    (
        "scenarios/policies/participant.json",
        include_str!("init/scenarios/policies/participant.json"),
    ),
    (
        "scenarios/states/care-team.yaml",
        include_str!("init/scenarios/states/care-team.yaml"),
    ),
    (
        "scenarios/messaging/first-message.yaml",
        include_str!("init/scenarios/messaging/first-message.yaml"),
    ),
    (
        "scenarios/messaging/first-message.snap.yaml",
        include_str!("init/scenarios/messaging/first-message.snap.yaml"),
    ),
    (
        ".github/workflows/fhirward.yml",
        include_str!("init/workflow.yml"),
    ),
];

/// Writes what is missing.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let mut written = Vec::new();
    let mut kept = Vec::new();
    for (name, text) in FILES {
        let file = args.folder.join(name);
        match put(&file, text) {
            Ok(true) => written.push(name),
            Ok(false) => kept.push(name),
            Err(error) => {
                let message = format!("`{}` cannot be written: {error}", file.display());
                return Err(Failure::usage(Diagnostic::error(
                    "init/unwritable",
                    message,
                )));
            }
        }
    }
    for name in &written {
        output.say(&format!("wrote {name}"));
    }
    for name in &kept {
        output.say(&format!("kept  {name}, which was there"));
    }
    output.say(&next(&args.folder, &kept));
    if output.is_json() {
        output.document(&json!({ "exit_code": 0, "written": written, "kept": kept }))?;
    }
    Ok(Exit::Ok)
}

/// Whether the file is new.
fn put(file: &Path, text: &str) -> io::Result<bool> {
    // Also a link that leads nowhere is somebody's.
    if file.symlink_metadata().is_ok() {
        return Ok(false);
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    write_file(file, text)?;
    Ok(true)
}

/// The root of the repository, where the folder is not it.
fn repository_above(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let root = folder.ancestors().find(|one| one.join(".git").exists())?;
    (root != folder).then(|| root.to_path_buf())
}

fn next(folder: &Path, kept: &[&str]) -> String {
    let mut text = String::from("\nnext:\n");
    if folder != Path::new(".") {
        text.push_str(&format!("  cd {}\n", folder.display()));
    }
    text.push_str(
        "  fhirward run                play it against the embedded server: it passes\n\
         \x20 fhirward run --watch        play again whenever a file changes; then break the policy\n\
         \x20                             in scenarios/policies/participant.json and see which cell is wrong\n\
         \x20 fhirward review             accept or refuse what changed\n",
    );
    if !kept.contains(&".github/workflows/fhirward.yml") {
        if let Some(root) = repository_above(folder) {
            text.push_str(&format!(
                "GitHub reads workflows only at the root of the repository: move\n\
                 .github/workflows/fhirward.yml to {}, and let its steps run in this folder\n\
                 (`working-directory`)\n",
                root.join(".github/workflows").display()
            ));
        }
        text.push_str(
            "in GitHub, set the repository's variable FHIRWARD_GIT to the git address that you have\n\
             fhirward from: .github/workflows/fhirward.yml installs it from there\n",
        );
    }
    text
}
