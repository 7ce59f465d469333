//! `meta.accounts` and `meta.compartment`, as the server computes them at each write.

use fhirward_spec::spec;
use serde_json::{Map, Value, json};

use super::parameters::search_param;
use super::version::Features;
use super::world::World;

/// Whether a text has the form of a UUID.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_id(text: &str, any: bool) -> bool {
    is_uuid(text) || (any && !text.is_empty())
}

/// The references to patients through which a resource is in compartments; a patient is in its own.
pub fn patients(resource: &Value, any_id: bool) -> Vec<String> {
    let kind = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut found = Vec::new();
    let mut add = |reference: String| {
        let mut parts = reference.split('/');
        let patient =
            parts.next() == Some("Patient") && parts.next().is_some_and(|id| is_id(id, any_id));
        if patient && !found.contains(&reference) {
            found.push(reference);
        }
    };
    if kind == "Patient"
        && let Some(id) = resource.get("id").and_then(Value::as_str)
    {
        add(format!("Patient/{id}"));
    }
    let codes = spec()
        .compartment("Patient")
        .map_or(&[][..], |c| c.params(kind));
    // R4 names `owner` and `focus` for a Task; the server follows whom the task is for instead.
    let own = (kind == "Task").then_some("patient");
    let codes = codes
        .iter()
        .map(|code| &**code)
        .filter(|_| own.is_none())
        .chain(own);
    for param in codes.filter_map(|code| search_param(kind, code, &Features::default())) {
        for extracted in param.program.collect(resource) {
            if let Some(reference) = extracted.value.get("reference").and_then(Value::as_str) {
                add(reference.to_owned());
            }
        }
    }
    found
}

/// Sets `meta.accounts`, `meta.account` and `meta.compartment` on a result that is to be stored.
///
/// `compartment` is the account that the policy sets on what is created.
pub fn compute(result: &mut Value, compartment: Option<&str>, world: &World) -> Vec<String> {
    let mut accounts: Vec<String> = Vec::new();
    let mut add = |reference: &str| {
        if !accounts.iter().any(|a| a == reference) {
            accounts.push(reference.to_owned());
        }
    };
    if let Some(compartment) = compartment {
        add(compartment);
    }
    // A patient that is updated inherits from itself, as it is stored.
    for patient in patients(result, world.partial) {
        if let Some(stored) = world.resources.get(&patient).filter(|s| !s.deleted) {
            accounts_of(&stored.resource).iter().for_each(|a| add(a));
        }
    }
    if accounts.is_empty() {
        // Nothing computed: what the request says stays.
        accounts = accounts_of(result);
    } else {
        let list: Vec<Value> = accounts.iter().map(|a| json!({ "reference": a })).collect();
        let first = list.first().cloned().unwrap_or_default();
        set_meta(result, "account", first);
        set_meta(result, "accounts", Value::Array(list));
    }
    let mut all = vec![world.project.clone()];
    let inside = accounts.into_iter().filter(|a| {
        !a.starts_with("Project/")
            && a.split('/')
                .nth(1)
                .is_some_and(|id| is_id(id, world.partial))
    });
    for reference in inside.chain(patients(result, world.partial)) {
        if !all.contains(&reference) {
            all.push(reference);
        }
    }
    let list: Vec<Value> = all.iter().map(|c| json!({ "reference": c })).collect();
    set_meta(result, "compartment", Value::Array(list));
    all
}

/// The accounts that a resource names.
pub fn accounts_of(resource: &Value) -> Vec<String> {
    let Some(meta) = resource.get("meta") else {
        return Vec::new();
    };
    let text = |value: &Value| {
        value
            .get("reference")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    match meta.get("accounts").and_then(Value::as_array) {
        Some(list) => list.iter().filter_map(text).collect(),
        None => meta.get("account").and_then(text).into_iter().collect(),
    }
}

/// Sets a member of `meta`, making `meta` where there is none.
pub(crate) fn set_meta(resource: &mut Value, name: &str, value: Value) {
    let Some(members) = resource.as_object_mut() else {
        return;
    };
    let meta = members
        .entry("meta")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(meta) = meta.as_object_mut() {
        meta.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::medplum::world::Stored;

    const PATIENT: &str = "Patient/9f3c6d1e-6a0b-4a5e-8f1d-2b7c9e4a1d01";
    const ACCOUNT: &str = "Organization/1b7e4c2a-93d5-4e8f-a6b0-5d2f8c7e3a02";

    fn reference(text: &str) -> Value {
        json!({ "reference": text })
    }

    #[rstest]
    #[case::subject("Communication", "subject", PATIENT, true)]
    #[case::f43_versioned(
        "Communication",
        "sender",
        "Patient/9f3c6d1e-6a0b-4a5e-8f1d-2b7c9e4a1d01/_history/1",
        true
    )]
    #[case::absolute(
        "Communication",
        "subject",
        "https://h/Patient/9f3c6d1e-6a0b-4a5e-8f1d-2b7c9e4a1d01",
        false
    )]
    #[case::no_uuid("Communication", "subject", "Patient/homer", false)]
    #[case::no_patient("Communication", "subject", ACCOUNT, false)]
    #[case::task_for("Task", "for", PATIENT, true)]
    #[case::task_owner("Task", "owner", PATIENT, false)]
    #[case::encounter("Encounter", "subject", PATIENT, true)]
    fn s2_6_patients(
        #[case] kind: &str,
        #[case] element: &str,
        #[case] target: &str,
        #[case] inside: bool,
    ) {
        let resource = json!({ "resourceType": kind, element: reference(target) });
        let expected = if inside {
            vec![target.to_owned()]
        } else {
            Vec::new()
        };
        assert_eq!(patients(&resource, false), expected);
    }

    #[test]
    fn s2_6_accounts_come_from_the_patient_and_else_from_the_request() {
        let mut world = World {
            project: "Project/p".to_owned(),
            ..World::default()
        };
        let patient =
            json!({ "resourceType": "Patient", "meta": { "accounts": [reference(ACCOUNT)] } });
        let stored = Stored {
            resource: patient,
            ..Stored::default()
        };
        world.resources.insert(PATIENT.to_owned(), stored);
        let other = "Organization/c4d8a1f6-2e7b-4b39-9c05-8a6e1f3d7b03";
        let mut about = json!({
            "resourceType": "Communication", "subject": reference(PATIENT),
            "meta": { "accounts": [reference(other)] },
        });
        let inside = compute(&mut about, None, &world);
        assert_eq!(inside, ["Project/p", ACCOUNT, PATIENT]);
        let mut free =
            json!({ "resourceType": "Communication", "meta": { "accounts": [reference(other)] } });
        assert_eq!(compute(&mut free, None, &world), ["Project/p", other]);
        let mut created = json!({ "resourceType": "Communication" });
        assert_eq!(
            compute(&mut created, Some(ACCOUNT), &world),
            ["Project/p", ACCOUNT]
        );
    }
}
