//! `meta.accounts` and `meta.compartment`, as the server computes them at each write.

use fhirward_spec::spec;
use serde_json::{Map, Value, json};

use super::parse::search_param;
use super::world::World;

/// Whether a text has the form of a UUID.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The references to patients through which a resource is in compartments; a patient is in its own.
pub fn patients(resource: &Value) -> Vec<String> {
    let kind = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut found = Vec::new();
    let mut add = |reference: String| {
        let mut parts = reference.split('/');
        let patient = parts.next() == Some("Patient") && parts.next().is_some_and(is_uuid);
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
    for param in codes.filter_map(|code| search_param(kind, code)) {
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
    for patient in patients(result) {
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
    let inside = accounts
        .into_iter()
        .filter(|a| !a.starts_with("Project/") && a.split('/').nth(1).is_some_and(is_uuid));
    for reference in inside.chain(patients(result)) {
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
