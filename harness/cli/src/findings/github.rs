//! Findings as annotations of a GitHub Actions run.
//! Source: docs.github.com, "Workflow commands for GitHub Actions".

use std::env;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::path;
use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_harness::report::markup::{command_message, command_property, markdown_cell};

use super::place::Places;
use super::{Report, unwritable};
use crate::output::Failure;

/// Where a job finds the file whose Markdown its page shows.
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Rows of the summary; a step's summary may have 1 MB.
const MAX_ROWS: usize = 1_000;

/// One workflow command for each finding.
pub fn annotations(report: &Report) -> String {
    let mut places = Places::default();
    let mut out = String::new();
    for finding in &report.findings {
        let found = &finding.diagnostic;
        out.push_str("::");
        out.push_str(command(found.severity));
        let mut properties: Vec<String> = Vec::new();
        let mut add = |name: &str, value: &str| {
            properties.push(format!("{name}={}", command_property(value)));
        };
        if let Some(file) = file(found) {
            add("file", &file);
            if let Some(place) = places.of_finding(found) {
                add("line", &place.line.to_string());
                add("endLine", &place.end_line.to_string());
                // A column range is one within a line.
                if place.line == place.end_line {
                    add("col", &place.column.to_string());
                    add("endColumn", &place.end_column.to_string());
                }
            }
        }
        add("title", &report.title(finding));
        out.push(' ');
        out.push_str(&properties.join(","));
        out.push_str("::");
        out.push_str(&command_message(&message(found)));
        out.push('\n');
    }
    out
}

/// Appends a table to the job's summary, where there is one.
///
/// # Errors
/// The file that GitHub names cannot be written.
pub fn append_summary(report: &Report) -> Result<(), Failure> {
    let Some(file) = env::var_os(SUMMARY).filter(|file| !file.is_empty()) else {
        return Ok(());
    };
    let file = Path::new(&file);
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut open| open.write_all(summary(report).as_bytes()))
        .map_err(|error| unwritable(file, &error))
}

fn summary(report: &Report) -> String {
    let mut places = Places::default();
    let mut out = format!("### fhirward {}: {}\n\n", report.command, report.count());
    if report.findings.is_empty() {
        return out;
    }
    out.push_str("| | rule | where | what |\n|---|---|---|---|\n");
    for finding in report.findings.iter().take(MAX_ROWS) {
        let found = &finding.diagnostic;
        let place = match (file(found), places.of_finding(found)) {
            (Some(file), Some(place)) => format!("{file}:{}", place.line),
            (Some(file), None) => file,
            _ => String::new(),
        };
        // Writing to a string cannot fail.
        let _infallible = writeln!(
            out,
            "| {} | {} | {} | {} |",
            found.severity,
            markdown_cell(&report.title(finding)),
            markdown_cell(&place),
            markdown_cell(&found.message)
        );
    }
    if report.findings.len() > MAX_ROWS {
        let _infallible = writeln!(out, "\n… and {} more", report.findings.len() - MAX_ROWS);
    }
    out.push('\n');
    out
}

fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    }
}

fn message(found: &Diagnostic) -> String {
    match &found.help {
        Some(help) => format!("{}\n{help}", found.message),
        None => found.message.clone(),
    }
}

fn file(found: &Diagnostic) -> Option<String> {
    path::shown(&found.source.as_ref()?.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing;
    use fhirward_engine::source::Source;

    #[test]
    fn a_finding_is_one_line_with_everything_escaped() {
        let source = Source::new("a,b:c%.json", "{\n  \"x\": 1\n}");
        let report = testing::report_of(&source, &[(4, 7)]);
        assert_eq!(
            annotations(&report),
            "::error file=a%2Cb%3Ac%25.json,line=2,endLine=2,col=3,endColumn=6,\
             title=L99 one-thing::one thing, and%0Aanother: 100%25 <wrong> & \"so\"%0Ado `this`\n"
        );
    }

    #[test]
    fn standard_input_has_no_file() {
        let source = Source::new("<stdin>", "{}");
        let report = testing::report_of(&source, &[(0, 2)]);
        assert!(annotations(&report).starts_with("::error title="));
    }

    #[test]
    fn the_summary_is_a_table_that_no_message_can_break() {
        let report = testing::report("{\"a|b\": 1}", &[(0, 3)]);
        insta::assert_snapshot!(summary(&report));
    }
}
