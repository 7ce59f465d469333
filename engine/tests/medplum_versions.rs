//! What differs between versions of a server: one case a feature, asked of every line.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use fhirward_engine::medplum::policy::{Scopes, SignIn, assemble_for};
use fhirward_engine::medplum::{
    Answer, NoPolicy, Operation, Server, Stored, Version, World, accept, compartments,
};
use rstest::rstest;
use serde_json::{Value, json};

const ID: &str = "9f3c6d1e-6a0b-4a5e-8f1d-2b7c9e4a1d01";
const ORG: &str = "1b7e4c2a-93d5-4e8f-a6b0-5d2f8c7e3a02";

fn entry(kind: &str, criteria: &str) -> Value {
    json!({ "resourceType": kind, "criteria": criteria })
}

/// The status of an operation on one resource; 0 where the answer is not known. A search that does
/// not find it is 204.
fn status(version: &str, entries: &Value, resource: &Value, operation: &str, cached: bool) -> u16 {
    let version: Version = version.parse().unwrap();
    let policy = json!({ "resourceType": "AccessPolicy", "resource": entries });
    let membership = json!({
        "profile": { "reference": "Practitioner/u" },
        "accessPolicy": { "reference": "AccessPolicy/1" },
    });
    let mut world = World {
        project: format!("Project/{ORG}"),
        now: "2026-11-21T00:00:00.000Z".to_owned(),
        lenient: true,
        ..World::default()
    };
    let mut resource = resource.clone();
    resource["id"] = json!(ID);
    let inside = compartments::compute(&mut resource, None, &world);
    let kind = resource["resourceType"].as_str().unwrap().to_owned();
    let target = format!("{kind}/{ID}");
    let stored = Stored {
        resource,
        compartments: inside,
        ..Stored::default()
    };
    world.resources.insert(target.clone(), stored);
    let policy = assemble_for(&membership, &|_| Some(&policy), &SignIn::at(version));
    let server = Server::new(policy, &world);
    let operation = match operation {
        "read" => Operation::Read { target: &target },
        "search" => Operation::Search {
            resource_type: &kind,
        },
        "revinclude" => Operation::Revinclude { target: &target },
        _ => Operation::Delete { target: &target },
    };
    match server.answer(&operation, cached) {
        Answer::Unknown(_) => 0,
        Answer::Reply(reply) => match reply.found {
            Some(found) if found.is_empty() => 204,
            _ => reply.status,
        },
    }
}

fn patient() -> Value {
    json!({
        "resourceType": "Patient", "gender": "female", "birthDate": "1990-06-15",
        "meta": { "project": ORG },
        "managingOrganization": { "reference": format!("Organization/{ORG}") },
    })
}

