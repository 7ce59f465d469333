//! The decision cases of policy-semantics 7; their numbers are in the names.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

use fhirward_engine::medplum::compartments;
use fhirward_engine::medplum::policy::assemble;
use fhirward_engine::medplum::{Answer, Operation, Reply, ResourceVersion, Server, Stored, World};
use rstest::rstest;
use serde_json::{Value, json};

const ID: &str = "9f3c6d1e-6a0b-4a5e-8f1d-2b7c9e4a1d01";
const NEW: &str = "5e0d7b3a-1c8f-4926-b4d1-7f2a6c9e8b10";
const ORG: &str = "1b7e4c2a-93d5-4e8f-a6b0-5d2f8c7e3a02";
const PROJECT: &str = "Project/7a2c5e9d-4f1b-4d86-b3a7-6e0d9c8f2b04";

/// A server with one resource, and the user's policy.
struct Case {
    world: World,
    policy: Value,
    target: String,
}

fn case(resource: Value, policy: Value) -> Case {
    with_versions(vec![resource], false, policy)
}

fn with_versions(mut versions: Vec<Value>, deleted: bool, policy: Value) -> Case {
    let mut world = World {
        project: PROJECT.to_owned(),
        now: "2026-11-21T00:00:00.000Z".to_owned(),
        ..World::default()
    };
    let mut inside = Vec::new();
    for version in &mut versions {
        version["id"] = json!(ID);
        inside = compartments::compute(version, None, &world);
    }
    let resource = versions.pop().unwrap();
    let target = format!("{}/{ID}", resource["resourceType"].as_str().unwrap());
    let stored = Stored {
        resource,
        compartments: inside,
        earlier: versions,
        deleted,
    };
    world.resources.insert(target.clone(), stored);
    Case {
        world,
        policy,
        target,
    }
}

impl Case {
    fn answer(&self, operation: &Operation<'_>, cached: bool) -> Reply {
        let policy = match self.policy.is_array() {
            true => json!({ "resource": self.policy }),
            false => self.policy.clone(),
        };
        let membership = json!({
            "profile": { "reference": format!("Practitioner/{ORG}") },
            "accessPolicy": { "reference": "AccessPolicy/1" },
        });
        let server = Server::new(assemble(&membership, &|_| Some(&policy)), &self.world);
        match server.answer(operation, cached) {
            Answer::Reply(reply) => *reply,
            Answer::Unknown(reason) => panic!("{reason}"),
        }
    }

    fn read(&self) -> Reply {
        self.answer(
            &Operation::Read {
                target: &self.target,
            },
            true,
        )
    }

    fn search(&self) -> Reply {
        let kind = self.target.split('/').next().unwrap();
        self.answer(
            &Operation::Search {
                resource_type: kind,
            },
            false,
        )
    }

    /// An update with these elements changed.
    fn update(&self, change: &Value) -> Reply {
        let mut input = self.world.resources[&self.target].resource.clone();
        for (name, value) in change.as_object().unwrap() {
            input[name] = value.clone();
        }
        let target = &self.target;
        self.answer(
            &Operation::Update {
                target,
                input: &input,
            },
            true,
        )
    }

    fn create(&self, input: &Value) -> Reply {
        self.answer(&Operation::Create { input, id: NEW }, false)
    }

    fn statuses(&self) -> [u16; 6] {
        let target = self.target.as_str();
        let kind = target.split('/').next().unwrap();
        [
            self.read().status,
            self.answer(&Operation::History { target }, true).status,
            self.answer(
                &Operation::Vread {
                    target,
                    version: ResourceVersion::Current,
                },
                true,
            )
            .status,
            self.answer(
                &Operation::Search {
                    resource_type: kind,
                },
                false,
            )
            .status,
            self.update(&json!({ "language": "de" })).status,
            self.answer(&Operation::Delete { target }, true).status,
        ]
    }
}

fn patient() -> Value {
    json!({ "resourceType": "Patient", "gender": "female" })
}

