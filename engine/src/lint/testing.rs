//! Helpers for the tests of rules.

use super::{Finding, Options, Subject, check};
use crate::source::Source;

/// The findings in a JSON text, on a server (empty: the newest).
pub fn lint(json: &str, server: &str) -> Vec<Finding> {
    let mut subject = Subject::default();
    subject.add_text(&Source::new("test.json", json));
    let options = Options {
        server: if server.is_empty() {
            crate::medplum::Version::NEWEST
        } else {
            server.parse().unwrap()
        },
        ..Options::default()
    };
    check(&subject, &options)
}

/// What a rule finds, each as `level: underlined text`.
pub fn found_on(rule: &str, json: &str, server: &str) -> Vec<String> {
    lint(json, server)
        .iter()
        .filter(|finding| finding.id() == rule)
        .map(|finding| {
            let diagnostic = &finding.diagnostic;
            let source = diagnostic.source.as_ref().unwrap();
            let text = source.slice(diagnostic.labels[0].span);
            format!("{}: {text}", diagnostic.severity)
        })
        .collect()
}

/// What a rule finds on the newest server.
pub fn found(rule: &str, json: &str) -> Vec<String> {
    found_on(rule, json, "")
}

/// A policy of these entries.
pub fn policy(entries: &str) -> String {
    format!(r#"{{"resourceType": "AccessPolicy", "id": "p", "resource": [{entries}]}}"#)
}

/// A policy of one entry with a criteria.
pub fn criteria(resource_type: &str, criteria: &str) -> String {
    let criteria = serde_json::Value::from(criteria);
    policy(&format!(
        r#"{{"resourceType": "{resource_type}", "criteria": {criteria}}}"#
    ))
}

/// The text after the repairs of a rule; `None` where it has none.
pub fn repaired(rule: &str, json: &str) -> Option<String> {
    let fixes: Vec<_> = lint(json, "")
        .into_iter()
        .filter(|finding| finding.id() == rule)
        .filter_map(|finding| finding.diagnostic.fix)
        .collect();
    (!fixes.is_empty()).then(|| super::apply_fixes(json, &fixes))
}
