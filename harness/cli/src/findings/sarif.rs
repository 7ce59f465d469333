//! Findings as SARIF 2.1.0, as code scanning reads it.
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0 Plus Errata 01".

use fhirward_engine::diagnostic::{Fix, Severity};
use fhirward_engine::source::Source;
use fhirward_harness::report::pascal;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

use super::path;
use super::place::{Place, Places};

use super::{Finding, Report, Rule, fingerprint};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What the fingerprints are called; the number changes when they are made another way.
const FINGERPRINT: &str = "fhirward/v1";
/// What GitHub's code scanning reads to recognise an alert.
const GITHUB_FINGERPRINT: &str = "primaryLocationLineHash";
/// The name that stands for the working directory.
const BASE: &str = "%SRCROOT%";

/// The log: one run.
pub fn document(report: &Report) -> Value {
    let mut places = Places::default();
    let rules = rules(report);
    let prints = fingerprint::all(report);
    let results: Vec<Value> = report
        .findings
        .iter()
        .zip(prints)
        .map(|(finding, print)| {
            let index = rules.iter().position(|rule| rule.id == finding.rule);
            result(finding, index, &print, &mut places)
        })
        .collect();
    let artifacts: Vec<Value> = report
        .files
        .iter()
        .map(|file| json!({ "location": location(&file.source), "encoding": "UTF-8" }))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "fhirward",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(descriptor).collect::<Vec<_>>(),
            }},
            "automationDetails": { "id": format!("fhirward/{}/", report.command.replace(' ', "-")) },
            "columnKind": "unicodeCodePoints",
            "artifacts": artifacts,
            "results": results,
        }],
    })
}

/// The rules that were found, and behind them the codes of the findings that have no rule.
fn rules(report: &Report) -> Vec<Rule> {
    let found = |rule: &&Rule| {
        report
            .findings
            .iter()
            .any(|finding| finding.rule == rule.id)
    };
    let mut rules: Vec<Rule> = report.rules.iter().filter(found).cloned().collect();
    let without_page: BTreeSet<&str> = report
        .findings
        .iter()
        .map(|finding| finding.rule.as_str())
        .filter(|id| report.rule(id).is_none())
        .collect();
    rules.extend(without_page.into_iter().map(|code| Rule {
        id: code.to_owned(),
        slug: code.replace('/', "-"),
        category: code.split('/').next().unwrap_or_default().to_owned(),
        severity: Severity::Error,
        summary: code.replace(['/', '-'], " "),
        page: String::new(),
    }));
    rules
}

fn descriptor(rule: &Rule) -> Value {
    let mut value = Map::new();
    value.insert("id".to_owned(), rule.id.as_str().into());
    value.insert("name".to_owned(), pascal(&rule.slug).into());
    value.insert(
        "shortDescription".to_owned(),
        json!({ "text": rule.summary }),
    );
    if !rule.page.is_empty() {
        value.insert(
            "help".to_owned(),
            json!({ "text": rule.page, "markdown": rule.page }),
        );
    }
    value.insert(
        "defaultConfiguration".to_owned(),
        json!({ "level": level(rule.severity) }),
    );
    value.insert(
        "properties".to_owned(),
        json!({
            "tags": ["security", "fhir", rule.category],
            "security-severity": security_severity(rule.severity),
            "precision": "high",
        }),
    );
    Value::Object(value)
}

fn result(finding: &Finding, index: Option<usize>, print: &str, places: &mut Places) -> Value {
    let found = &finding.diagnostic;
    let text = match &found.help {
        Some(help) => format!("{}\n{help}", found.message),
        None => found.message.clone(),
    };
    let mut value = Map::new();
    value.insert("ruleId".to_owned(), finding.rule.as_str().into());
    if let Some(index) = index {
        value.insert("ruleIndex".to_owned(), index.into());
    }
    value.insert("level".to_owned(), level(found.severity).into());
    value.insert("message".to_owned(), json!({ "text": text }));
    if let Some(source) = &found.source {
        let first = match places.of_finding(found) {
            Some(place) => json!({
                "artifactLocation": location(source),
                "region": region(place),
            }),
            None => json!({ "artifactLocation": location(source) }),
        };
        value.insert(
            "locations".to_owned(),
            json!([{ "physicalLocation": first }]),
        );
        let related: Vec<Value> = found
            .labels
            .iter()
            .skip(1)
            .enumerate()
            .map(|(at, label)| {
                json!({
                    "id": at + 1,
                    "message": { "text": label.text },
                    "physicalLocation": {
                        "artifactLocation": location(source),
                        "region": region(places.of(source, label.span)),
                    },
                })
            })
            .collect();
        if !related.is_empty() {
            value.insert("relatedLocations".to_owned(), related.into());
        }
        if let Some(fix) = &found.fix {
            value.insert("fixes".to_owned(), json!([repair(source, fix, places)]));
        }
    }
    value.insert(
        "partialFingerprints".to_owned(),
        json!({ FINGERPRINT: print, GITHUB_FINGERPRINT: print }),
    );
    Value::Object(value)
}

