//! Memberships: a parameter is a value, whatever stands in it. Source: R.7.

use std::sync::{Arc, LazyLock};

use fhirward_engine::policy::{Membership, Options, PolicyDocument, Request, assemble};
use serde_json::{Value, json};

use crate::samples;

static POLICY: LazyLock<Arc<PolicyDocument>> = LazyLock::new(|| {
    let (policy, _) = PolicyDocument::from_value(&json!({
        "resourceType": "AccessPolicy", "id": "p",
        "resource": [
            {"resourceType": "Communication", "criteria": "Communication?recipient=%who"},
            {"resourceType": "Communication", "criteria": "Communication?subject=Patient/%who.id&category=%code"},
            {"resourceType": "Observation", "criteria": "Observation?date=ge%from&code:not=%code"},
            {"resourceType": "Patient", "criteria": "Patient?name=%name,x"},
        ],
    }));
    Arc::new(policy)
});

/// The law.
pub fn holds(text: &str) {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let Ok(mut member) = Membership::from_value(&value) else {
        return;
    };
    member.admin = false;
    if member.access.is_empty() || member.access.len() > 3 {
        return;
    }
    let assembled = assemble(&member, &|_| Some(Arc::clone(&POLICY)), &Options::default());
    samples::places_are_in_their_text(&assembled.diagnostics);
    let written = POLICY.entries().len() * member.access.len();
    // The two defaults come after the policy's own.
    assert_eq!(
        assembled.policy.entries().len(),
        written + 2,
        "a value made or took an entry"
    );
    for resource in samples::RESOURCES.iter() {
        samples::answers_agree(&assembled.policy, resource);
    }
    // A recipient that no parameter can spell: no value may widen the filter to all.
    let far = json!({"resourceType": "Communication", "recipient": [{"reference": "\u{0}"}]});
    assert!(!assembled.policy.decide(&Request::Read(&far)).is_allowed());
}
