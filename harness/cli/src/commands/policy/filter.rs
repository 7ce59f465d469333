//! `fhirward policy filter`: which of these resources may somebody see?

use std::path::PathBuf;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::policy::{Decision, Interaction, Policy, TextDecider};
use fhirward_engine::source::json::plain_value;
use serde_json::{Value, json};

use super::who::{self, Who};
use crate::exit::Exit;
use crate::input;
use crate::lines::Lines;
use crate::output::{Failure, Output, data};
use crate::render;

/// Broken lines that a person is shown, and that `--format json` lists.
const SHOWN: usize = 20;
const LISTED: usize = 1000;

/// Bytes that are printed at once.
const CHUNK: usize = 64 * 1024;

/// Print those resources of an export that somebody may see, as they may see them.
///
/// A file has one resource a line (NDJSON), plain or compressed by gzip. The visible ones go to
/// standard output, a line each, without their hidden fields; with --format json, a summary does. A
/// line that is no resource is reported and never shown. A Binary with a securityContext is not
/// shown: nobody can tell from its line who may see it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    who: who::WhoArgs,
    /// read or search.
    #[arg(long, value_name = "INTERACTION", default_value = "read", value_parser = interaction)]
    interaction: Interaction,
    /// NDJSON files, plain or .gz; a folder stands for the *.ndjson, *.jsonl and *.gz in it; - is
    /// standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

fn interaction(text: &str) -> Result<Interaction, String> {
    match text.parse() {
        Ok(seeing @ (Interaction::Read | Interaction::Search)) => Ok(seeing),
        _ => Err("an export is seen by read or by search".to_owned()),
    }
}

/// What the lines came to.
#[derive(Debug, Default)]
struct Tally {
    visible: usize,
    hidden: usize,
    broken: usize,
    /// The first broken lines.
    findings: Vec<Diagnostic>,
    /// `Type/id` of the visible resources, for the summary.
    ids: Vec<String>,
}

/// Decides on each line, and prints what is visible.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let who = Who::read(&args.who)?;
    let Some(decider) = who.policy.text_decider(args.interaction) else {
        return Err(Failure::usage(Diagnostic::error(
            "policy/question",
            format!("`{}` concerns two states of a resource", args.interaction),
        )));
    };
    output.findings(&who.findings);
    let mut tally = Tally::default();
    let mut shown = String::new();
    for path in &input::expand(&args.files, &["ndjson", "jsonl", "gz"])? {
        let mut lines = Lines::open(path)?;
        let name = lines.name().to_owned();
        loop {
            let line = match lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) => {
                    print(output, &mut shown)?;
                    return Err(Failure::usage(Diagnostic::error(
                        "file/unreadable",
                        format!("cannot read `{name}`, line {}: {error}", lines.number()),
                    )));
                }
            };
            match seen(&decider, line.bytes) {
                Ok(Some(text)) => {
                    tally.visible += 1;
                    if output.is_json() {
                        tally.ids.push(name_of(&text, line.number));
                    } else {
                        shown.push_str(&text);
                        shown.push('\n');
                    }
                }
                Ok(None) => tally.hidden += 1,
                Err(finding) => {
                    tally.broken += 1;
                    if tally.findings.len() < LISTED {
                        tally.findings.push(placed(&name, line.number, &finding));
                    }
                }
            }
            if shown.len() >= CHUNK {
                print(output, &mut shown)?;
            }
        }
    }
    print(output, &mut shown)?;
    tally.report(&who, args.interaction, output)
}

