//! Resources and members that a policy from anywhere is asked about.

use std::sync::LazyLock;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::policy::{Interaction, Policy, Request};
use serde_json::{Value, json};

/// A resource of each kind that policies tell apart.
pub(crate) static RESOURCES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    vec![
        json!({
            "resourceType": "Communication", "id": "m", "status": "in-progress",
            "subject": {"reference": "Patient/p"}, "sender": {"reference": "Practitioner/a"},
            "recipient": [{"reference": "Practitioner/b"}, {"display": "somebody"}],
            "partOf": [{"reference": "https://h/fhir/Communication/t/_history/2"}],
            "category": [{"coding": [{"system": "http://s", "code": "c"}], "text": "C"}],
            "sent": "2024-03-10T09:30:00+01:00", "payload": [{"contentString": "hello"}],
            "note": [{"text": "n", "authorString": "x"}],
            "meta": {"account": {"reference": "Organization/o"}, "tag": [{"code": "vip"}]},
        }),
        json!({
            "resourceType": "Patient", "id": "p", "active": false, "gender": "female",
            "name": [{"family": "Ünal", "given": ["A", "B"]}], "birthDate": "1990-06",
            "identifier": [{"system": "http://s", "value": "1"}], "deceasedBoolean": false,
        }),
        json!({
            "resourceType": "Observation", "id": "o", "status": "final",
            "code": {"coding": [{"code": "8867-4"}]}, "subject": {"reference": "Patient/p"},
            "effectivePeriod": {"start": "2024"}, "valueQuantity": {"value": 5.40, "code": "mg"},
        }),
        json!({"resourceType": "Binary", "id": "b", "securityContext": {"reference": "Patient/p"}}),
        json!({"resourceType": "Login", "id": "l"}),
    ]
});

/// Whatever a policy holds: the index finds what a walk finds, and an explanation gives the
/// verdict of the decision.
pub(crate) fn answers_agree(policy: &Policy, resource: &Value) {
    for interaction in Interaction::ALL {
        assert_eq!(
            policy.first_entry(interaction, resource),
            policy.first_entry_by_walking(interaction, resource),
        );
    }
    let mut changed = resource.clone();
    if let Some(object) = changed.as_object_mut() {
        object.insert("status".to_owned(), json!("completed"));
    }
    for request in [
        Request::Read(resource),
        Request::Search(resource),
        Request::Create(resource),
        Request::Update {
            existing: resource,
            result: &changed,
        },
        Request::Patch {
            existing: &changed,
            result: resource,
        },
        Request::Vread {
            current: resource,
            version: &changed,
        },
        Request::Delete(resource),
    ] {
        let decision = policy.decide(&request);
        let told = policy.explain(&request);
        assert_eq!(told.verdict, decision.verdict);
        assert_eq!(
            told.granted_by.is_some(),
            decision.is_allowed() && !policy.is_full_access()
        );
    }
}

/// Every place of a finding is a part of its text, between characters.
pub(crate) fn places_are_in_their_text<'d>(findings: impl IntoIterator<Item = &'d Diagnostic>) {
    for finding in findings {
        let Some(source) = &finding.source else {
            continue;
        };
        let fix = finding.fix.iter().map(|fix| fix.span);
        for span in finding.labels.iter().map(|label| label.span).chain(fix) {
            let place = source.text.get(span.start..span.end);
            assert!(
                place.is_some(),
                "{span:?} of {}: {finding:?}",
                source.text.len()
            );
        }
        finding.line_column();
    }
}
