//! A policy that is put together already: entries, and no variables.

use serde_json::{Map, Value, json};

use crate::criteria::criteria;
use crate::pools;
use crate::random::Random;
use crate::resource;

pub fn policy(random: &mut Random, kind: &str, resource: &Value) -> Value {
    let entries: Vec<Value> = (0..=random.below(10) / 5)
        .map(|_| entry(random, kind, resource))
        .collect();
    json!({ "resourceType": "AccessPolicy", "resource": entries })
}

fn entry(random: &mut Random, kind: &str, resource: &Value) -> Value {
    let resource_type = match random.below(40) {
        0..=3 => "*".to_owned(),
        4 => resource::any_kind(random).to_owned(),
        5 => kind.to_lowercase(),
        _ => kind.to_owned(),
    };
    let mut members = Map::new();
    members.insert("resourceType".to_owned(), json!(resource_type));
    if random.chance(6) {
        members.insert("readonly".to_owned(), json!(random.chance(80)));
    }
    if random.chance(20) {
        let listed: Vec<&str> = pools::INTERACTIONS
            .into_iter()
            .filter(|_| random.chance(75))
            .collect();
        members.insert("interaction".to_owned(), json!(listed));
    }
    if random.chance(4) {
        let own = resource
            .pointer("/meta/compartment/0/reference")
            .and_then(Value::as_str)
            .filter(|_| random.chance(70))
            .map(str::to_owned);
        let reference = own.unwrap_or_else(|| resource::literal(random, &[]));
        members.insert("compartment".to_owned(), json!({ "reference": reference }));
    }
    if random.chance(93) {
        // Criteria for `*` are for no type, in memory.
        let named = match resource_type.as_str() {
            "*" if random.chance(50) => kind,
            other => other,
        };
        let text = criteria(random, named, resource);
        members.insert("criteria".to_owned(), json!(text));
    }
    Value::Object(members)
}
