//! `fhirward policy check`: are these policies and memberships valid, and is nothing in them empty
//! talk?

use std::path::PathBuf;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::policy::{Options, assemble};
use serde_json::json;

use super::files;
use crate::exit::Exit;
use crate::input;
use crate::output::{Failure, Output, data};
use crate::render;

/// Check AccessPolicy and ProjectMembership files.
///
/// A file holds one resource, an array of them, or a Bundle. A membership is also checked together
/// with the policies it names: a variable that nothing gives a value to is found here.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// JSON files; a folder stands for the *.json in it; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Prints the findings; errors make the policies invalid.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let files = input::expand(&args.files, &["json"])?;
    let mut read = files::Policies::default();
    for file in &files {
        read.add(&input::read(file)?);
    }
    let options = Options::default();
    let find = |reference: &str| read.find(reference);
    let mut assembled: Vec<Diagnostic> = Vec::new();
    for membership in &read.memberships {
        assembled.extend(assemble(membership, &find, &options).diagnostics);
    }
    let mut findings = read.findings.clone();
    files::add_new(&mut findings, assembled);
    files::drop_outdone(&mut findings);

    let nothing = read.policies.is_empty() && read.memberships.is_empty();
    let exit = if findings.iter().any(Diagnostic::is_error) {
        Exit::Invalid
    } else if nothing {
        Exit::NothingSelected
    } else {
        Exit::Ok
    };
    output.findings(&findings);
    output.say(&format!(
        "{}, {} in {}: {}",
        render::counted(read.policies.len(), "policy", "policies"),
        render::plural(read.memberships.len(), "membership"),
        render::plural(files.len(), "file"),
        render::count(&findings),
    ));
    if exit == Exit::NothingSelected {
        output.say("nothing to check: there is no AccessPolicy and no ProjectMembership");
    }
    if output.is_json() {
        output.document(&json!({
            "exit_code": exit.code(),
            "files": files.len(),
            "policies": read.policies.iter().map(|policy| policy.title()).collect::<Vec<_>>(),
            "memberships": read.memberships.iter().map(|m| m.profile.as_str()).collect::<Vec<_>>(),
            "diagnostics": data(&findings),
        }));
    }
    Ok(exit)
}
