//! `fhirward policy replay`: what a Medplum 5.0 server answered, against what is predicted.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::medplum::replay::{Comparison, Replayed, ReplayedCase, replay};
use fhirward_engine::source::json::MAX_BYTES;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::input;
use crate::lines::Lines;
use crate::output::{Failure, Output};
use crate::render;

/// Disagreements that a person is shown unless they ask for more.
const SHOWN: usize = 20;

/// Lines that are no case and of which each is told.
const MAX_BROKEN: usize = 100;

/// Reasons for unknown answers that are told apart.
const MAX_REASONS: usize = 100;

/// Replay recorded decisions of a Medplum 5.0 server, and list where the prediction differs.
///
/// A file has one case a line (JSON Lines), plain or compressed by gzip: policies, a membership,
/// resources, and the decisions that the server made.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// JSON Lines files, plain or .gz; a folder stands for the *.jsonl and *.gz in it; - is standard
    /// input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Disagreements that are known: a line each, `case index cause`; # begins a comment.
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// How many disagreements to show (all of them with --format json).
    #[arg(long, value_name = "N", default_value_t = SHOWN)]
    show: usize,
}

#[derive(Debug, Default)]
struct Tally {
    decisions: usize,
    agreed: usize,
    unknown: usize,
}

#[derive(Debug, Default)]
struct Replay {
    categories: BTreeMap<String, Tally>,
    disagreements: usize,
    known: usize,
    shown: Vec<Value>,
    reasons: BTreeMap<String, usize>,
    broken: usize,
    /// The first lines that are no case.
    unreadable: Vec<(Diagnostic, Value)>,
}

/// Replays every case and prints the agreement by category.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let known = match &args.known {
        Some(path) => known(path)?,
        None => HashMap::new(),
    };
    let limit = if output.is_json() {
        usize::MAX
    } else {
        args.show
    };
    let mut all = Replay::default();
    let files = input::expand(&args.files, &["jsonl", "gz"])?;
    for path in &files {
        let mut lines = Lines::open(path)?;
        let name = lines.name().to_owned();
        loop {
            let line = match lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => break,
                // What follows cannot be read.
                Err(error) => {
                    all.broken(&name, lines.number(), &error.to_string());
                    break;
                }
            };
            let number = line.number;
            let case = match case(line.bytes) {
                Ok(case) => case,
                Err(what) => {
                    all.broken(&name, number, &what);
                    continue;
                }
            };
            for decision in &case.decisions {
                let listed = known.contains_key(&(case.id.clone(), decision.index));
                all.add(&name, &case.id, &case.category, decision, listed, limit);
            }
        }
    }
    all.report(output)
}

/// The case on a line, or why it is none.
fn case(line: &[u8]) -> Result<ReplayedCase, String> {
    if line.len() > MAX_BYTES {
        return Err("the line is too long to be a case".to_owned());
    }
    let text = std::str::from_utf8(line).map_err(|_| "the line is not UTF-8 text".to_owned())?;
    replay(text).map_err(|bad| bad.0)
}

impl Replay {
    fn broken(&mut self, file: &str, line: usize, what: &str) {
        self.broken += 1;
        if self.unreadable.len() < MAX_BROKEN {
            let told = json!({ "file": file, "line": line, "reason": what });
            self.unreadable.push((unreadable(file, line, what), told));
        }
    }

    fn add(
        &mut self,
        file: &str,
        case: &str,
        category: &str,
        decision: &Replayed,
        listed: bool,
        limit: usize,
    ) {
        if !self.categories.contains_key(category) {
            self.categories
                .insert(category.to_owned(), Tally::default());
        }
        let Some(tally) = self.categories.get_mut(category) else {
            return;
        };
        tally.decisions += 1;
        match decision.comparison {
            Comparison::Agreed => tally.agreed += 1,
            Comparison::Unknown => {
                tally.unknown += 1;
                if self.reasons.len() < MAX_REASONS || self.reasons.contains_key(&decision.reason) {
                    *self.reasons.entry(decision.reason.clone()).or_default() += 1;
                }
            }
            Comparison::Disagreed if listed => self.known += 1,
            Comparison::Disagreed => {
                self.disagreements += 1;
                if self.shown.len() < limit {
                    self.shown.push(json!({
                        "file": file,
                        "case": case,
                        "decision": decision.index,
                        "category": category,
                        "interaction": decision.interaction,
                        "target": decision.target,
                        "recorded": decision.recorded,
                        "predicted": decision.predicted,
                        "reason": decision.reason,
                    }));
                }
            }
        }
    }

