//! What a person reads when they ask why.

use std::sync::Arc;

use fhirward_engine::policy::{Membership, Options, Policy, PolicyDocument, Request, assemble};
use serde_json::{Value, json};

fn jackie(entries: &Value) -> Policy {
    let (document, _) = PolicyDocument::from_value(&json!({
        "resourceType": "AccessPolicy", "id": "participant", "name": "participant", "resource": entries,
    }));
    let document = Arc::new(document);
    let member = Membership::of("Practitioner/jackie", &["AccessPolicy/participant"]);
    assemble(
        &member,
        &|_| Some(Arc::clone(&document)),
        &Options::default(),
    )
    .policy
}

fn participant() -> Value {
    json!([
        {"resourceType": "Communication", "criteria": "Communication?recipient=%profile"},
        {"resourceType": "Communication", "criteria": "Communication?sender=%profile"},
    ])
}

fn header() -> Value {
    json!({
        "resourceType": "Communication", "id": "thread", "status": "in-progress",
        "sender": {"reference": "Practitioner/alice"},
        "recipient": [{"reference": "Practitioner/alice"}, {"reference": "Practitioner/house"}],
    })
}

#[test]
fn a_removed_participant_reads_which_filter_failed_on_which_value() {
    insta::assert_snapshot!(jackie(&participant()).explain(&Request::Read(&header())));
}

#[test]
fn leaving_a_thread_by_the_own_write() {
    let mut before = header();
    before["recipient"][0] = json!({"reference": "Practitioner/jackie"});
    let request = Request::Patch {
        existing: &before,
        result: &header(),
    };
    insta::assert_snapshot!(jackie(&participant()).explain(&request));
}

#[test]
fn a_type_that_is_not_granted() {
    let task = json!({"resourceType": "Task", "id": "1", "status": "requested", "intent": "order"});
    insta::assert_snapshot!(jackie(&participant()).explain(&Request::Read(&task)));
}

#[test]
fn a_supervisor_may_not_write() {
    let policy = jackie(&json!([{"resourceType": "Communication", "readonly": true}]));
    insta::assert_snapshot!(policy.explain(&Request::Update {
        existing: &header(),
        result: &header()
    }));
}

#[test]
fn a_broken_entry_is_named() {
    let policy = jackie(
        &json!([{"resourceType": "Communication", "criteria": "Communication?recipent=%profile"}]),
    );
    insta::assert_snapshot!(policy.explain(&Request::Read(&header())));
}

#[test]
fn hidden_fields_are_named() {
    let policy = jackie(&json!([
        {"resourceType": "Communication", "hiddenFields": ["payload"], "readonlyFields": ["sender"]},
    ]));
    insta::assert_snapshot!(policy.explain(&Request::Read(&header())));
}

#[test]
fn as_json() {
    let told = jackie(&participant()).explain(&Request::Search(&header()));
    insta::assert_snapshot!(serde_json::to_string_pretty(&told).unwrap());
}