/// The line as the actor may see it; `None` when they may not.
fn seen(decider: &TextDecider<'_>, line: &[u8]) -> Result<Option<String>, Diagnostic> {
    let decision = decider.decide_bytes(line)?;
    if !decision.is_allowed() {
        return Ok(None);
    }
    let unreadable = |error: &dyn std::fmt::Display| {
        Diagnostic::error("json/syntax", format!("the line cannot be read: {error}"))
    };
    let text = std::str::from_utf8(line).map_err(|error| unreadable(&error))?;
    let text = text.trim_start_matches('\u{feff}');
    if may_be_a_bundle(text) && plain_value(text).is_some_and(|value| is_bundle(&value)) {
        return Err(Diagnostic::error("policy/question", "this is a Bundle")
            .with_help("nobody decided on the resources in it: write each on a line of its own"));
    }
    if hides_nothing(decider.policy(), decision) {
        return Ok(Some(text.to_owned()));
    }
    // The same texts as the decider's, which another reader would not take as deep.
    let resource = plain_value(text).ok_or_else(|| unreadable(&"it is no JSON"))?;
    let masked = decider.policy().mask(decider.interaction(), &resource);
    Ok(Some(masked.to_string()))
}

/// Whether the line has to be read once more to know; an escape may stand for any letter.
fn may_be_a_bundle(text: &str) -> bool {
    text.contains("Bundle") || text.contains("\\u")
}

fn is_bundle(resource: &Value) -> bool {
    resource.get("resourceType").and_then(Value::as_str) == Some("Bundle")
}

/// Whether the entry that allows it lets everything be seen.
fn hides_nothing(policy: &Policy, decision: Decision) -> bool {
    let entry = decision.entry.and_then(|at| policy.entries().get(at));
    match entry {
        Some(entry) => entry.hidden_fields.is_empty(),
        None => policy.is_full_access(),
    }
}

/// `Type/id`; one without an id by the line it stands on.
fn name_of(text: &str, line: usize) -> String {
    let resource = plain_value(text).unwrap_or_default();
    let part = |key| resource.get(key).and_then(Value::as_str);
    match (part("resourceType"), part("id")) {
        (Some(kind), Some(id)) => format!("{kind}/{id}"),
        (kind, _) => format!("{} on line {line}", kind.unwrap_or("resource")),
    }
}

/// The finding with the file and the line in its message: the line itself is not kept.
fn placed(name: &str, line: usize, finding: &Diagnostic) -> Diagnostic {
    let column = match finding.line_column() {
        Some((_, column)) => format!(", column {column}"),
        None => String::new(),
    };
    let message = format!("`{name}` line {line}{column}: {}", finding.message);
    let placed = Diagnostic::error(finding.code, message);
    match &finding.help {
        Some(help) => placed.with_help(help.as_str()),
        None => placed,
    }
}

fn print(output: Output, shown: &mut String) -> Result<(), Failure> {
    if !shown.is_empty() {
        output.result(shown)?;
        shown.clear();
    }
    Ok(())
}

impl Tally {
    fn report(&self, who: &Who, interaction: Interaction, output: Output) -> Result<Exit, Failure> {
        let all = self.visible + self.hidden + self.broken;
        let exit = if self.broken > 0 || who.findings.iter().any(Diagnostic::is_error) {
            Exit::Invalid
        } else if all == 0 {
            Exit::NothingSelected
        } else {
            Exit::Ok
        };
        if output.is_json() {
            let mut findings = who.findings.clone();
            findings.extend(self.findings.iter().cloned());
            output.document(&json!({
                "exit_code": exit.code(),
                "profile": who.membership.profile,
                "interaction": interaction,
                "resources": self.visible + self.hidden,
                "visible": self.visible,
                "hidden": self.hidden,
                "broken": self.broken,
                "ids": self.ids,
                "diagnostics": data(&findings),
            }))?;
            return Ok(exit);
        }
        output.findings(self.findings.get(..SHOWN).unwrap_or(&self.findings));
        if self.broken > SHOWN {
            output.say(&format!("{} more broken lines", self.broken - SHOWN));
        }
        let broken = match self.broken {
            0 => String::new(),
            broken => format!("; {} broken", render::plural(broken, "line")),
        };
        output.say(&format!(
            "{} of {} visible to {} by {interaction}{broken}",
            self.visible,
            render::plural(self.visible + self.hidden, "resource"),
            who.membership.profile,
        ));
        Ok(exit)
    }
}
