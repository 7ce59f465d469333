//! Findings as JUnit XML: a suite for each file, a case for each policy or resource in it.

use fhirward_engine::diagnostic::Severity;
use fhirward_engine::source::Span;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::path;

use super::{File, Finding, Report};
use crate::exit::Exit;
use crate::output::Failure;
use crate::render::{self, Style};
use fhirward_engine::diagnostic::Diagnostic;

/// The case of what belongs to no policy: a syntax error, a repeated key.
const WHOLE_FILE: &str = "file";
/// The suite of findings that have no file.
const NO_FILE: &str = "fhirward";

/// The document. Errors and worse are failures; warnings and advice are text of a case that passes.
///
/// # Errors
/// The XML cannot be written, which a string never causes.
pub fn document(report: &Report) -> Result<String, Failure> {
    let mut document = quick_junit::Report::new(format!("fhirward {}", report.command));
    for file in &report.files {
        document.add_test_suite(suite(report, file));
    }
    let homeless: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| report.files.iter().all(|file| !in_file(finding, file)))
        .collect();
    if !homeless.is_empty() {
        let mut suite = TestSuite::new(NO_FILE);
        suite.add_test_case(case(report, NO_FILE, NO_FILE, &homeless));
        document.add_test_suite(suite);
    }
    // The writer leaves out the control characters, and not these two that XML has not either.
    let written = document
        .to_string()
        .map(|text| text.replace(['\u{FFFE}', '\u{FFFF}'], ""));
    written.map_err(|error| {
        Failure::new(
            Exit::CouldNotRun,
            Diagnostic::error("output/unwritable", format!("cannot write XML: {error}")),
        )
    })
}

fn in_file(finding: &Finding, file: &File) -> bool {
    let source = finding.diagnostic.source.as_ref();
    source.is_some_and(|source| source.name == file.source.name)
}

fn suite(report: &Report, file: &File) -> TestSuite {
    let name = path::shown(&file.source.name).unwrap_or_else(|| file.source.name.clone());
    let found: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| in_file(finding, file))
        .collect();
    let mut suite = TestSuite::new(name.clone());
    for subject in &file.subjects {
        let of_it: Vec<&Finding> = found
            .iter()
            .copied()
            .filter(|finding| inside(finding, subject.span))
            .collect();
        suite.add_test_case(case(report, &subject.name, &name, &of_it));
    }
    let rest: Vec<&Finding> = found
        .iter()
        .copied()
        .filter(|finding| !file.subjects.iter().any(|s| inside(finding, s.span)))
        .collect();
    if !rest.is_empty() || file.subjects.is_empty() {
        suite.add_test_case(case(report, WHOLE_FILE, &name, &rest));
    }
    suite
}

fn inside(finding: &Finding, span: Span) -> bool {
    let label = finding.diagnostic.labels.first();
    label.is_some_and(|label| span.start <= label.span.start && label.span.start < span.end)
}

fn case(report: &Report, name: &str, file: &str, found: &[&Finding]) -> TestCase {
    let failures: Vec<&Finding> = found
        .iter()
        .copied()
        .filter(|finding| finding.diagnostic.severity >= Severity::Error)
        .collect();
    let text = |found: &[&Finding]| -> String {
        let texts: Vec<String> = found.iter().map(|f| text(report, f)).collect();
        texts.join("\n\n")
    };
    let status = match failures.split_first() {
        None => TestCaseStatus::success(),
        Some((first, more)) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let message = &first.diagnostic.message;
            status.set_message(match more.len() {
                0 => message.clone(),
                n => format!("{message} (and {n} more)"),
            });
            status.set_type(first.rule.as_str());
            status.set_description(text(&failures));
            status
        }
    };
    let mut case = TestCase::new(name, status);
    case.set_classname(file);
    let advice: Vec<&Finding> = found
        .iter()
        .copied()
        .filter(|finding| finding.diagnostic.severity < Severity::Error)
        .collect();
    if !advice.is_empty() {
        case.set_system_out(text(&advice));
    }
    case
}

fn text(report: &Report, finding: &Finding) -> String {
    render::human_titled(&finding.diagnostic, &report.title(finding), Style::PLAIN)
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing;

    #[test]
    fn a_case_for_each_policy_and_text_for_each_failure() {
        let report = testing::report("{\"a\": 1}", &[(1, 4)]);
        let text = document(&report).map_err(|_| "not written").unwrap();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn characters_that_xml_cannot_hold_are_left_out() {
        let mut report = testing::report("{\"a\": 1}", &[(1, 4)]);
        report.findings[0].diagnostic.message =
            "a\u{0}b\u{1b}[31m\u{FFFE}\u{FFFF} ]]> <c>".to_owned();
        let text = document(&report).map_err(|_| "not written").unwrap();
        let absent = ['\u{0}', '\u{1b}', '\u{FFFE}', '\u{FFFF}'];
        assert!(!text.contains(absent), "{text}");
        assert!(text.contains("]]&gt; &lt;c&gt;"), "{text}");
    }

    #[test]
    fn warnings_do_not_fail() {
        let mut report = testing::report("{\"a\": 1}", &[(1, 4)]);
        report.findings[0].diagnostic.severity = Severity::Warning;
        let text = document(&report).map_err(|_| "not written").unwrap();
        assert!(text.contains("failures=\"0\""), "{text}");
        assert!(text.contains("<system-out>"), "{text}");
    }
}
