//! What holds for every criteria: nothing panics, and the two ways to the database agree.

use fhirward_engine::medplum::compartments;
use fhirward_engine::medplum::policy::assemble;
use fhirward_engine::medplum::{Answer, Operation, Reply, ResourceVersion, Server, Stored, World};
use proptest::prelude::*;
use serde_json::{Value, json};

const ID: &str = "9f3c6d1e-6a0b-4a5e-8f1d-2b7c9e4a1d01";

fn world() -> (World, String) {
    let mut world = World {
        project: "Project/7a2c5e9d-4f1b-4d86-b3a7-6e0d9c8f2b04".to_owned(),
        now: "2026-11-21T00:00:00.000Z".to_owned(),
        ..World::default()
    };
    let mut resource = json!({
        "resourceType": "Patient", "id": ID, "gender": "female", "active": true,
        "birthDate": "1990-06", "name": [{ "given": ["Alice"], "family": "Smith-Jones" }],
        "identifier": [{ "system": "http://s", "value": "MRN1" }],
        "managingOrganization": { "display": "some" },
        "address": [{ "city": "San Francisco" }],
    });
    let compartments = compartments::compute(&mut resource, None, &world);
    let stored = Stored {
        resource,
        compartments,
        ..Stored::default()
    };
    let target = format!("Patient/{ID}");
    world.resources.insert(target.clone(), stored);
    (world, target)
}

fn criteria() -> impl Strategy<Value = String> {
    let code = prop_oneof![
        Just("gender"),
        Just("active"),
        Just("birthdate"),
        Just("name"),
        Just("identifier"),
        Just("organization"),
        Just("address-city"),
        Just("_id"),
        Just("_compartment"),
        Just("_filter"),
        Just("_lastUpdated"),
        Just("organization.name"),
        Just("_has:Patient:link:name"),
        Just("nosuch"),
    ];
    let modifier = prop_oneof![
        Just(""),
        Just(":not"),
        Just(":missing"),
        Just(":exact"),
        Just(":text"),
        Just(":in"),
        Just(":x"),
    ];
    let value = prop_oneof![
        "[a-zA-Z0-9|,%+\\\\$:.é-]{0,12}",
        Just("true".to_owned()),
        Just("female".to_owned()),
        Just("1990-06-15".to_owned()),
        Just("ge1990-06-15T10Z".to_owned()),
        Just(ID.to_owned()),
        Just("not (gender eq female) or name co \"x\"".to_owned()),
    ];
    let pair = (code, modifier, value).prop_map(|(c, m, v)| format!("{c}{m}={v}"));
    prop_oneof![
        prop::collection::vec(pair, 1..3).prop_map(|pairs| format!("Patient?{}", pairs.join("&"))),
        "\\PC{0,24}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_database_says_the_same_in_a_search_and_in_a_read(criteria in criteria()) {
        let (world, target) = world();
        let policy = json!({ "resource": [{ "resourceType": "Patient", "criteria": criteria }] });
        let membership = json!({
            "profile": { "reference": format!("Patient/{ID}") },
            "accessPolicy": { "reference": "AccessPolicy/1" },
        });
        let server = Server::new(assemble(&membership, &|_| Some(&policy)), &world);
        let status = |operation: &Operation<'_>, cached: bool| -> Option<Reply> {
            match server.answer(operation, cached) {
                Answer::Reply(reply) => Some(*reply),
                Answer::Unknown(_) => None,
            }
        };
        let target = target.as_str();
        let read = Operation::Read { target };
        let search = Operation::Search { resource_type: "Patient" };
        if let (Some(read), Some(search)) = (status(&read, false), status(&search, false)) {
            let found = search.found.as_ref().is_some_and(|found| found.contains_key(target));
            prop_assert_eq!(read.status == 200, found);
            prop_assert_eq!(read.status == 400, search.status == 400);
        }
        // A cached read is granted by either way, so it never grants less than an uncached one,
        // unless the criteria cannot even be read.
        if let (Some(uncached), Some(cached)) = (status(&read, false), status(&read, true)) {
            prop_assert!(uncached.status != 200 || cached.status == 200);
        }
        let mut input = world.resources[target].resource.clone();
        input["language"] = json!("de");
        let patch = json!([{ "op": "remove", "path": "/gender" }]);
        for cached in [false, true] {
            status(&Operation::History { target }, cached);
            status(&Operation::Vread { target, version: ResourceVersion::Index(0) }, cached);
            status(&Operation::Create { input: &input, id: ID }, cached);
            status(&Operation::Update { target, input: &input }, cached);
            status(&Operation::Patch { target, patch: &patch }, cached);
            status(&Operation::Delete { target }, cached);
        }
    }

    #[test]
    fn no_membership_and_no_text_makes_it_panic(name in "\\PC{0,6}", value in "\\PC{0,12}") {
        let policy = json!({ "resource": [{ "resourceType": "Task", "criteria": format!("Task?owner=%{name}&x=%profile.id") }] });
        let membership = json!({
            "profile": { "reference": value },
            "access": [{
                "policy": { "reference": "AccessPolicy/1" },
                "parameter": [{ "name": name, "valueString": value }],
            }],
        });
        let found: &Value = &policy;
        let _policy_or_not = assemble(&membership, &|_| Some(found));
    }
}
