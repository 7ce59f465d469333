//! Accounts: to whom, beside the patient, a new resource belongs. The server sets them when it
//! creates a resource, and no change of it changes them but an administrator's.

use std::collections::HashSet;

use fhirward_engine::compartment::compartments_of;
use serde_json::{Map, Value, json};

use super::Context;

/// The accounts of a new resource: those that an administrator gives it; else that of the actor's
/// policy, and those of the patients whose compartment it is in, as far as the actor may read
/// them. Of a patient that is hidden the accounts would tell that there is one, and whose.
pub(super) fn of_new(context: &Context<'_>, content: &Map<String, Value>) -> Vec<Value> {
    let given = listed(content.get("meta"));
    if context.access.is_admin() && !given.is_empty() {
        return given;
    }
    let mut accounts: Vec<Value> = context
        .access
        .account()
        .map(|account| json!({ "reference": account }))
        .into_iter()
        .collect();
    let mut known: HashSet<Value> = accounts.iter().cloned().collect();
    let content = Value::Object(content.clone());
    for compartment in compartments_of(&content, Some(&context.app.fhir_base)) {
        if !compartment.starts_with("Patient/") {
            continue;
        }
        let patient = context.view.resolve(&compartment);
        let seen = patient.and_then(|patient| context.access.read(&patient.resource).ok());
        for account in listed(seen.as_ref().and_then(|patient| patient.get("meta"))) {
            if known.insert(account.clone()) {
                accounts.push(account);
            }
        }
    }
    accounts
}

/// Writes the accounts of a new resource again, from which fields were taken. Those that came from
/// a patient that the actor may not name go with the name; an administrator's stay.
pub(super) fn renew(context: &Context<'_>, content: &mut Map<String, Value>, before: Vec<Value>) {
    if context.access.is_admin() {
        return set(content, before);
    }
    if let Some(meta) = content.get_mut("meta").and_then(Value::as_object_mut) {
        for name in ["account", "accounts"] {
            meta.shift_remove(name);
        }
        if meta.is_empty() {
            content.shift_remove("meta");
        }
    }
    let accounts = of_new(context, content);
    set(content, accounts);
}

/// Writes the accounts of a new resource.
pub(super) fn set(content: &mut Map<String, Value>, accounts: Vec<Value>) {
    if accounts.is_empty() {
        return;
    }
    let meta = content
        .entry("meta")
        .or_insert_with(|| Value::Object(Map::new()));
    // One that is not an object the validator refuses.
    if let Some(meta) = meta.as_object_mut() {
        meta.shift_remove("account");
        meta.insert("accounts".into(), Value::Array(accounts));
    }
}

/// What `meta.accounts` and `meta.account` list.
fn listed(meta: Option<&Value>) -> Vec<Value> {
    let Some(meta) = meta else {
        return Vec::new();
    };
    let several = meta.get("accounts").and_then(Value::as_array);
    let mut accounts: Vec<Value> = several.into_iter().flatten().cloned().collect();
    if let Some(one) = meta.get("account")
        && !accounts.contains(one)
    {
        accounts.push(one.clone());
    }
    accounts
}
