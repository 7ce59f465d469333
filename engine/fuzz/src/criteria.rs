//! Criteria: read without loss, written anew with the same meaning, and all or nothing.

use fhirward_engine::criteria::syntax::{Criteria, Piece};
use fhirward_engine::criteria::{Bindings, compile, parse};

use crate::samples;

const NAMES: [&str; 5] = ["profile", "patient", "org", "org_parent", "dept"];

/// The law.
pub fn holds(text: &str) {
    let (criteria, faults) = parse(text, &NAMES);
    assert_eq!(criteria.to_string(), text);
    let inside = |start, end| text.get(start..end).is_some();
    for label in faults.iter().flat_map(|fault| &fault.labels) {
        assert!(inside(label.span.start, label.span.end), "{faults:?}");
    }
    for pair in &criteria.pairs {
        assert!(inside(pair.span.start, pair.span.end));
        assert!(inside(pair.param.span.start, pair.param.span.end));
        assert!(
            pair.alternatives
                .iter()
                .all(|a| inside(a.span.start, a.span.end))
        );
    }
    if faults.is_empty() {
        let canonical = criteria.canonical();
        let (again, faults) = parse(&canonical, &NAMES);
        assert!(faults.is_empty(), "{canonical}: {faults:?}");
        assert_eq!(parts(&again), parts(&criteria), "{canonical}");
        assert_eq!(again.canonical(), canonical);
    }
    for base in [None, Some("https://h/fhir")] {
        let kind = &*criteria.resource_type.text;
        let mut bindings = Bindings::none();
        bindings.bind_reference("profile", "Practitioner/a");
        bindings.bind_reference("patient", "Patient/p");
        bindings.bind_text("org", "x,y&z|%profile");
        let compiled = compile(&criteria, kind, &bindings, base);
        assert!(!compiled.is_broken() || compiled.filters.is_empty());
        for label in compiled.findings.iter().flat_map(|finding| &finding.labels) {
            assert!(
                inside(label.span.start, label.span.end),
                "{:?}",
                compiled.findings
            );
        }
        for resource in samples::RESOURCES.iter() {
            let own = resource
                .get("resourceType")
                .and_then(serde_json::Value::as_str);
            for filter in own
                .and_then(|kind| compiled.filters.get(kind))
                .into_iter()
                .flatten()
            {
                assert_eq!(filter.report(resource).matched, filter.matches(resource));
            }
        }
    }
}

/// What a criteria says, without places.
fn parts(criteria: &Criteria) -> Vec<(String, Option<String>, bool, Vec<Vec<Piece>>)> {
    let piece = |piece: &Piece| match piece.clone() {
        Piece::Variable(mut variable) => {
            variable.span = Default::default();
            Piece::Variable(variable)
        }
        other => other,
    };
    criteria
        .pairs
        .iter()
        .map(|pair| {
            let alternatives = pair
                .alternatives
                .iter()
                .map(|a| a.pieces.iter().map(piece).collect());
            (
                pair.param.text.clone(),
                pair.modifier.as_ref().map(|m| m.text.clone()),
                pair.value.is_some(),
                alternatives.collect(),
            )
        })
        .collect()
}