    fn report(&self, output: Output) -> Result<Exit, Failure> {
        let total = |of: fn(&Tally) -> usize| self.categories.values().map(of).sum::<usize>();
        let (decisions, agreed, unknown) = (
            total(|t| t.decisions),
            total(|t| t.agreed),
            total(|t| t.unknown),
        );
        let exit = match (self.broken, self.disagreements, decisions) {
            (1.., _, _) => Exit::Invalid,
            (0, 0, 0) => Exit::NothingSelected,
            (0, 0, _) => Exit::Ok,
            (0, _, _) => Exit::Failed,
        };
        let (findings, lines): (Vec<Diagnostic>, Vec<Value>) =
            self.unreadable.iter().cloned().unzip();
        output.findings(&findings);
        if output.is_json() {
            let categories: serde_json::Map<String, Value> = self
                .categories
                .iter()
                .map(|(name, tally)| {
                    let tally = json!({
                        "decisions": tally.decisions,
                        "agreed": tally.agreed,
                        "unknown": tally.unknown,
                    });
                    (name.clone(), tally)
                })
                .collect();
            output.document(&json!({
                "exit_code": exit.code(),
                "semantics": "medplum-5.0",
                "decisions": decisions,
                "agreed": agreed,
                "unknown": unknown,
                "known": self.known,
                "categories": categories,
                "disagreements": self.shown,
                "reasons_unknown": self.reasons,
                "broken": self.broken,
                "unreadable": lines,
            }))?;
            return Ok(exit);
        }
        let width = self.categories.keys().map(String::len).max().unwrap_or(0);
        let mut rows = Vec::new();
        for (name, tally) in &self.categories {
            rows.push(format!(
                "{name:width$}  {:>7} of {:>7} agree  {:>8}",
                tally.agreed,
                tally.decisions,
                share(tally.agreed, tally.decisions),
            ));
        }
        output.text(&rows.join("\n"))?;
        let text = |value: &Value, name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        for one in &self.shown {
            output.say(&format!(
                "\n{} decision {}: {} {}\n  recorded:  {}\n  predicted: {}\n  {}",
                text(one, "case"),
                one.get("decision")
                    .and_then(Value::as_u64)
                    .unwrap_or_default(),
                text(one, "interaction"),
                text(one, "target"),
                text(one, "recorded"),
                text(one, "predicted"),
                text(one, "reason"),
            ));
        }
        let more = self.disagreements.saturating_sub(self.shown.len());
        if more > 0 {
            output.say(&format!(
                "\n{more} more; --show {} shows them",
                self.disagreements
            ));
        }
        for (reason, count) in &self.reasons {
            output.say(&format!("unknown, {count} times: {reason}"));
        }
        if self.broken > MAX_BROKEN {
            output.say(&format!("{} more broken lines", self.broken - MAX_BROKEN));
        }
        let broken = match self.broken {
            0 => String::new(),
            broken => format!("; {} broken", render::plural(broken, "line")),
        };
        output.say(&format!(
            "{}: {agreed} agree ({}), {} disagree, {} known, {unknown} unknown{broken}",
            render::plural(decisions, "decision"),
            share(agreed, decisions),
            self.disagreements,
            self.known,
        ));
        Ok(exit)
    }
}

/// A percentage that says 100 only when it is.
fn share(part: usize, whole: usize) -> String {
    if whole == 0 || part == whole {
        return "100 %".to_owned();
    }
    let thousandths = part.saturating_mul(100_000) / whole;
    format!("{}.{:03} %", thousandths / 1000, thousandths % 1000)
}

fn unreadable(name: &str, line: usize, what: &str) -> Diagnostic {
    Diagnostic::error("replay/case", format!("`{name}` line {line}: {what}")).with_help(
        "a line is one case: `id`, `category`, `policies`, `membership`, `resources` and \
         `decisions`, or `policy` and `status`",
    )
}

/// The known disagreements: case and decision, with their cause.
fn known(path: &Path) -> Result<HashMap<(String, usize), String>, Failure> {
    let source = input::read(path)?;
    let mut all = HashMap::new();
    for (at, line) in source.text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.splitn(3, char::is_whitespace);
        let case = words.next().unwrap_or_default().to_owned();
        let index = words.next().and_then(|word| word.parse().ok());
        let cause = words
            .next()
            .map(str::trim)
            .filter(|cause| !cause.is_empty());
        let (Some(index), Some(cause)) = (index, cause) else {
            return Err(Failure::usage(
                Diagnostic::error(
                    "replay/known",
                    format!("`{}` line {}: no known disagreement", source.name, at + 1),
                )
                .with_help("write the case, the number of the decision, and the cause"),
            ));
        };
        all.insert((case, index), cause.to_owned());
    }
    Ok(all)
}
