//! Findings as one JSON document. Its schema is `docs/schema/findings.schema.json`.

use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::source::Span;
use serde_json::{Map, Value, json};

use super::path;
use super::place::Places;

use super::{Finding, Report, fingerprint};
use crate::exit::Exit;

/// The document; `more` are the command's own members.
pub fn document(report: &Report, exit: Exit, more: Map<String, Value>) -> Value {
    let mut places = Places::default();
    let prints = fingerprint::all(report);
    let mut document = Map::new();
    document.insert("fhirward".to_owned(), env!("CARGO_PKG_VERSION").into());
    document.insert("command".to_owned(), report.command.into());
    document.insert("exit_code".to_owned(), exit.code().into());
    document.insert("files".to_owned(), report.files.len().into());
    document.extend(more);
    let of = |severity| {
        report
            .diagnostics()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    document.insert(
        "summary".to_owned(),
        json!({
            "critical": of(Severity::Critical),
            "error": of(Severity::Error),
            "warning": of(Severity::Warning),
            "info": of(Severity::Info),
            "excepted": report.excepted.len(),
        }),
    );
    let found: Vec<Value> = report
        .findings
        .iter()
        .zip(&prints)
        .map(|(finding, print)| {
            let mut value = diagnostic(report, finding, &mut places);
            value.insert("fingerprint".to_owned(), print.as_str().into());
            Value::Object(value)
        })
        .collect();
    document.insert("diagnostics".to_owned(), found.into());
    let excepted: Vec<Value> = report
        .excepted
        .iter()
        .map(|excepted| {
            let mut value = diagnostic(report, &excepted.finding, &mut places);
            value.insert("reason".to_owned(), excepted.reason.as_str().into());
            Value::Object(value)
        })
        .collect();
    document.insert("excepted".to_owned(), excepted.into());
    Value::Object(document)
}

fn diagnostic(report: &Report, finding: &Finding, places: &mut Places) -> Map<String, Value> {
    let found = &finding.diagnostic;
    let rule = report.rule(&finding.rule);
    let value = json!({
        "severity": found.severity.to_string(),
        "code": found.code,
        "rule": rule.map(|rule| json!({
            "id": rule.id,
            "slug": rule.slug,
            "category": rule.category,
        })),
        "message": found.message,
        "help": found.help,
        "file": found.source.as_ref().map(|source| {
            path::shown(&source.name).unwrap_or_else(|| source.name.clone())
        }),
        "labels": found.labels.iter().map(|label| json!({
            "at": place(found, label.span, places),
            "text": label.text,
        })).collect::<Vec<_>>(),
        "fix": found.fix.as_ref().map(|fix| json!({
            "at": place(found, fix.span, places),
            "replacement": fix.replacement,
        })),
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn place(found: &Diagnostic, span: Span, places: &mut Places) -> Value {
    let Some(source) = &found.source else {
        return Value::Null;
    };
    let place = places.of(source, span);
    json!({
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "offset": place.offset,
        "length": place.length,
    })
}
