//! `fhirward thread check`: are these valid Communications, and do they form threads?

use std::path::PathBuf;

use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::resource;
use fhirward_engine::source::Span;
use fhirward_engine::thread;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::input::{self, Part};
use crate::output::{Failure, Output, data};
use crate::render;

/// Check Communications: R4 structure, and the rules of headers, messages and threads.
///
/// All files are looked at together, so a header in one file and its messages in another are one
/// thread. References to what is in none of the files are not followed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// JSON or NDJSON files: a resource, an array, a Bundle, or one resource a line. A folder
    /// stands for the *.json, *.ndjson and *.jsonl in it; - is standard input.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// A resource and where it stands.
struct Found<'p> {
    part: &'p Part,
    pointer: String,
    value: &'p Value,
}

impl Found<'_> {
    /// Where to point: at a simple value itself; at the key of anything larger; at the resource's
    /// id for what is missing from it. A frame around a whole resource shows nothing.
    fn place(&self, pointer: &str) -> Span {
        let whole = |pointer: &str| format!("{}{pointer}", self.pointer);
        match self.value.pointer(pointer) {
            Some(value) if !value.is_object() && !value.is_array() => {
                self.part.span(&whole(pointer))
            }
            Some(_) if !pointer.is_empty() => self.part.key(&whole(pointer)),
            _ => match pointer.rfind('/').and_then(|cut| pointer.get(..cut)) {
                Some(around) if !around.is_empty() => self.place(around),
                _ => ["/id", "/resourceType"]
                    .into_iter()
                    .find(|name| self.value.pointer(name).is_some())
                    .map_or_else(
                        || self.part.span(&self.pointer),
                        |name| self.part.span(&whole(name)),
                    ),
            },
        }
    }
}

/// Prints the findings; errors mean that a rule is broken.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let files = input::expand(&args.paths, &["json", "ndjson", "jsonl"])?;
    let mut unreadable = Vec::new();
    let mut parts = Vec::new();
    for file in &files {
        let (more, findings) = input::parts(&input::read(file)?);
        parts.extend(more);
        unreadable.extend(findings);
    }
    for part in &parts {
        let repeated = part.document.repeated_keys().iter().cloned();
        unreadable.extend(repeated.map(|finding| part.place(finding)));
    }
    let mut resources = Vec::new();
    for part in &parts {
        collect(part, &mut resources, &mut unreadable);
    }
    let broken = broken_rules(&resources);

    let exit = if unreadable.iter().any(Diagnostic::is_error) {
        Exit::Invalid
    } else if broken.iter().any(Diagnostic::is_error) {
        Exit::Failed
    } else if resources.is_empty() {
        Exit::NothingSelected
    } else {
        Exit::Ok
    };
    let findings: Vec<Diagnostic> = unreadable.into_iter().chain(broken).collect();
    output.findings(&findings);
    output.say(&format!(
        "{} in {}: {}",
        render::plural(resources.len(), "resource"),
        render::plural(files.len(), "file"),
        render::count(findings.iter()),
    ));
    if exit == Exit::NothingSelected {
        output.say("nothing to check: there is no resource");
    }
    if output.is_json() {
        output.document(&json!({
            "exit_code": exit.code(),
            "files": files.len(),
            "resources": resources.len(),
            "diagnostics": data(&findings),
        }));
    }
    Ok(exit)
}

/// The resources of a JSON value: itself, the items of an array, the entries of a Bundle.
fn collect<'p>(part: &'p Part, found: &mut Vec<Found<'p>>, findings: &mut Vec<Diagnostic>) {
    let value = part.document.value();
    let mut add = |pointer: String, value: &'p Value| {
        if value.get("resourceType").is_some_and(Value::is_string) {
            found.push(Found {
                part,
                pointer,
                value,
            });
            return;
        }
        findings.push(
            Diagnostic::error("thread/no-resource", "this is no FHIR resource")
                .with_label(part.span(&pointer), "")
                .with_source(&part.file)
                .with_help("a resource is a JSON object with a `resourceType`"),
        );
    };
    if let Some(items) = value.as_array() {
        for (at, item) in items.iter().enumerate() {
            add(format!("/{at}"), item);
        }
    } else if value.get("resourceType").and_then(Value::as_str) == Some("Bundle") {
        let entries = value.get("entry").and_then(Value::as_array);
        for (at, entry) in entries.into_iter().flatten().enumerate() {
            // An entry of a history may be a deletion, which has no resource.
            if let Some(resource) = entry.get("resource") {
                add(format!("/entry/{at}/resource"), resource);
            }
        }
    } else {
        add(String::new(), value);
    }
}

fn broken_rules(resources: &[Found<'_>]) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for found in resources {
        for finding in resource::validate(found.value) {
            findings.push(diagnostic(
                found,
                finding.severity,
                finding.code,
                finding.message,
                &finding.pointer,
                finding.help,
            ));
        }
    }
    let values: Vec<&Value> = resources.iter().map(|found| found.value).collect();
    for finding in thread::check(&values) {
        if let Some(found) = resources.get(finding.resource) {
            findings.push(diagnostic(
                found,
                finding.severity,
                finding.rule,
                finding.message,
                &finding.pointer,
                Some(format!("{} (see {})", finding.help, finding.page)),
            ));
        }
    }
    findings
}

fn diagnostic(
    found: &Found<'_>,
    severity: Severity,
    code: &'static str,
    message: String,
    pointer: &str,
    help: Option<String>,
) -> Diagnostic {
    let place = found.place(pointer);
    let finding = Diagnostic::new(severity, code, message)
        .with_label(place, "")
        .with_source(&found.part.file);
    match help {
        Some(help) => finding.with_help(help),
        None => finding,
    }
}