#[rstest]
#[case::c1_nothing(json!([]), [403, 403, 403, 403, 403, 403])]
#[case::c2_readonly(json!([{"resourceType": "Patient", "readonly": true}]), [200, 200, 200, 200, 403, 403])]
#[case::c3_interactions_win(json!([{"resourceType": "Patient", "readonly": true, "interaction": ["create", "read", "update", "delete", "search"]}]), [200, 403, 403, 200, 200, 200])]
#[case::c5_create_and_read(json!([{"resourceType": "Patient", "interaction": ["create", "read"]}]), [200, 403, 403, 403, 403, 403])]
#[case::c7_update_alone(json!([{"resourceType": "Patient", "interaction": ["update"]}]), [403, 403, 403, 403, 403, 403])]
#[case::c8_search_alone(json!([{"resourceType": "Patient", "interaction": ["search"]}]), [403, 403, 403, 200, 403, 403])]
#[case::c10_wildcard(json!([{"resourceType": "*"}]), [200, 200, 200, 200, 200, 200])]
#[case::c12_lower_case(json!([{"resourceType": "patient"}]), [403, 403, 403, 403, 403, 403])]
#[case::c13_readonly_wildcard(json!([{"resourceType": "*", "readonly": true}, {"resourceType": "Patient", "criteria": "Patient?gender=male"}]), [200, 200, 200, 200, 403, 403])]
fn the_gate(#[case] policy: Value, #[case] expected: [u16; 6]) {
    assert_eq!(case(patient(), policy).statuses(), expected);
}

#[rstest]
#[case::c16_result(json!([{"resourceType": "Patient", "criteria": "Patient?gender=female"}]), 403)]
#[case::c17_either(json!([{"resourceType": "Patient", "criteria": "Patient?gender=female"}, {"resourceType": "Patient", "criteria": "Patient?gender=male"}]), 200)]
#[case::c18_existing(json!([{"resourceType": "Patient", "readonly": true, "criteria": "Patient?gender=female"}, {"resourceType": "Patient", "criteria": "Patient?gender=male"}]), 403)]
#[case::c19_create_only(json!([{"resourceType": "Patient", "interaction": ["read", "update"], "criteria": "Patient?gender=female"}, {"resourceType": "Patient", "interaction": ["create"], "criteria": "Patient?gender=male"}]), 403)]
fn both_sides_of_a_write(#[case] policy: Value, #[case] expected: u16) {
    assert_eq!(
        case(patient(), policy)
            .update(&json!({ "gender": "male" }))
            .status,
        expected
    );
}

#[test]
fn c22_create_and_c23_new_ids() {
    let by = |criteria: &str| json!([{ "resourceType": "Patient", "criteria": criteria }]);
    let create = |criteria: &str, gender: &str| {
        let input = json!({ "resourceType": "Patient", "gender": gender });
        case(patient(), by(criteria)).create(&input).status
    };
    assert_eq!(create("Patient?gender=female", "male"), 403);
    assert_eq!(create("Patient?gender=female", "female"), 201);
    assert_eq!(create(&format!("Patient?_id={ID}"), "female"), 403);
}

#[test]
fn c26_unknown_ids() {
    let case = case(patient(), json!([{ "resourceType": "Patient" }]));
    let update = |id: &str| {
        let target = format!("Patient/{id}");
        let input = patient();
        case.answer(
            &Operation::Update {
                target: &target,
                input: &input,
            },
            false,
        )
        .status
    };
    assert_eq!(update(NEW), 404);
    assert_eq!(update("homer"), 400);
}

#[test]
fn c30_the_account_of_what_is_created() {
    let entry = json!({ "resourceType": "Patient", "criteria": format!("Patient?_compartment=Organization/{ORG}") });
    let without = case(patient(), json!([entry]));
    assert_eq!(without.create(&patient()).status, 403);
    let policy = json!({
        "compartment": { "reference": format!("Organization/{ORG}") },
        "resource": [entry],
    });
    let reply = case(patient(), policy).create(&patient());
    assert_eq!(reply.status, 201);
    assert!(
        reply
            .compartments
            .unwrap()
            .contains(&format!("Organization/{ORG}"))
    );
}

#[test]
fn c40_a_deleted_resource_is_in_no_compartment() {
    let entry = |criteria: &str| json!([{ "resourceType": "Patient", "criteria": criteria }]);
    let read = |criteria: &str| {
        with_versions(vec![patient()], true, entry(criteria))
            .read()
            .status
    };
    assert_eq!(read(&format!("Patient?_compartment=Patient/{ID}")), 404);
    assert_eq!(read("Patient?gender:missing=true"), 410);
}

#[test]
fn c42_c46_read_only_fields_come_from_the_first_entry() {
    let observation =
        json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" } });
    let updated = |policy: Value| {
        let case = case(observation.clone(), policy);
        case.update(&json!({ "status": "amended", "language": "de" }))
            .stored
            .unwrap()["status"]
            .clone()
    };
    let (free, bound) = (
        json!({ "resourceType": "Observation" }),
        json!({ "resourceType": "Observation", "readonlyFields": ["status"] }),
    );
    assert_eq!(updated(json!([free, bound])), "amended");
    assert_eq!(updated(json!([bound, free])), "final");
}

