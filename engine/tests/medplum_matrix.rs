//! The measured matrix of a 5.0.10 server (policy-semantics 5.3): one criteria, one resource,
//! and what search, a cached read, a read from the database and an update with a cached copy answer.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use fhirward_engine::medplum::compartments;
use fhirward_engine::medplum::policy::assemble;
use fhirward_engine::medplum::{Answer, Operation, Reply, Server, Stored, World};
use serde_json::{Value, json};

const PATIENT: &str = "9f3c6d1e-6a0b-4a5e-8f1d-2b7c9e4a1d01";
const ORGANIZATION: &str = "1b7e4c2a-93d5-4e8f-a6b0-5d2f8c7e3a02";
const OTHER: &str = "c4d8a1f6-2e7b-4b39-9c05-8a6e1f3d7b03";

fn resource(name: &str) -> Value {
    match name {
        "P" => json!({
            "resourceType": "Patient", "id": PATIENT, "gender": "female", "active": true,
            "meta": {
                "accounts": [{ "reference": format!("Organization/{ORGANIZATION}") }],
                "tag": [{ "system": "http://tags", "code": "VIP", "display": "Very Important" }],
                "security": [{ "system": "http://security", "code": "R" }],
            },
            "birthDate": "1990-06-15",
            "name": [{ "given": ["Alice"], "family": "Smith" }],
            "telecom": [{ "system": "phone", "value": "555-ABC" }],
            "identifier": [{ "system": "http://s", "value": "MRN1" }, { "value": "NOSYS" }],
            "address": [{ "city": "San Francisco", "state": "CA" }],
            "managingOrganization": { "reference": format!("Organization/{ORGANIZATION}") },
            "generalPractitioner": [{ "reference": format!("Practitioner/{ORGANIZATION}") }],
        }),
        "Pmin" => json!({ "resourceType": "Patient", "id": OTHER }),
        "O" => json!({
            "resourceType": "Observation", "id": OTHER, "status": "final",
            "code": {
                "text": "Heart Rate",
                "coding": [{ "system": "http://loinc.org", "code": "8867-4", "display": "Heart rate" }],
            },
            "category": [{ "coding": [{ "system": "http://cat", "code": "vital-signs" }] }],
            "subject": { "reference": format!("Patient/{PATIENT}") },
            "encounter": { "reference": format!("Encounter/{ORGANIZATION}") },
            "effectiveDateTime": "2024-03-10T15:30:00Z",
            "valueQuantity": { "value": 80, "unit": "bpm" },
        }),
        "Omin" => json!({
            "resourceType": "Observation", "id": OTHER, "status": "final", "code": { "text": "x" },
        }),
        "E" => json!({
            "resourceType": "Encounter", "id": OTHER, "status": "finished",
            "class": { "code": "AMB" },
            "period": { "start": "2024-03-09T22:00:00Z", "end": "2024-03-11T02:00:00Z" },
        }),
        _ => json!({
            "resourceType": "Questionnaire", "id": OTHER, "status": "active",
            "url": "http://example.com/q1",
        }),
    }
}

/// The resource of that name, and beside it the patient and the observation about them, which
/// chains look at.
fn world(name: &str) -> (World, String) {
    let mut world = World {
        project: "Project/7a2c5e9d-4f1b-4d86-b3a7-6e0d9c8f2b04".to_owned(),
        now: "2026-11-21T00:00:00.000Z".to_owned(),
        ..World::default()
    };
    let mut target = String::new();
    for one in ["P", "O", name] {
        let mut resource = resource(one);
        resource["meta"]["lastUpdated"] = json!("2026-11-20T00:00:00.000Z");
        let compartments = compartments::compute(&mut resource, None, &world);
        let part = |name: &str| resource[name].as_str().unwrap().to_owned();
        target = format!("{}/{}", part("resourceType"), part("id"));
        let stored = Stored {
            resource,
            compartments,
            ..Stored::default()
        };
        world.resources.insert(target.clone(), stored);
    }
    (world, target)
}

