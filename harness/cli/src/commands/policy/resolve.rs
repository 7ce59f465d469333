//! `fhirward policy resolve`: the policy that somebody really has.

use serde_json::json;

use super::who;
use crate::exit::Exit;
use crate::output::{Failure, Output, data};
use fhirward_engine::diagnostic::Diagnostic;

/// Show the policy that a member really has, with the origin of each entry.
///
/// Every policy of the membership in order, with the values of its variables; what the project's
/// rules, the defaults and the scopes of a token change; which entries grant nothing, and why.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    who: who::WhoArgs,
}

/// Prints the resolved policy.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let who = who::Who::read(&args.who)?;
    let resolved = who.policy.resolved();
    let exit = if who.findings.iter().any(Diagnostic::is_error) {
        Exit::Invalid
    } else {
        Exit::Ok
    };
    output.findings(&who.findings);
    if output.is_json() {
        output.document(&json!({
            "exit_code": exit.code(),
            "resolved": resolved,
            "diagnostics": data(&who.findings),
        }))?;
    } else {
        output.text(resolved.to_string().trim_end())?;
    }
    Ok(exit)
}
