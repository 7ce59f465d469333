//! The validator on HL7's own R4 examples: no finding, or one that is listed with its reason.

use std::collections::BTreeSet;

use crate::common::hl7_examples;
use fhirward_engine::diagnostic::Severity;
use fhirward_engine::resource::validate;

const ACCEPTED: &str = include_str!("hl7-examples.accepted.txt");

#[test]
fn no_false_alarm_on_hl7s_examples() {
    let mut accepted: BTreeSet<String> = BTreeSet::new();
    for line in ACCEPTED.lines() {
        let (finding, reason) = line.split_once(" # ").unwrap();
        assert!(!reason.trim().is_empty(), "{line}");
        accepted.insert(finding.trim().to_owned());
    }
    let examples = hl7_examples();
    assert_eq!(examples.len(), 317);
    let mut found: BTreeSet<String> = BTreeSet::new();
    for (name, example) in &examples {
        for finding in validate(example) {
            if finding.severity == Severity::Error {
                found.insert(format!("{name} {} {}", finding.code, finding.expression));
            }
        }
    }
    let unexpected: Vec<_> = found.difference(&accepted).collect();
    let gone: Vec<_> = accepted.difference(&found).collect();
    assert!(unexpected.is_empty(), "not in the list: {unexpected:#?}");
    assert!(gone.is_empty(), "no longer found: {gone:#?}");
}