fn repair(source: &Arc<Source>, fix: &Fix, places: &mut Places) -> Value {
    let text = match (source.slice(fix.span), fix.replacement.as_str()) {
        (old, "") => format!("delete `{old}`"),
        ("", new) => format!("insert `{new}`"),
        (old, new) => format!("replace `{old}` by `{new}`"),
    };
    json!({
        "description": { "text": text },
        "artifactChanges": [{
            "artifactLocation": location(source),
            "replacements": [{
                "deletedRegion": region(places.of(source, fix.span)),
                "insertedContent": { "text": fix.replacement },
            }],
        }],
    })
}

fn location(source: &Source) -> Value {
    let uri = path::uri(&source.name);
    if uri.starts_with("file:") {
        json!({ "uri": uri })
    } else {
        json!({ "uri": uri, "uriBaseId": BASE })
    }
}

fn region(place: Place) -> Value {
    json!({
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
        "charOffset": place.offset,
        "charLength": place.length,
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// GitHub's scale: over 9 is critical, from 7 high, from 4 medium, below low.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::Error => "7.0",
        Severity::Warning => "4.0",
        Severity::Info => "1.0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing;

    /// The official schema; where it comes from stands in the file beside it.
    fn schema() -> jsonschema::Validator {
        let text = include_str!("../../tests/fixtures/sarif/sarif-schema-2.1.0.json");
        // The published pattern for languages has a bracket that only a lax reader of regular
        // expressions takes for itself; escaped it means the same.
        let (lax, strict) = ("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}\\\\]?$");
        assert!(text.contains(lax));
        let schema: Value = serde_json::from_str(&text.replace(lax, strict)).unwrap();
        jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .unwrap()
    }

    fn faults(document: &Value) -> Vec<String> {
        schema()
            .iter_errors(document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    #[test]
    fn valid_against_the_schema_of_oasis() {
        let report = testing::report("{\n  \"ü\": [1, 2]\n}", &[(4, 8), (11, 12)]);
        assert_eq!(faults(&document(&report)), Vec::<String>::new());
    }

    #[test]
    fn the_schema_notices_a_wrong_level() {
        let mut wrong = document(&testing::report("{}", &[(0, 2)]));
        wrong["runs"][0]["results"][0]["level"] = "critical".into();
        assert_eq!(faults(&wrong).len(), 1);
    }

    #[test]
    fn valid_without_place_page_or_file() {
        let mut report = testing::report("{}", &[(0, 2), (0, 2), (0, 2)]);
        report.findings[0].diagnostic.source = None;
        report.findings[1].diagnostic.labels.clear();
        report.findings[2].rule = "json/syntax".to_owned();
        report.findings[2].diagnostic.fix = None;
        assert_eq!(faults(&document(&report)), Vec::<String>::new());
    }

    #[test]
    fn columns_and_offsets_count_characters() {
        let report = testing::report("{\n  \"ü\": [1, 2]\n}", &[(10, 11)]);
        let region = &document(&report)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
            ["region"];
        assert_eq!(
            region,
            &json!({
                "startLine": 2, "startColumn": 8, "endLine": 2, "endColumn": 9,
                "charOffset": 9, "charLength": 1,
            })
        );
    }

    #[test]
    fn names_of_rules_are_pascal_case() {
        assert_eq!(pascal("criteria-has-no-filter"), "CriteriaHasNoFilter");
    }

    #[test]
    fn the_whole_document() {
        let report = testing::report("{\n  \"a\": 1\n}", &[(4, 7)]);
        let text = format!("{:#}", document(&report));
        insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }
}
