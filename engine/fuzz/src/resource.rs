//! Resources from anywhere, under a policy with filters of every type and hidden fields.

use std::sync::{Arc, LazyLock};

use fhirward_engine::policy::fields::without;
use fhirward_engine::policy::{Interaction, Membership, Options, Policy, PolicyDocument, assemble};
use fhirward_engine::{compartment, resource, thread};
use serde_json::{Value, json};

use crate::samples;

/// Paths of elements.
const HIDDEN: [&str; 5] = [
    "payload",
    "note.time",
    "sender.display",
    "subject.identifier",
    "extension",
];

pub(crate) static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let entries: Vec<Value> = [
        "recipient=Practitioner/b",
        "sender=Practitioner/a,Practitioner/b",
        "sender:missing=true",
        "patient:missing=false&status:not=completed",
        "patient=Patient/p&sent=ge2024-03-10",
        "category=http://s|c",
        "identifier=|c",
        "_compartment=Organization/o",
        "_tag:missing=true&_lastUpdated=lt2030",
        "instantiates-uri=http://x&_id=m",
    ]
    .iter()
    .map(|criteria| {
        json!({
            "resourceType": "Communication", "criteria": format!("Communication?{criteria}"),
            "hiddenFields": HIDDEN, "readonlyFields": ["status", "sent"],
        })
    })
    .chain([
        json!({"resourceType": "Observation", "criteria": "Observation?value-quantity=gt5||mg&date=2024"}),
        json!({"resourceType": "RiskAssessment", "criteria": "RiskAssessment?probability=ge0.5"}),
        json!({"resourceType": "Patient", "criteria": "Patient?name=a&birthdate=le2000&deceased=false"}),
        json!({"resourceType": "*", "criteria": "*?_security=x"}),
    ])
    .collect();
    let (policy, findings) = PolicyDocument::from_value(
        &json!({"resourceType": "AccessPolicy", "id": "p", "resource": entries}),
    );
    assert!(
        findings.iter().all(|finding| !finding.is_error()),
        "{findings:?}"
    );
    let policy = Arc::new(policy);
    let member = Membership::of("Practitioner/a", &["AccessPolicy/p"]);
    let options = Options {
        base_url: Some("https://h/fhir".to_owned()),
        ..Options::default()
    };
    assemble(&member, &|_| Some(Arc::clone(&policy)), &options).policy
});

/// The law.
pub fn holds(text: &str) {
    let Ok(resource) = serde_json::from_str::<Value>(text) else {
        return;
    };
    samples::answers_agree(&POLICY, &resource);
    for interaction in [Interaction::Read, Interaction::Search] {
        let shown = POLICY.mask(interaction, &resource);
        // Where no entry allows it, type, id and meta are left.
        let Some(hidden) = POLICY.hidden_fields(interaction, &resource) else {
            assert!(shown.as_object().is_some_and(|object| object.len() <= 3));
            continue;
        };
        assert_eq!(
            without(&shown, hidden),
            shown,
            "masking twice is masking once"
        );
        for field in hidden {
            let steps: Vec<&str> = field.as_str().split('.').collect();
            assert!(!is_there(&shown, &steps), "{} in {shown}", field.as_str());
        }
    }
    // Whoever writes back what is stored changes nothing.
    assert_eq!(
        POLICY.merge_write(Some(&resource), resource.clone()),
        resource
    );
    // Whoever writes back what they were shown loses nothing that was hidden from them.
    if POLICY.first_entry(Interaction::Read, &resource).is_some() {
        let shown = POLICY.mask(Interaction::Read, &resource);
        assert_eq!(POLICY.merge_write(Some(&resource), shown), resource);
    }
    let _ = resource::validate(&resource);
    let _ = thread::check(&[&resource, &resource]);
    let inside = compartment::compartments_of(&resource, Some("https://h/fhir"));
    assert!(inside.iter().all(|name| name.split('/').count() == 2));
}

/// Whether a field, or the extensions of a primitive one, is somewhere in a value.
fn is_there(value: &Value, steps: &[&str]) -> bool {
    match (value, steps) {
        (Value::Array(items), _) => items.iter().any(|item| is_there(item, steps)),
        (Value::Object(object), [name, rest @ ..]) => {
            let sibling = format!("_{name}");
            [object.get(*name), object.get(&sibling)]
                .into_iter()
                .flatten()
                .any(|inner| rest.is_empty() || is_there(inner, rest))
        }
        _ => false,
    }
}
