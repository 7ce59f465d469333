//! What the server does otherwise as SARIF 2.1.0. What the run could not tell is no finding about
//! the files, so it is a notification of the tool.
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0 Plus Errata 01".

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::issues::{self, Issue, Place, Rule};
use super::model::{Report, ScenarioReport};
use super::{curl, path};
use crate::expect::CellVerdict;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What the fingerprints are called; the number changes when they are made another way.
const FINGERPRINT: &str = "fhirward/v1";
/// What GitHub's code scanning reads to recognise an alert.
const GITHUB_FINGERPRINT: &str = "primaryLocationLineHash";
/// The name that stands for the working directory.
const BASE: &str = "%SRCROOT%";
/// GitHub looks at no more results of a run.
const MAX_RESULTS: usize = 5_000;

/// The log: one run.
pub fn document(report: &Report) -> Value {
    let issues = issues::all(report);
    let rules: Vec<Rule> = Rule::ALL
        .into_iter()
        .filter(|rule| rule.is_of_server())
        .collect();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut results = Vec::new();
    let mut notifications = Vec::new();
    for issue in &issues {
        if !issue.rule.is_of_server() {
            notifications.push(notification(issue));
        } else if results.len() < MAX_RESULTS {
            let print = issue.fingerprint();
            let times = seen.entry(print.clone()).or_insert(0);
            *times += 1;
            let index = rules.iter().position(|rule| *rule == issue.rule);
            results.push(result(issue, index, &format!("{print}:{times}")));
        }
    }
    // What was not looked at is not mended: a reader must not take it for that.
    let successful = report.aborted.is_none()
        && issues::left_open(report).is_none()
        && !report.scenarios.iter().any(ScenarioReport::has_errors);
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "fhirward",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| descriptor(*rule)).collect::<Vec<_>>(),
            }},
            "automationDetails": { "id": format!("fhirward/run/{}/", report.server.profile) },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": successful,
                "exitCode": report.summary().exit_code(),
                "startTimeUtc": report.started,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

fn descriptor(rule: Rule) -> Value {
    json!({
        "id": rule.id(),
        "name": pascal(rule.id()),
        "shortDescription": { "text": rule.summary() },
        "defaultConfiguration": { "level": "error" },
        "properties": {
            "tags": ["security", "fhir", "access-policy"],
            "security-severity": if rule.is_leak() { "9.5" } else { "5.0" },
            "precision": "very-high",
        },
    })
}

fn result(issue: &Issue<'_>, index: Option<usize>, print: &str) -> Value {
    let mut value = Map::new();
    value.insert("ruleId".into(), issue.rule.id().into());
    if let Some(index) = index {
        value.insert("ruleIndex".into(), index.into());
    }
    value.insert("level".into(), "error".into());
    value.insert("message".into(), json!({ "text": issue.text() }));
    if let Some(place) = &issue.place {
        let physical = physical(place);
        value.insert(
            "locations".into(),
            json!([{ "physicalLocation": physical }]),
        );
    }
    if !issue.related.is_empty() {
        let related: Vec<Value> = issue
            .related
            .iter()
            .enumerate()
            .map(|(at, place)| {
                json!({
                    "id": at + 1,
                    "message": { "text": place.text },
                    "physicalLocation": physical(place),
                })
            })
            .collect();
        value.insert("relatedLocations".into(), related.into());
    }
    value.insert(
        "partialFingerprints".into(),
        json!({ FINGERPRINT: print, GITHUB_FINGERPRINT: print }),
    );
    if let Some(cell) = issue.cell {
        value.insert(
            "properties".into(),
            json!({
                "actor": cell.actor,
                "resource": cell.resource,
                "after": cell.after,
                // Of a cell that is as the engine says, the rule says what is wrong.
                "verdict": Some(cell.verdict).filter(|it| it.is_wrong()).map(CellVerdict::word),
                "reproducer": curl::of_cell(cell),
            }),
        );
    }
    Value::Object(value)
}

fn notification(issue: &Issue<'_>) -> Value {
    let mut value = Map::new();
    value.insert("level".into(), "error".into());
    value.insert("message".into(), json!({ "text": issue.text() }));
    value.insert("descriptor".into(), json!({ "id": issue.rule.id() }));
    if let Some(place) = &issue.place {
        let physical = physical(place);
        value.insert(
            "locations".into(),
            json!([{ "physicalLocation": physical }]),
        );
    }
    Value::Object(value)
}

fn physical(place: &Place) -> Value {
    let uri = path::uri(&place.file);
    let mut value = Map::new();
    let location = if uri.starts_with("file:") {
        json!({ "uri": uri })
    } else {
        json!({ "uri": uri, "uriBaseId": BASE })
    };
    value.insert("artifactLocation".into(), location);
    if let Some(line) = place.line {
        value.insert("region".into(), json!({ "startLine": line }));
    }
    Value::Object(value)
}

/// `access-missing` as `AccessMissing`, which is how SARIF names rules.
pub fn pascal(id: &str) -> String {
    id.split('-')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_uppercase().chain(letters).collect()
            })
        })
        .collect()
}
