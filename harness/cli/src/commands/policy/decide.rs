//! `fhirward policy decide`: yes or no, for scripts.

use fhirward_engine::policy::Verdict;
use serde_json::json;

use super::question::{Args, Question};
use crate::exit::Exit;
use crate::output::{Failure, Output, data};

/// Prints the decision; the exit code is the answer.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let question = Question::read(args)?;
    let decision = question.policy.decide(&question.request());
    let (word, status) = match decision.verdict {
        Verdict::Allowed => ("allowed", None),
        Verdict::Hidden => ("denied", Some(404)),
        Verdict::Forbidden => ("denied", Some(403)),
    };
    let exit = question.exit(match decision.verdict {
        Verdict::Allowed => Exit::Ok,
        Verdict::Hidden | Verdict::Forbidden => Exit::Failed,
    });
    output.findings(&question.findings);
    if output.is_json() {
        output.document(&json!({
            "exit_code": exit.code(),
            "question": question.data(),
            "decision": word,
            "status": status,
            "entry": decision.entry,
            "diagnostics": data(&question.findings),
        }));
        return Ok(exit);
    }
    let reason = match (status, decision.entry) {
        (Some(404), _) => "hidden, a server answers 404".to_owned(),
        (Some(_), _) => "forbidden, a server answers 403".to_owned(),
        (None, Some(entry)) => format!("by entry {}", entry + 1),
        (None, None) => "full access".to_owned(),
    };
    output.result(&format!("{word}: {} ({reason})", question.sentence()));
    Ok(exit)
}