/// `criteria` on a cached read, where memory decides unless the database allows it, too; the last
/// old version and the first new one.
#[rstest]
#[case::d42_sql_honours_interaction(json!([entry("Patient", "Patient?gender=male"), {"resourceType": "Patient", "interaction": ["create"]}]), patient(), "search", false, [("5.0", 200), ("5.1.0", 200), ("5.1.1", 204), ("5.2", 204)])]
#[case::c75_revinclude_gate(json!([{"resourceType": "Task"}]), patient(), "revinclude", false, [("4.5", 200), ("5.1.10", 200), ("5.1.11", 404), ("5.2", 404)])]
#[case::d23_bare_ref_single_target(json!([entry("Patient", &format!("Patient?organization={ORG}"))]), patient(), "read", true, [("5.0", 404), ("5.1.9", 404), ("5.1.10", 200), ("5.2", 200)])]
#[case::d23_bare_ref_in_sql(json!([entry("Patient", &format!("Patient?organization={ORG}"))]), patient(), "search", false, [("5.0", 204), ("5.1.14", 204), ("5.1.15", 200), ("5.2", 200)])]
#[case::s4_canonical_slash(json!([entry("QuestionnaireResponse", "QuestionnaireResponse?questionnaire=plain&_id:not=x&status=TEST")]), json!({"resourceType": "QuestionnaireResponse", "questionnaire": "plain", "status": "test"}), "read", true, [("5.0", 200), ("5.1.9", 200), ("5.1.10", 404), ("5.2", 404)])]
#[case::s1_3_minutes(json!([entry("Patient", "Patient?_lastUpdated=ge2020-01-01T10:00")]), patient(), "delete", true, [("5.0", 400), ("5.1", 400), ("5.2", 404), ("5.2.13", 404)])]
#[case::s1_3_calendar(json!([entry("Patient", "Patient?birthdate=le1990-06-31")]), patient(), "delete", true, [("4.5", 200), ("5.1", 200), ("5.2", 400), ("5.2.13", 400)])]
#[case::s1_5_project(json!([entry("Patient", &format!("Patient?_project={ORG}&gender=FEMALE"))]), patient(), "read", true, [("5.0", 404), ("5.1.9", 404), ("5.1.10", 200), ("5.2", 200)])]
#[case::d27_ordered_modifiers(json!([entry("Patient", "Patient?birthdate:not=1990-06-14")]), patient(), "delete", true, [("4.5", 404), ("4.5.2", 404), ("5.0", 200), ("5.2", 200)])]
#[case::s6_null_not(json!([entry("Patient", "Patient?active:not=true")]), patient(), "search", false, [("4.5", 204), ("4.5.2", 204), ("5.0.0", 200), ("5.2", 200)])]
#[case::d11_in(json!([entry("Observation", "Observation?code:in=http://vs")]), json!({"resourceType": "Observation"}), "search", false, [("4.5", 0), ("4.5.2", 0), ("5.0.0", 400), ("5.2", 400)])]
#[case::s2_5_admin_types(json!([{"resourceType": "*"}]), json!({"resourceType": "AccessPolicy"}), "read", true, [("4.5", 200), ("5.1", 200), ("5.2.0", 403), ("5.2", 403)])]
#[case::s2_5_password_change(json!([{"resourceType": "*"}]), json!({"resourceType": "PasswordChangeRequest"}), "read", true, [("4.5", 403), ("4.5.2", 403), ("5.0.0", 200), ("5.2", 200)])]
#[case::s2_5_package(json!([{"resourceType": "*"}]), json!({"resourceType": "Package"}), "read", true, [("5.0", 200), ("5.1.3", 200), ("5.1.4", 403), ("5.2", 403)])]
#[case::s2_5_cron(json!([{"resourceType": "*"}]), json!({"resourceType": "Cron"}), "read", true, [("5.0", 200), ("5.1.37", 200), ("5.1.38", 403), ("5.2", 403)])]
#[case::s2_5_protected(json!([{"resourceType": "Enterprise"}]), json!({"resourceType": "Enterprise"}), "read", true, [("5.0", 200), ("5.1.36", 200), ("5.1.37", 403), ("5.2", 403)])]
#[case::definitions(json!([entry("Communication", "Communication?priority=URGENT")]), json!({"resourceType": "Communication", "priority": "urgent"}), "read", true, [("5.0", 400), ("5.1.9", 400), ("5.1.10", 200), ("5.2", 200)])]
fn s6_each_feature_has_its_version(
    #[case] entries: Value,
    #[case] resource: Value,
    #[case] operation: &str,
    #[case] cached: bool,
    #[case] expected: [(&str, u16); 4],
) {
    for (version, expected) in expected {
        let found = status(version, &entries, &resource, operation, cached);
        assert_eq!(found, expected, "{version}");
    }
}

#[rstest]
#[case::no_context_before("5.1", None, true)]
#[case::no_context("5.2", None, false)]
#[case::with_context("5.2", Some("Patient/p"), true)]
fn s2_4_a_patient_scope_needs_a_patient_from_5_2(
    #[case] version: Version,
    #[case] patient: Option<&str>,
    #[case] signs_in: bool,
) {
    let policy = json!({ "resource": [{ "resourceType": "Task" }] });
    let membership = json!({
        "profile": { "reference": "Practitioner/u" },
        "accessPolicy": { "reference": "AccessPolicy/1" },
    });
    let sign_in = SignIn {
        features: version.features(),
        scopes: Some(Scopes {
            granted: "patient/Task.rs".to_owned(),
            patient: patient.map(str::to_owned),
        }),
    };
    let policy = assemble_for(&membership, &|_| Some(&policy), &sign_in);
    assert_eq!(!matches!(policy, Err(NoPolicy::SignInFails(_))), signs_in);
}

#[rstest]
#[case("4.5", true)]
#[case("5.0.2", true)]
#[case("5.0.3", false)]
#[case("5.2", false)]
fn s1_4_chains_are_stored_until_5_0_3(#[case] version: Version, #[case] stored: bool) {
    let policy = json!({
        "resourceType": "AccessPolicy",
        "resource": [entry("Task", "Task?subject:Patient.name=x")],
    });
    assert_eq!(
        accept::refusal(&policy, &version.features()).is_none(),
        stored
    );
}