/// Criteria, resource, search (found, not found, refused), cached read, uncached read, update.
const MATRIX: &[(&str, &str, &str, u16, u16, u16)] = &[
    ("Patient?_id=$P", "P", "T", 200, 200, 200),
    ("Patient?_id=Patient/$P", "P", "T", 200, 200, 403),
    ("Patient?_id:not=$ORG", "P", "T", 200, 200, 200),
    (
        "Patient?_compartment=Organization/$ORG",
        "P",
        "T",
        200,
        200,
        200,
    ),
    ("Patient?_compartment=$ORG", "P", "T", 200, 200, 200),
    (
        "Patient?_compartment=Organization/Organization/$ORG",
        "P",
        "T",
        200,
        200,
        403,
    ),
    (
        "Patient?_compartment=Practitioner/$ORG",
        "P",
        "T",
        200,
        200,
        403,
    ),
    (
        "Patient?_compartment:not=Organization/$ORG",
        "Pmin",
        "T",
        200,
        200,
        200,
    ),
    (
        "Patient?_compartment:missing=true",
        "Pmin",
        "F",
        404,
        404,
        404,
    ),
    (
        "Patient?_compartment:missing=false",
        "P",
        "F",
        200,
        404,
        200,
    ),
    ("Patient?_compartment=Patient/$P", "P", "T", 200, 200, 200),
    ("Patient?_project=$ORG", "P", "F", 404, 404, 404),
    ("Patient?_filter=gender eq female", "P", "T", 200, 200, 403),
    ("Patient?foo=bar", "P", "400", 400, 400, 400),
    ("Patient?_text=x", "P", "400", 400, 400, 400),
    (
        "Observation?subject:Patient.name=Alice",
        "O",
        "T",
        200,
        200,
        403,
    ),
    (
        "Patient?_has:Observation:subject:status=final",
        "P",
        "T",
        200,
        200,
        403,
    ),
    ("Patient?gender=female", "P", "T", 200, 200, 200),
    ("Patient?gender=FEMALE", "P", "F", 200, 404, 200),
    ("Patient?gender=|female", "P", "F", 200, 404, 200),
    ("Patient?gender:not=male", "P", "T", 200, 200, 200),
    ("Patient?gender:not=male", "Pmin", "T", 200, 200, 200),
    ("Patient?gender:not-in=female", "P", "T", 200, 200, 200),
    ("Patient?gender:in=female", "P", "T", 200, 200, 200),
    ("Patient?gender:foo=female", "P", "T", 200, 200, 200),
    ("Patient?gender:text=female", "P", "T", 200, 200, 200),
    ("Patient?gender:missing=true", "Pmin", "T", 200, 200, 200),
    ("Patient?gender:missing=false", "P", "T", 200, 200, 200),
    ("Patient?gender=", "P", "F", 404, 404, 404),
    ("Patient?gender=male,female", "P", "T", 200, 200, 200),
    ("Patient?gender:above=female", "P", "T", 200, 200, 200),
    ("Patient?active=true", "P", "T", 200, 200, 200),
    ("Patient?active=TRUE", "P", "400", 200, 400, 200),
    ("Patient?active:not=true", "Pmin", "T", 200, 200, 200),
    ("Patient?active:not=false", "Pmin", "T", 200, 200, 200),
    ("Patient?identifier=MRN1", "P", "T", 200, 200, 200),
    ("Patient?identifier=mrn1", "P", "F", 200, 404, 200),
    ("Patient?identifier=http://s|MRN1", "P", "T", 200, 200, 200),
    ("Patient?identifier=HTTP://S|MRN1", "P", "F", 200, 404, 200),
    ("Patient?identifier=http://s|", "P", "T", 200, 200, 200),
    ("Patient?identifier=|NOSYS", "P", "T", 200, 200, 200),
    (
        "Patient?identifier=http://s|MRN1|x",
        "P",
        "F",
        200,
        404,
        200,
    ),
    ("Patient?identifier:not=MRN1", "Pmin", "T", 200, 200, 200),
    (
        "Patient?identifier:missing=true",
        "Pmin",
        "T",
        200,
        200,
        200,
    ),
    ("Patient?identifier:exact=MRN1", "P", "T", 200, 200, 200),
    ("Patient?identifier:contains=RN", "P", "F", 404, 404, 404),
    ("Patient?phone=555-abc", "P", "T", 200, 200, 200),
    ("Patient?phone=555-ABC", "P", "T", 200, 200, 200),
    ("Patient?phone:contains=55", "P", "T", 200, 200, 403),
    ("Patient?_tag=VIP", "P", "T", 200, 200, 200),
    ("Patient?_tag=vip", "P", "F", 200, 404, 200),
    ("Patient?_tag=Very Important", "P", "T", 200, 200, 200),
    ("Patient?_security=R", "P", "T", 200, 200, 200),
    ("Patient?_security:not=R", "Pmin", "T", 200, 200, 200),
    ("Patient?_security:not=R", "P", "F", 404, 404, 404),
    ("Patient?name=Alice", "P", "T", 200, 200, 200),
    ("Patient?name=lic", "P", "F", 200, 404, 200),
    ("Patient?name=ali", "P", "T", 200, 200, 200),
    ("Patient?name=Smith", "P", "T", 200, 200, 200),
    ("Patient?name=Smith Alice", "P", "T", 200, 200, 403),
    ("Patient?name=mith", "P", "F", 200, 404, 200),
    ("Patient?name:exact=Alice Smith", "P", "T", 200, 200, 200),
    ("Patient?name:exact=lic", "P", "F", 200, 404, 200),
    ("Patient?name:contains=lic", "P", "T", 200, 200, 200),
    ("Patient?name:not=Bob", "P", "T", 200, 200, 200),
    ("Patient?name:not=Bob", "Pmin", "T", 200, 200, 200),
    ("Patient?name=", "P", "T", 200, 200, 200),
    ("Patient?name=%", "P", "T", 200, 200, 403),
    ("Patient?name:missing=true", "Pmin", "F", 200, 404, 200),
    ("Patient?name:missing=false", "P", "F", 200, 404, 200),
    ("Patient?family:exact=Smith", "P", "T", 200, 200, 200),
    ("Patient?address-state=CA", "P", "T", 200, 200, 200),
    ("Patient?address-state=ca", "P", "T", 200, 200, 200),
    ("Patient?address-state=C", "P", "T", 200, 200, 200),
    ("Patient?address-state=A", "P", "F", 200, 404, 200),
    ("Patient?address-city=San", "P", "T", 200, 200, 200),
    ("Patient?address-city=Francisco", "P", "T", 200, 200, 200),
    (
        "Patient?organization=Organization/$ORG",
        "P",
        "T",
        200,
        200,
        200,
    ),
    ("Patient?organization=$ORG", "P", "F", 404, 404, 404),
    (
        "Patient?organization:not=Organization/$P",
        "P",
        "T",
        200,
        200,
        200,
    ),
    (
        "Patient?organization:not=Organization/$P",
        "Pmin",
        "F",
        200,
        404,
        200,
    ),
    (
        "Patient?organization:missing=true",
        "Pmin",
        "T",
        200,
        200,
        200,
    ),
    ("Patient?organization=", "Pmin", "F", 200, 404, 200),
    (
        "Patient?general-practitioner=Practitioner/$ORG",
        "P",
        "T",
        200,
        200,
        200,
    ),
    ("Patient?general-practitioner=$ORG", "P", "F", 404, 404, 404),
    (
        "Patient?general-practitioner:not=Practitioner/$P",
        "Pmin",
        "T",
        200,
        200,
        200,
    ),
    (
        "Patient?organization:Organization=$ORG",
        "P",
        "F",
        404,
        404,
        404,
    ),
    ("Patient?birthdate=1990-06-15", "P", "T", 200, 200, 200),
    ("Patient?birthdate=1990-06", "P", "400", 200, 400, 200),
    ("Patient?birthdate=1990", "P", "400", 200, 400, 200),
    ("Patient?birthdate=ge1990-06-15", "P", "T", 200, 200, 200),
    ("Patient?birthdate=gt1990-06-14", "P", "T", 200, 200, 200),
    ("Patient?birthdate=lt1990-06-16", "P", "T", 200, 200, 200),
    ("Patient?birthdate=sa1990-06-14", "P", "T", 200, 200, 200),
    ("Patient?birthdate=ne1990-06-15", "P", "F", 404, 404, 404),
    ("Patient?birthdate=ne1990-06-15", "Pmin", "F", 200, 404, 200),
    ("Patient?birthdate:not=1990-06-15", "P", "F", 200, 404, 200),
    ("Patient?birthdate=ap1990-06-15", "P", "400", 200, 400, 200),
    ("Patient?birthdate:missing=true", "Pmin", "T", 200, 200, 200),
    (
        "Patient?birthdate=1990-06-15,1991-01-01",
        "P",
        "400",
        400,
        400,
        400,
    ),
    ("Observation?date=2024-03-10", "O", "F", 200, 404, 200),
    ("Observation?date=ge2024-03-10", "O", "T", 200, 200, 200),
    ("Observation?date=le2024-03-10", "O", "F", 200, 404, 200),
    ("Observation?date=gt2024-03-10", "O", "T", 200, 200, 403),
    (
        "Observation?date=lt2024-03-10T15:30:00Z",
        "O",
        "F",
        404,
        404,
        404,
    ),
    ("Observation?date=ne2024-03-10", "O", "T", 200, 200, 403),
    ("Encounter?date=2024-03-10", "E", "F", 200, 404, 200),
    ("Encounter?date=ge2024-03-10", "E", "F", 200, 404, 200),
    ("Encounter?date=le2024-03-10", "E", "T", 200, 200, 200),
    ("Encounter?date=gt2024-03-10", "E", "F", 200, 404, 200),
    ("Patient?_lastUpdated=gt2020-01-01", "P", "T", 200, 200, 200),
    ("Observation?status=final", "O", "T", 200, 200, 200),
    ("Observation?status=final,amended", "O", "T", 200, 200, 200),
    ("Observation?status=FINAL", "O", "F", 200, 404, 200),
    ("Observation?status:not=final", "O", "F", 404, 404, 404),
    ("Observation?code=8867-4", "O", "T", 200, 200, 200),
    (
        "Observation?code=http://loinc.org|8867-4",
        "O",
        "T",
        200,
        200,
        200,
    ),
    ("Observation?code=Heart Rate", "O", "T", 200, 200, 200),
    ("Observation?code=heart rate", "O", "F", 200, 404, 200),
    ("Observation?code=heart", "O", "F", 404, 404, 404),
    ("Observation?code:text=heart", "O", "T", 200, 200, 403),
    ("Observation?code:not=1", "O", "T", 200, 200, 200),
    ("Observation?code:in=http://vs", "O", "400", 400, 400, 400),
    ("Observation?code:not-in=8867-4", "O", "400", 200, 400, 200),
    ("Observation?category:not=lab", "Omin", "T", 200, 200, 200),
    ("Observation?subject=Patient/$P", "O", "T", 200, 200, 200),
    ("Observation?subject=$P", "O", "T", 200, 200, 403),
    ("Observation?patient=$P", "O", "T", 200, 200, 403),
    ("Observation?patient=Patient/$P", "O", "T", 200, 200, 200),
    ("Observation?subject:Patient=$P", "O", "T", 200, 200, 403),
    (
        "Observation?subject:not=Patient/$ORG",
        "O",
        "T",
        200,
        200,
        200,
    ),
    (
        "Observation?subject:not=Patient/$ORG",
        "Omin",
        "F",
        200,
        404,
        200,
    ),
    (
        "Observation?subject:missing=true",
        "Omin",
        "T",
        200,
        200,
        200,
    ),
    ("Observation?subject=", "Omin", "F", 200, 404, 200),
    ("Observation?encounter=$ORG", "O", "F", 404, 404, 404),
    ("Observation?subject:identifier=x", "O", "F", 404, 404, 404),
    ("Observation?value-quantity=80", "O", "T", 200, 200, 403),
    ("Observation?value-quantity=gt70", "O", "T", 200, 200, 403),
    (
        "Observation?value-quantity:missing=false",
        "O",
        "T",
        200,
        200,
        200,
    ),
    (
        "Observation?code-value-quantity=8867-4$80",
        "O",
        "400",
        400,
        400,
        400,
    ),
    (
        "Questionnaire?url=http://example.com/q1",
        "Q",
        "T",
        200,
        200,
        200,
    ),
    (
        "Questionnaire?url=http://example.com",
        "Q",
        "F",
        200,
        404,
        200,
    ),
    (
        "Questionnaire?url=HTTP://EXAMPLE.COM/q1",
        "Q",
        "F",
        200,
        404,
        200,
    ),
    ("Questionnaire?url:not=http://x", "Q", "T", 200, 200, 200),
    (
        "Questionnaire?url:below=http://example.com",
        "Q",
        "F",
        200,
        404,
        200,
    ),
    ("Patient?name=Al%69ce", "P", "T", 200, 200, 200),
    ("Patient?name=Alice+Smith", "P", "T", 200, 200, 200),
    ("Patient?name=Alice?x", "P", "T", 200, 200, 200),
    ("Patient?gender=female?&_id=$ORG", "P", "T", 200, 200, 200),
    ("Patient?gender=female&gender=male", "P", "F", 404, 404, 404),
    ("Patient?gender=female&", "P", "T", 200, 200, 200),
    ("Patient?", "P", "T", 200, 200, 200),
    ("Patient?_count=1", "P", "T", 200, 200, 200),
    ("Patient?_sort=name", "P", "T", 200, 200, 200),
    ("Patient?_=1", "P", "T", 200, 200, 200),
    ("Patient?_include=x", "P", "400", 400, 400, 400),
    ("Patient?_type=Observation", "P", "T", 200, 200, 200),
    ("*?_id=$P", "P", "T", 200, 200, 403),
    ("*?_compartment=Organization/$ORG", "P", "T", 200, 200, 403),
    ("*?gender=female", "P", "T", 200, 200, 403),
    ("*?subject=Patient/$P", "O", "T", 200, 200, 403),
    ("*?gender=female", "O", "400", 400, 400, 400),
    ("Patient", "P", "T", 200, 200, 200),
    ("Task?status=final", "P", "T", 200, 200, 403),
    ("identifier=123", "P", "T", 200, 200, 403),
    ("/Patient?gender=male", "P", "T", 200, 200, 403),
];