#[test]
fn c48_c49_hidden_fields_need_a_match_in_memory() {
    let observation = json!({
        "resourceType": "Observation", "status": "final", "code": { "text": "x" },
        "subject": { "reference": format!("Patient/{ORG}") }, "note": [{ "text": "secret" }],
    });
    let shows = |policy: Value| {
        let case = case(observation.clone(), policy);
        case.search().found.unwrap()[&case.target]
            .get("note")
            .is_some()
    };
    assert!(!shows(
        json!([{ "resourceType": "Observation", "hiddenFields": ["note"] }])
    ));
    assert!(shows(
        json!([{ "resourceType": "Observation", "hiddenFields": ["note"], "interaction": ["search"] }])
    ));
    let bare = format!("Observation?subject={ORG}");
    assert!(shows(
        json!([{ "resourceType": "Observation", "hiddenFields": ["note"], "criteria": bare }])
    ));
}

#[test]
fn c51_a_patch_copies_a_hidden_value() {
    let observation = json!({
        "resourceType": "Observation", "status": "final", "code": { "text": "x" }, "valueString": "secret",
    });
    let case = case(
        observation,
        json!([{ "resourceType": "Observation", "hiddenFields": ["valueString"] }]),
    );
    let patch = json!([{ "op": "add", "path": "/note", "value": [{ "text": "" }] }, { "op": "copy", "from": "/valueString", "path": "/note/0/text" }]);
    let reply = case.answer(
        &Operation::Patch {
            target: &case.target,
            patch: &patch,
        },
        false,
    );
    assert_eq!(reply.body.unwrap()["note"][0]["text"], "secret");
}

#[test]
fn c52_old_versions_are_masked_by_their_own_content() {
    let version = |status: &str| json!({ "resourceType": "Observation", "status": status, "code": { "text": "x" }, "valueString": "secret" });
    let policy = json!([{ "resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["valueString"] }]);
    let case = with_versions(
        vec![version("preliminary"), version("final")],
        false,
        policy,
    );
    let versions = case
        .answer(
            &Operation::History {
                target: &case.target,
            },
            true,
        )
        .versions
        .unwrap();
    let shown: Vec<bool> = versions
        .iter()
        .flatten()
        .map(|v| v.get("valueString").is_some())
        .collect();
    assert_eq!(shown, [false, true]);
}

#[test]
fn c73_binary_knows_the_interaction_only() {
    let binary = json!({ "resourceType": "Binary", "contentType": "text/plain" });
    let statuses = |policy: Value| case(binary.clone(), policy).statuses();
    let other = json!([{ "resourceType": "Binary", "criteria": format!("Binary?_id={NEW}") }]);
    assert_eq!(statuses(other), [200, 200, 200, 400, 200, 200]);
    assert_eq!(
        statuses(json!([{ "resourceType": "Binary", "readonly": true }]))[4],
        403
    );
    assert_eq!(statuses(json!([])), [403, 403, 403, 400, 403, 403]);
}

#[test]
fn c76_an_entry_for_creating_opens_the_search() {
    let policy = json!([
        { "resourceType": "Patient", "interaction": ["create"] },
        { "resourceType": "Patient", "interaction": ["search", "read"], "criteria": "Patient?gender=male" },
    ]);
    assert_eq!(case(patient(), policy).search().found.unwrap().len(), 1);
}

#[test]
fn c77_a_deleted_resource_shows_its_history() {
    let policy = json!([{ "resourceType": "Patient", "interaction": ["read", "search"] }]);
    let case = with_versions(vec![patient()], true, policy);
    assert_eq!(case.statuses(), [410, 200, 200, 200, 403, 200]);
}

#[cfg(feature = "fhirpath")]
#[rstest]
#[case::c54_update("%before.status != 'final'", "preliminary", 200)]
#[case::c54_final("%before.status != 'final'", "final", 403)]
#[case::c57_not_a_boolean("status", "preliminary", 403)]
#[case::c57_empty("{}", "preliminary", 403)]
#[case::c57_unknown_variable("%nosuch.exists()", "preliminary", 400)]
#[case::c57_syntax("status = ", "preliminary", 400)]
fn write_constraints(#[case] expression: &str, #[case] status: &str, #[case] expected: u16) {
    let observation =
        json!({ "resourceType": "Observation", "status": status, "code": { "text": "x" } });
    let policy = json!([{
        "resourceType": "Observation",
        "writeConstraint": [{ "language": "text/fhirpath", "expression": expression }],
    }]);
    let case = case(observation, policy);
    assert_eq!(case.update(&json!({ "language": "de" })).status, expected);
    // Nothing changes, so nothing is asked.
    assert_eq!(case.update(&json!({})).status, 200);
    // No constraint is asked on delete.
    let delete = Operation::Delete {
        target: &case.target,
    };
    assert_eq!(case.answer(&delete, true).status, 200);
}
