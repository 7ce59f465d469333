//! Reports to write.

use std::sync::Arc;

use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::source::{Source, Span};

use super::{File, Finding, Report, Rule, Subject};

/// A report with the same finding at each place of a text.
pub fn report(text: &str, places: &[(usize, usize)]) -> Report {
    let source = Source::new("policies/a.json", text);
    report_of(&source, places)
}

/// The same, of a named text.
pub fn report_of(source: &Arc<Source>, places: &[(usize, usize)]) -> Report {
    let finding = |&(start, end): &(usize, usize)| Finding {
        thread: None,
        rule: "L99".to_owned(),
        diagnostic: Diagnostic::error("L99", "one thing, and\nanother: 100% <wrong> & \"so\"")
            .with_label(Span::new(start, end), "here")
            .with_source(source)
            .with_help("do `this`")
            .with_fix(Span::new(start, end), "null"),
    };
    Report {
        command: "policy check",
        rules: vec![Rule {
            id: "L99".to_owned(),
            slug: "one-thing".to_owned(),
            category: "criteria".to_owned(),
            severity: Severity::Error,
            summary: "One thing is another".to_owned(),
            page: "# One thing\n\nWhy it matters.".to_owned(),
        }],
        files: vec![File {
            source: Arc::clone(source),
            subjects: vec![Subject {
                name: "AccessPolicy a".to_owned(),
                span: Span::new(0, source.text.len()),
                called: vec!["a".to_owned()],
                parts: Vec::new(),
            }],
        }],
        findings: places.iter().map(finding).collect(),
        excepted: Vec::new(),
        omitted: std::collections::BTreeMap::new(),
    }
}
