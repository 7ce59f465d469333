//! `fhirward policy decide`: yes or no, for scripts.

use fhirward_engine::policy::Verdict;
use serde_json::json;

use super::question::{Args, Question};
use super::semantics;
use crate::exit::Exit;
use crate::output::{Failure, Output, data};

/// Prints the decision; the exit code is the answer. With `--semantics`, the decisions.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let question = Question::read(args)?;
    if !args.semantics.is_empty() {
        return semantics::run(&question, &args.semantics, true, output);
    }
    let decision = question.decide();
    let refused = question.refused_sign_in();
    let allowed = decision.is_allowed() && refused.is_none();
    let word = if allowed { "allowed" } else { "denied" };
    let entry = decision
        .entry
        .filter(|_| refused.is_none())
        .and_then(|at| question.policy.entries().get(at))
        .map(|entry| entry.origin.to_string());
    let exit = question.exit(if allowed { Exit::Ok } else { Exit::Failed });
    output.findings(&question.findings);
    if output.is_json() {
        let mut document = json!({
            "exit_code": exit.code(),
            "question": question.data(),
            "decision": word,
            "status": refused.map_or(decision.verdict.status(), |_| 400),
            "entry": entry,
            "kept_fields": question.kept(),
            "diagnostics": data(&question.findings),
        });
        question.add_sign_in(&mut document);
        output.document(&document)?;
        return Ok(exit);
    }
    if let Some(reason) = refused {
        let sentence = question.sentence();
        output.text(&format!(
            "{word}: {sentence} (no sign-in from there: {reason})"
        ))?;
        return Ok(exit);
    }
    let reason = match (decision.verdict, entry) {
        (Verdict::Hidden, _) => "as if it did not exist: 404".to_owned(),
        (Verdict::Forbidden, _) => "refused: 403".to_owned(),
        (Verdict::Allowed, Some(entry)) => format!("by {entry}"),
        (Verdict::Allowed, None) => "full access".to_owned(),
    };
    output.text(&format!("{word}: {} ({reason})", question.sentence()))?;
    Ok(exit)
}
