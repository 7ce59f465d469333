//! Policy files: places inside the text, and entries that grant nothing when broken.

use std::sync::Arc;

use fhirward_engine::policy::{Membership, Options, PolicyDocument, assemble};
use fhirward_engine::source::Source;
use fhirward_engine::source::json::Document;
use serde_json::Value;

use crate::samples;

/// The law.
pub fn holds(text: &str) {
    let source = Source::new("policy.json", text);
    let document = match Document::parse(&source) {
        Ok(document) => document,
        Err(fault) => {
            samples::places_are_in_their_text([&fault]);
            return;
        }
    };
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        assert_eq!(document.value(), &value);
    }
    let (policies, memberships, findings) = PolicyDocument::from_json(&document);
    samples::places_are_in_their_text(&findings);
    let policies: Vec<Arc<PolicyDocument>> = policies.into_iter().map(Arc::new).collect();
    let reference =
        |policy: &PolicyDocument| format!("AccessPolicy/{}", policy.id().unwrap_or("?"));
    let find = |wanted: &str| policies.iter().find(|p| reference(p) == wanted).cloned();
    let everyone: Vec<String> = policies
        .iter()
        .take(4)
        .map(|policy| reference(policy))
        .collect();
    let names: Vec<&str> = everyone.iter().map(String::as_str).collect();
    let options = Options {
        base_url: Some("https://h/fhir".to_owned()),
        ..Options::default()
    };
    let members = memberships.into_iter().take(2);
    for member in members.chain([Membership::of("Practitioner/a", &names)]) {
        let assembled = assemble(&member, &find, &options);
        samples::places_are_in_their_text(&assembled.diagnostics);
        for (at, entry) in assembled.policy.entries().iter().enumerate() {
            for resource in samples::RESOURCES
                .iter()
                .filter(|_| entry.broken().is_some())
            {
                for interaction in fhirward_engine::policy::Interaction::ALL {
                    assert_ne!(
                        assembled.policy.first_entry(interaction, resource),
                        Some(at)
                    );
                }
            }
        }
        for resource in samples::RESOURCES.iter() {
            samples::answers_agree(&assembled.policy, resource);
        }
    }
}
