//! Policies and resources to decide on.

#![expect(dead_code, reason = "each benchmark uses some of it")]

pub mod corpus;

use std::sync::Arc;

use fhirward_engine::policy::{Membership, Options, Policy, PolicyDocument, assemble};
use serde_json::{Value, json};

/// The compiled policy of `Practitioner/p0`.
pub fn compile(document: &Arc<PolicyDocument>) -> Policy {
    let member = Membership::of("Practitioner/p0", &["AccessPolicy/p"]);
    assemble(
        &member,
        &|_| Some(Arc::clone(document)),
        &Options::default(),
    )
    .policy
}

/// An AccessPolicy.
pub fn access_policy(entries: &[Value]) -> Value {
    json!({"resourceType": "AccessPolicy", "id": "p", "resource": entries})
}

/// The same, read.
pub fn document(entries: &[Value]) -> Arc<PolicyDocument> {
    Arc::new(PolicyDocument::from_value(&access_policy(entries)).0)
}

/// Entries on Communication, the last of which grants [`communication`].
pub fn same_type(count: usize) -> Vec<Value> {
    (0..count)
        .rev()
        .map(|n| {
            json!({
                "resourceType": "Communication",
                "criteria": format!("Communication?recipient=Practitioner/p{n}"),
            })
        })
        .collect()
}

/// Entries on Communication that name no constant, so that each has to be asked; the last grants.
pub fn without_constants(count: usize) -> Vec<Value> {
    (0..count)
        .rev()
        .map(|n| {
            json!({
                "resourceType": "Communication",
                "criteria": format!("Communication?sent=lt{}", 2025 - n),
            })
        })
        .collect()
}

/// One entry on Communication behind entries on other types.
pub fn other_types(count: usize) -> Vec<Value> {
    let types = ["Observation", "Condition", "Encounter", "Task", "Patient"];
    let mut entries: Vec<Value> = types
        .into_iter()
        .cycle()
        .take(count.saturating_sub(1))
        .map(|kind| json!({"resourceType": kind, "criteria": format!("{kind}?_id=x")}))
        .collect();
    entries.extend(same_type(1));
    entries
}

/// A message to two people.
pub fn communication() -> Value {
    json!({
        "resourceType": "Communication",
        "id": "m1",
        "meta": {"versionId": "1", "lastUpdated": "2024-04-10T10:00:00.000Z"},
        "status": "in-progress",
        "partOf": [{"reference": "Communication/h"}],
        "subject": {"reference": "Patient/homer"},
        "sender": {"reference": "Practitioner/x1"},
        "recipient": [{"reference": "Practitioner/x2"}, {"reference": "Practitioner/p0"}],
        "sent": "2024-04-10T10:00:00Z",
        "payload": [{"contentString": "Please look at the latest glucose values."}],
    })
}
