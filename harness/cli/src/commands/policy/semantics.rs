//! `policy decide|explain --semantics …`: one question under several semantics, side by side, and
//! where they part.

use std::fmt::Write;

use fhirward_engine::policy::{Access, Membership, ParameterValue};
use fhirward_engine::semantics::{self, Answer, Departed, Path, Semantics, Verdict};
use serde_json::{Value, json};

use super::question::Question;
use crate::exit::Exit;
use crate::output::{Failure, Output, data};

/// One or more names of semantics, or all.
#[derive(Debug, Clone)]
pub enum Choice {
    /// One by name.
    One(Semantics),
    /// Every line of servers, R4 and the documented one.
    All,
}

/// Reads a value of `--semantics`.
///
/// # Errors
/// A name that no semantics has.
pub fn choice(name: &str) -> Result<Choice, String> {
    match name {
        "all" => Ok(Choice::All),
        name => name
            .parse()
            .map(Choice::One)
            .map_err(|e: semantics::UnknownSemantics| e.to_string()),
    }
}

/// The semantics that are chosen, each once, in the order in which they were named.
fn chosen(choices: &[Choice]) -> Vec<Semantics> {
    let mut chosen = Vec::new();
    for choice in choices {
        let named = match choice {
            Choice::One(semantics) => vec![*semantics],
            Choice::All => Semantics::all(),
        };
        for semantics in named {
            if !chosen.contains(&semantics) {
                chosen.push(semantics);
            }
        }
    }
    chosen
}

/// A ProjectMembership that says what was read, for a server to put together in its own way.
pub fn membership(member: &Membership) -> Value {
    let parameter = |parameter: &fhirward_engine::policy::Parameter| match &parameter.value {
        ParameterValue::String(text) => json!({ "name": parameter.name, "valueString": text }),
        ParameterValue::Reference(reference) => {
            json!({ "name": parameter.name, "valueReference": { "reference": reference } })
        }
    };
    let access = |access: &Access| {
        let parameters: Vec<Value> = access.parameters.iter().map(parameter).collect();
        json!({ "policy": { "reference": access.policy }, "parameter": parameters })
    };
    json!({
        "resourceType": "ProjectMembership",
        "profile": { "reference": member.profile },
        "admin": member.admin,
        "access": member.access.iter().map(access).collect::<Vec<_>>(),
    })
}

struct Column {
    semantics: Semantics,
    answers: Vec<(Path, Answer)>,
    departures: Vec<Departed>,
}

/// Prints the table. With `decides`, the exit code is the answer: that of the only semantics, or of
/// the documented one where there are several.
pub fn run(
    question: &Question,
    choices: &[Choice],
    decides: bool,
    output: Output,
) -> Result<Exit, Failure> {
    let columns: Vec<Column> = chosen(choices)
        .into_iter()
        .map(|semantics| Column {
            semantics,
            answers: question.several.answers(semantics),
            departures: question.several.departures(semantics),
        })
        .collect();
    let allowed = match columns.as_slice() {
        [only] => only
            .answers
            .iter()
            .all(|(_, answer)| answer.verdict == Verdict::Allowed),
        _ => question.decide().is_allowed(),
    };
    let exit = question.exit(if allowed || !decides {
        Exit::Ok
    } else {
        Exit::Failed
    });
    output.findings(&question.findings);
    if output.is_json() {
        output.document(&json!({
            "exit_code": exit.code(),
            "question": question.data(),
            "semantics": columns.iter().map(document).collect::<Vec<_>>(),
            "diagnostics": data(&question.findings),
        }))?;
    } else {
        output.text(&table(&question.sentence(), &columns))?;
    }
    Ok(exit)
}

fn document(column: &Column) -> Value {
    let departure = |path: Path| {
        let departed = column.departures.iter().find(|d| d.path == path)?;
        Some(json!({
            "documented": departed.documented,
            "causes": departed
                .causes
                .iter()
                .map(|cause| json!({ "id": cause.id, "why": cause.why, "rule": cause.rule, "page": cause.page() }))
                .collect::<Vec<_>>(),
        }))
    };
    let path = |(path, answer): &(Path, Answer)| {
        json!({
            "path": path.name(),
            "answer": answer.verdict,
            "reason": answer.reason,
            "departs": departure(*path),
        })
    };
    json!({
        "name": column.semantics.to_string(),
        "paths": column.answers.iter().map(path).collect::<Vec<_>>(),
    })
}

/// Paths down, semantics across; a star where one parts from the documented semantics.
fn table(sentence: &str, columns: &[Column]) -> String {
    let mut text = format!("{sentence}\n\n");
    let mut line = |cells: Vec<String>| {
        let mut row = String::new();
        for (at, cell) in cells.into_iter().enumerate() {
            let width = if at == 0 { 16 } else { 14 };
            // Writing to a text does not fail.
            let _ = write!(row, "{cell:<width$}");
        }
        text.push_str(row.trim_end());
        text.push('\n');
    };
    let mut head = vec![String::new()];
    head.extend(columns.iter().map(|column| column.semantics.to_string()));
    line(head);
    let paths = columns.first().map(|column| column.answers.as_slice());
    for (at, (path, _)) in paths.unwrap_or_default().iter().enumerate() {
        let mut row = vec![path.name().to_owned()];
        for column in columns {
            let star = match column.departures.iter().any(|d| d.path == *path) {
                true => " *",
                false => "",
            };
            let verdict = column.answers.get(at).map(|(_, answer)| answer.verdict);
            let shown = verdict.map(|v| v.to_string()).unwrap_or_default();
            row.push(format!("{shown}{star}"));
        }
        line(row);
    }
    for column in columns {
        parts(&mut text, column);
    }
    text
}

/// Where one semantics parts, in words.
fn parts(text: &mut String, column: &Column) {
    let mut say = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    let mut last: Option<String> = None;
    for departed in &column.departures {
        say(String::new());
        let reason = match departed.answer.reason.as_str() {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        say(format!(
            "* {}, {}: {} where {} is meant{reason}",
            column.semantics,
            departed.path.name(),
            departed.answer.verdict,
            departed.documented,
        ));
        let causes: Vec<String> = departed
            .causes
            .iter()
            .map(|cause| format!("    {}: {} ({})", cause.id, cause.why, cause.page()))
            .collect();
        let causes = causes.join("\n");
        if causes.is_empty() {
            continue;
        }
        match last.as_ref() == Some(&causes) {
            true => say("    for the same reasons".to_owned()),
            false => say(causes.clone()),
        }
        last = Some(causes);
    }
}
