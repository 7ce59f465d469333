//! The server of a case: what exists, and the inputs of writes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::BadCase;
use crate::medplum::compartments::set_meta;
use crate::medplum::world::{Stored, World};

/// When the decisions were recorded; what is created or updated gets this time.
const NOW: &str = "2026-11-21T00:00:00.000Z";

/// The compartment of everything.
pub(super) const PROJECT: &str = "Project/00000000-0000-4000-8000-0000000000ff";

pub(super) fn world(case: &Value) -> Result<World, BadCase> {
    let mut world = World {
        project: PROJECT.to_owned(),
        now: NOW.to_owned(),
        lenient: case.get("strictMode") == Some(&Value::Bool(false)),
        ..World::default()
    };
    let strings = |member: &str, target: &str| -> Vec<String> {
        case.get(member)
            .map(|map| {
                array(map, target)
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
            })
            .into_iter()
            .flatten()
            .collect()
    };
    let deleted: Vec<&str> = array(case, "deleted").filter_map(Value::as_str).collect();
    let resources = case
        .get("resources")
        .and_then(Value::as_array)
        .ok_or_else(|| BadCase("a case has `resources`".to_owned()))?;
    for resource in resources {
        let target = target_of(resource);
        let mut compartments = vec![PROJECT.to_owned()];
        compartments.extend(strings("compartments", &target));
        let accounts = strings("accounts", &target);
        let complete = |resource: &Value| {
            let mut resource = resource.clone();
            let list = |all: &[String]| -> Vec<Value> {
                all.iter().map(|r| json!({ "reference": r })).collect()
            };
            if !accounts.is_empty() {
                set_meta(&mut resource, "accounts", Value::Array(list(&accounts)));
            }
            set_meta(
                &mut resource,
                "compartment",
                Value::Array(list(&compartments)),
            );
            let updated = resource.pointer("/meta/lastUpdated").is_some();
            if !updated {
                set_meta(&mut resource, "lastUpdated", Value::String(NOW.to_owned()));
            }
            set_meta(&mut resource, "versionId", Value::String("1".to_owned()));
            resource
        };
        let earlier = case
            .get("earlier")
            .map(|map| array(map, &target).map(complete).collect())
            .unwrap_or_default();
        let stored = Stored {
            resource: complete(resource),
            earlier,
            deleted: deleted.contains(&target.as_str()),
            compartments: compartments.clone(),
        };
        world.resources.insert(target, stored);
    }
    Ok(world)
}

/// The input of a write: a whole resource, or a copy with replaced elements.
pub(super) fn input(
    described: Option<&Value>,
    target: &str,
    interaction: &str,
    originals: &BTreeMap<String, &Value>,
) -> Value {
    let Some(described) = described else {
        return Value::Null;
    };
    let mut input = match described.get("$from").and_then(Value::as_str) {
        None => described.clone(),
        Some(from) => {
            let mut copy = originals
                .get(from)
                .map(|r| (*r).clone())
                .unwrap_or_default();
            for (name, value) in described.as_object().into_iter().flatten() {
                let Some(members) = copy.as_object_mut() else {
                    break;
                };
                match value {
                    _ if name == "$from" => {}
                    Value::Null => {
                        members.shift_remove(name);
                    }
                    value => {
                        members.insert(name.clone(), value.clone());
                    }
                }
            }
            copy
        }
    };
    if let Some(members) = input.as_object_mut() {
        members.shift_remove("id");
        if interaction == "update" {
            let id = target.split('/').nth(1).unwrap_or_default();
            members.insert("id".to_owned(), Value::String(id.to_owned()));
        }
    }
    input
}

pub(super) fn array<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

pub(super) fn target_of(resource: &Value) -> String {
    let part = |name: &str| {
        resource
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    format!("{}/{}", part("resourceType"), part("id"))
}
