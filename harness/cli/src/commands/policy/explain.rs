//! `fhirward policy explain`: why.

use serde_json::json;

use super::question::{Args, Question};
use super::semantics;
use crate::exit::Exit;
use crate::output::{Failure, Output, data};

/// Prints each entry, each filter, the values seen and the nearest miss. Ends with 0 whatever the
/// decision is: the question was answered.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let question = Question::read(args)?;
    if !args.semantics.is_empty() {
        return semantics::run(&question, &args.semantics, false, output);
    }
    let explanation = question.explain();
    let exit = question.exit(Exit::Ok);
    output.findings(&question.findings);
    if output.is_json() {
        let mut document = json!({ "exit_code": exit.code(), "question": question.data() });
        if let Some(document) = document.as_object_mut() {
            document.insert("explanation".to_owned(), json!(explanation));
            document.insert("diagnostics".to_owned(), json!(data(&question.findings)));
        }
        question.add_sign_in(&mut document);
        output.document(&document)?;
    } else {
        let mut text = explanation.to_string();
        if let Some(sign_in) = &question.sign_in {
            let word = if sign_in.admitted {
                "admitted"
            } else {
                "refused, whatever follows"
            };
            text = format!("sign-in: {word}; {}\n\n{text}", sign_in.reason);
        }
        output.text(&text)?;
    }
    Ok(exit)
}
