//! A table of bad resources: each is found, where it is bad, and nothing else is.
//!
//! HL7's JSON schema sees the same table, to say what it would catch alone.

use std::collections::BTreeSet;

use crate::common::{Schema, bad_resources};
use fhirward_engine::diagnostic::Severity;
use fhirward_engine::resource::validate;

#[test]
fn every_bad_resource_is_found_where_it_is_bad() {
    let table = bad_resources();
    assert!(table.len() >= 250, "{} cases", table.len());
    let names: BTreeSet<&str> = table.iter().map(|case| &*case.name).collect();
    assert_eq!(names.len(), table.len(), "two cases have the same name");
    let mut wrong = Vec::new();
    for case in &table {
        let found: BTreeSet<String> = validate(&case.resource)
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| format!("{}@{}", finding.code, finding.expression))
            .collect();
        if found != case.expected {
            wrong.push(format!("{}: {found:?}, not {:?}", case.name, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_pointer_of_every_finding_leads_into_the_resource() {
    for case in bad_resources() {
        for finding in validate(&case.resource) {
            let missing = finding.code == "missing-element";
            let place = case.resource.pointer(&finding.pointer);
            assert_eq!(place.is_none(), missing, "{}: {finding:?}", case.name);
        }
    }
}

#[test]
fn what_the_schema_rejects_is_a_part_of_it() {
    let schema = Schema::load();
    let table = bad_resources();
    let caught = table.iter().filter(|case| !schema.accepts(&case.resource));
    let caught = caught.count();
    println!(
        "{} bad resources: the validator finds {}, the JSON schema alone {caught}",
        table.len(),
        table.len()
    );
    // What docs/validator.md says.
    assert_eq!((table.len(), caught), (260, 108));
}
