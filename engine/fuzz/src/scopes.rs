//! Scopes of a token: whatever they say, they only take away. Source: policy-semantics 2.4.

use std::sync::{Arc, LazyLock};

use fhirward_engine::policy::{
    Interaction, Membership, Options, Policy, PolicyDocument, Scopes, assemble,
};
use serde_json::json;

use crate::samples;

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let (policy, _) = PolicyDocument::from_value(&json!({
        "resourceType": "AccessPolicy", "id": "p",
        "resource": [
            {"resourceType": "Communication", "criteria": "Communication?status=in-progress"},
            {"resourceType": "Patient", "interaction": ["read", "search", "update"]},
            {"resourceType": "Observation", "readonly": true},
            {"resourceType": "Binary"},
        ],
    }));
    let policy = Arc::new(policy);
    let member = Membership::of("Practitioner/a", &["AccessPolicy/p"]);
    assemble(&member, &|_| Some(Arc::clone(&policy)), &Options::default()).policy
});

/// The law.
pub fn holds(text: &str) {
    let (scopes, findings) = Scopes::parse(text);
    assert_eq!(scopes.as_str(), text);
    samples::places_are_in_their_text(&findings);
    for scope in scopes.all() {
        let written = text.get(scope.span.start..scope.span.end);
        assert!(scope.text == "…" || written == Some(&*scope.text));
    }
    for patient in [None, Some("Patient/p")] {
        let limited = POLICY.clone().within(&scopes, patient, &Options::default());
        samples::places_are_in_their_text(&limited.diagnostics);
        for resource in samples::RESOURCES.iter() {
            samples::answers_agree(&limited.policy, resource);
            for interaction in Interaction::ALL {
                let granted = limited.policy.first_entry(interaction, resource).is_some();
                let before = POLICY.first_entry(interaction, resource).is_some();
                assert!(
                    before || !granted,
                    "{interaction} is more than without scopes"
                );
            }
        }
        // The same scopes once more take nothing more away.
        let again = limited
            .policy
            .clone()
            .within(&scopes, patient, &Options::default());
        for resource in samples::RESOURCES.iter() {
            for interaction in Interaction::ALL {
                assert_eq!(
                    again.policy.first_entry(interaction, resource).is_some(),
                    limited.policy.first_entry(interaction, resource).is_some(),
                );
            }
        }
    }
}
