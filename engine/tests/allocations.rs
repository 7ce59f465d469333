//! A decision allocates nothing, whatever its filters ask.

use std::sync::Arc;

use fhirward_engine::policy::{
    Membership, Options, Policy, PolicyDocument, Request, Scopes, Verdict, assemble,
};
use rstest::rstest;
use serde_json::{Value, json};

fn policy(criteria: &[&str]) -> Policy {
    let entries: Vec<Value> = criteria
        .iter()
        .map(|criteria| {
            let kind = criteria.split('?').next();
            json!({"resourceType": kind, "criteria": criteria})
        })
        .collect();
    let (document, findings) = PolicyDocument::from_value(
        &json!({"resourceType": "AccessPolicy", "id": "p", "resource": entries}),
    );
    assert!(findings.is_empty(), "{findings:?}");
    let document = Arc::new(document);
    let member = Membership::of("Practitioner/a", &["AccessPolicy/p"]);
    let options = Options::default();
    assemble(&member, &|_| Some(Arc::clone(&document)), &options).policy
}

fn allocations(decide: impl FnOnce()) -> u64 {
    allocation_counter::measure(decide).count_total
}

fn communication() -> Value {
    json!({
        "resourceType": "Communication",
        "id": "m1",
        "meta": {"lastUpdated": "2024-04-10T10:00:00Z", "accounts": [{"reference": "Organization/o"}]},
        "identifier": [{"system": "urn:x", "value": "1"}],
        "status": "completed",
        "category": [{"coding": [{"system": "s", "code": "c"}]}],
        "subject": {"reference": "Patient/homer"},
        "sender": {"reference": "Practitioner/a"},
        "recipient": [{"reference": "Practitioner/b"}],
        "sent": "2024-04-10T10:00:00.123+02:00",
    })
}

fn observation() -> Value {
    let long = "1.12345678901234567890123456789";
    let number: Option<serde_json::Number> = long.parse().ok();
    json!({
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "valueQuantity": {"value": number, "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
    })
}

fn patient() -> Value {
    json!({
        "resourceType": "Patient",
        "id": "homer",
        "name": [{"family": "Simpsón", "given": ["Homer"]}],
        "address": [{"city": "Springfield"}],
        "active": true,
    })
}

#[rstest]
#[case::reference("Communication?recipient=Practitioner/b", communication(), true)]
#[case::token("Communication?category=s|c", communication(), true)]
#[case::identifier("Communication?identifier=urn:x|1", communication(), true)]
#[case::not("Communication?status:not=stopped", communication(), true)]
#[case::missing("Communication?received:missing=true", communication(), true)]
#[case::date("Communication?sent=ge2024-04-10T08:00:00Z", communication(), true)]
#[case::patient_compartment("Communication?_compartment=Patient/homer", communication(), true)]
#[case::account("Communication?_compartment=Organization/o", communication(), true)]
#[case::own_compartment("Patient?_compartment=Patient/homer", patient(), true)]
#[case::string("Patient?name=home", patient(), true)]
#[case::accents("Patient?name=simpso", patient(), true)]
#[case::wildcard("*?_id=homer", patient(), true)]
#[case::quantity("Observation?value-quantity=lt5", observation(), true)]
#[case::several(
    "Communication?sender=%profile&status=completed&sent=2024",
    communication(),
    true
)]
#[case::denied("Communication?sender=Practitioner/z", communication(), false)]
fn a_decision_allocates_nothing(
    #[case] criteria: &str,
    #[case] resource: Value,
    #[case] allowed: bool,
    #[values(1, 20)] entries: usize,
) {
    let policy = policy(&vec![criteria; entries]);
    let verdict = match allowed {
        true => Verdict::Allowed,
        false => Verdict::Hidden,
    };
    // The tables of the specification unpack on the first use.
    assert_eq!(policy.decide(&Request::Read(&resource)).verdict, verdict);
    let write = Request::Update {
        existing: &resource,
        result: &resource,
    };
    for request in [Request::Read(&resource), Request::Search(&resource), write] {
        let count = allocations(|| {
            assert_eq!(policy.decide(&request).verdict, verdict);
        });
        assert_eq!(count, 0, "{request:?}");
    }
}

/// The scopes of a token are asked of each resource as well.
#[test]
fn scopes_allocate_nothing() {
    let (scopes, _) = Scopes::parse("patient/Communication.rs user/Communication.rs?category=s|c");
    let policy = policy(&["Communication?sender=%profile"]);
    let limited = policy.within(&scopes, Some("Patient/homer"), &Options::default());
    let resource = communication();
    let request = Request::Read(&resource);
    assert!(limited.policy.decide(&request).is_allowed());
    let count = allocations(|| assert!(limited.policy.decide(&request).is_allowed()));
    assert_eq!(count, 0);
}

/// More values than are kept during a decision are no reason to allocate either.
#[test]
fn a_resource_with_many_values_allocates_nothing() {
    let many = |kind: &str| -> Vec<Value> {
        (0..200)
            .map(|n| json!({"reference": format!("{kind}/{n}")}))
            .collect()
    };
    let resource = json!({
        "resourceType": "Communication",
        "recipient": many("Patient"),
        "meta": {"accounts": many("Organization")},
    });
    let policy = policy(&[
        "Communication?recipient=Practitioner/x",
        "Communication?recipient:not=Patient/3",
        "Communication?_compartment=Group/g",
        "Communication?sender=Practitioner/x",
        "Communication?recipient=Patient/199&_compartment=Organization/199",
    ]);
    let request = Request::Read(&resource);
    assert_eq!(policy.decide(&request).entry, Some(4));
    let count = allocations(|| assert!(policy.decide(&request).is_allowed()));
    assert_eq!(count, 0);
}

/// The counter counts.
#[test]
fn an_allocation_is_seen() {
    let mut text = String::new();
    assert_eq!(allocations(|| text.push_str("something")), 1);
}
