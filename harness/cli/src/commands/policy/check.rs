//! `fhirward policy check`: are these policies and memberships valid, and do they grant what their
//! author means?

pub mod levels;
mod rules;
mod subjects;

use std::path::PathBuf;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::lint;
use fhirward_engine::medplum::{UnknownVersion, Version};
use serde_json::{Map, json};

use crate::config::{self, Catalogue, Date, Shape};
use crate::exit::Exit;
use crate::findings::{Finding, Report};
use crate::input;
use crate::output::{Failure, Format, Output};
use crate::render;

use subjects::Subjects;

/// What `fhirward.toml` may say about this command.
const SHAPE: Shape<'static> = Shape {
    section: "policy",
    subject: "policy",
    part: "entry",
    server_version: true,
};

/// Endings of the files that a folder stands for.
const ENDINGS: [&str; 3] = ["json", "ndjson", "jsonl"];
/// Endings of notations that are not read, and that are worth a word when nothing else is there.
const OTHER_ENDINGS: [&str; 9] = [
    "ts", "mts", "tsx", "js", "mjs", "json5", "jsonc", "yaml", "yml",
];

/// Check AccessPolicy and ProjectMembership files.
///
/// A file holds one resource, an array of them, a Bundle, or one resource a line (NDJSON).
/// Everything is checked together: a membership with the policies it names, a policy with the
/// parameters that memberships give it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files; a folder stands for the *.json, *.ndjson and *.jsonl in it; - is standard input.
    #[arg(required_unless_present_any = ["explain", "list_rules"], value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the result into this file, whole or not at all, and the text for people to standard
    /// error.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The configuration, instead of the nearest fhirward.toml in this folder or above.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The Medplum server the policies are meant for, like 5.0 or 5.1.10 [default: the newest that
    /// is known].
    #[arg(long, value_name = "VERSION")]
    server_version: Option<String>,
    #[command(flatten)]
    levels: levels::Levels,
    /// Print the page of a rule: what it finds, why, what to write instead.
    #[arg(long, value_name = "RULE", conflicts_with_all = ["files", "list_rules"])]
    explain: Option<String>,
    /// List the rules.
    #[arg(long, conflicts_with = "files")]
    list_rules: bool,
}

/// Prints the findings; errors make the policies invalid.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    if let Some(name) = &args.explain {
        return rules::explain(name, output);
    }
    if args.list_rules {
        return rules::list(output);
    }
    let rules = rules::all(output.format() == Format::Sarif);
    let catalogue = Catalogue::new(&rules);
    let section = config::load(args.config.as_deref(), &SHAPE, &catalogue)?;
    let server = server(args, &section)?;
    let levels = args.levels.read(&catalogue)?;

    let files = input::expand(&args.files, &ENDINGS)?;
    let mut read = Subjects::default();
    for path in &files {
        let named = args.files.contains(path);
        read.add(&input::read(path)?, named);
    }
    let options = lint::Options {
        server,
        ..lint::Options::default()
    };
    let found = read.check(&options);
    let mut report = Report {
        command: "policy check",
        rules,
        files: read.files,
        findings: found,
        ..Report::default()
    };
    config::apply(&mut report, &section, &levels, Date::today());

    let nothing = read.policies.is_empty() && read.memberships.is_empty();
    let exit = if report.has_errors() {
        Exit::Invalid
    } else if nothing {
        Exit::NothingSelected
    } else {
        Exit::Ok
    };
    let mut more = Map::new();
    more.insert("server_version".to_owned(), server.to_string().into());
    more.insert("policies".to_owned(), json!(read.policies));
    more.insert("memberships".to_owned(), json!(read.memberships));
    more.insert("skipped".to_owned(), read.skipped.into());
    report.write(exit, more, output, args.output.as_deref())?;

    let people = if args.output.is_some() {
        output.for_people()
    } else {
        output
    };
    people.say(&format!(
        "{}, {} in {}, for Medplum {server}: {}",
        render::counted(read.policies.len(), "policy", "policies"),
        render::plural(read.memberships.len(), "membership"),
        render::plural(files.len(), "file"),
        report.count(),
    ));
    if read.skipped > 0 {
        people.say(&format!(
            "{} neither policy nor membership: not checked",
            render::counted(read.skipped, "resource is", "resources are")
        ));
    }
    if !report.excepted.is_empty() {
        people.say(&format!(
            "{} excepted in {}",
            render::counted(report.excepted.len(), "finding is", "findings are"),
            section
                .source
                .as_ref()
                .map_or(config::FILE, |file| &file.name)
        ));
    }
    if exit == Exit::NothingSelected {
        people.say("nothing to check: there is no AccessPolicy and no ProjectMembership");
        let others = input::count_others(&args.files, &OTHER_ENDINGS);
        if others > 0 {
            people.say(&format!(
                "{} in TypeScript, JavaScript, JSON5 or YAML; policies are read as JSON, see docs/policy-check.md",
                render::counted(others, "file is", "files are")
            ));
        }
    }
    Ok(exit)
}

fn server(args: &Args, section: &config::Section) -> Result<Version, Failure> {
    let told = args.server_version.as_deref();
    let written = section.server_version.as_ref();
    let Some(text) = told.or(written.map(|text| text.text.as_str())) else {
        return Ok(Version::NEWEST);
    };
    let version = text.parse().map(Version::first_of_line);
    version.map_err(|error: UnknownVersion| {
        let finding = Diagnostic::error("config/server-version", error.to_string());
        Failure::usage(match (told, written, &section.source) {
            (None, Some(written), Some(source)) => {
                finding.with_label(written.span, "").with_source(source)
            }
            _ => finding,
        })
    })
}

/// A finding of the engine, as reports have it.
fn finding(found: lint::Finding) -> Finding {
    Finding {
        thread: None,
        rule: found.id().to_owned(),
        diagnostic: found.diagnostic,
    }
}