#[test]
fn the_measured_matrix() {
    let mut wrong = Vec::new();
    for (criteria, name, search, cached, uncached, update) in MATRIX {
        let (world, target) = world(name);
        let kind = target.split('/').next().unwrap();
        let entry_type = if criteria.starts_with("*?") {
            "*"
        } else {
            kind
        };
        let criteria = criteria
            .replace("$P", PATIENT)
            .replace("$ORG", ORGANIZATION);
        let policy = json!({
            "resourceType": "AccessPolicy",
            "resource": [{ "resourceType": entry_type, "criteria": criteria }],
        });
        let membership = json!({
            "profile": { "reference": format!("Practitioner/{OTHER}") },
            "accessPolicy": { "reference": "AccessPolicy/1" },
        });
        let policy = assemble(&membership, &|_| Some(&policy));
        let server = Server::new(policy, &world);
        let reply = |operation: &Operation<'_>, cached: bool| -> Reply {
            match server.answer(operation, cached) {
                Answer::Reply(reply) => *reply,
                Answer::Unknown(reason) => panic!("{criteria}: {reason}"),
            }
        };
        let found = reply(
            &Operation::Search {
                resource_type: kind,
            },
            false,
        );
        let found = match (found.status, found.found) {
            (200, Some(found)) if found.contains_key(&target) => "T",
            (200, _) => "F",
            _ => "400",
        };
        let mut changed = world.resources[&target].resource.clone();
        changed["language"] = json!("de");
        let input = Operation::Update {
            target: &target,
            input: &changed,
        };
        let predicted = (
            found,
            reply(&Operation::Read { target: &target }, true).status,
            reply(&Operation::Read { target: &target }, false).status,
            reply(&input, true).status,
        );
        if predicted != (*search, *cached, *uncached, *update) {
            wrong.push(format!(
                "{criteria} on {name}: measured {search} {cached} {uncached} {update}, predicted {predicted:?}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        MATRIX.len(),
        wrong.join("\n")
    );
}
