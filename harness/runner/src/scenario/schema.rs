//! The published JSON Schema, generated from the keys that the parser takes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::vocabulary::{Key, Object, SCENARIO, STATE, Shape};
use crate::client::Plain;

/// What a name looks like.
const NAME: &str = "^[A-Za-z][A-Za-z0-9_-]*$";

/// The schema of scenario and state files.
pub fn schema() -> Value {
    let mut definitions = BTreeMap::new();
    for object in [&SCENARIO, &STATE] {
        define(object, &mut definitions);
    }
    let definitions: Map<String, Value> = definitions
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A scenario of fhirward, or a state that scenarios build on",
        "description": "Generated from the keys that the parser takes; see docs/scenario-language.md.",
        "type": "object",
        "oneOf": [
            { "$ref": "#/$defs/scenario" },
            { "$ref": "#/$defs/state" },
        ],
        "$defs": definitions,
    })
}

fn define(object: &'static Object, into: &mut BTreeMap<&'static str, Value>) {
    if into.contains_key(object.id) {
        return;
    }
    // Before its members, which may lead back to it.
    into.insert(object.id, Value::Null);
    let mut properties = Map::new();
    for key in object.keys() {
        let shape = described(key, into);
        for alias in key.aliases {
            let mut other = shape.clone();
            put(&mut other, "deprecated", true.into());
            let about = format!("The same as `{}`.", key.name);
            put(&mut other, "description", about.into());
            properties.insert((*alias).to_owned(), other);
        }
        properties.insert(key.name.to_owned(), shape);
    }
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    if !object.required.is_empty() {
        put(&mut schema, "required", json!(object.required));
    }
    if object.verb {
        let verbs: Vec<Value> = object
            .verbs()
            .flat_map(|key| key.aliases.iter().copied().chain([key.name]))
            .map(|name| json!({ "required": [name] }))
            .collect();
        put(&mut schema, "oneOf", verbs.into());
    }
    if object.id == "actor" {
        let either = json!([{ "required": ["policy"] }, { "required": ["credentials"] }]);
        put(&mut schema, "anyOf", either);
    }
    into.insert(object.id, schema);
}

fn put(schema: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = schema {
        members.insert(name.to_owned(), value);
    }
}

fn described(key: &Key, into: &mut BTreeMap<&'static str, Value>) -> Value {
    let mut schema = shape(&key.shape, into);
    put(&mut schema, "description", key.about.into());
    schema
}

fn shape(shape_of: &Shape, into: &mut BTreeMap<&'static str, Value>) -> Value {
    match shape_of {
        Shape::Text => json!({ "type": "string" }),
        Shape::Name => json!({ "type": "string", "pattern": NAME }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Number(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Shape::Time => json!({ "type": "string", "pattern": "^[1-9][0-9]*(ms|s|m)$" }),
        Shape::Any => json!({}),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Need => {
            let words: Vec<&str> = Plain::ALL.iter().map(|(_, word)| *word).collect();
            let pattern = r"^(operation:.+|type:.+|search:[^.]+\..+)$";
            json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": pattern }] })
        }
        Shape::List(of) => json!({ "type": "array", "items": shape(of, into) }),
        Shape::Map(of) => json!({ "type": "object", "additionalProperties": shape(of, into) }),
        Shape::Object(object) => {
            define(object, into);
            json!({ "$ref": format!("#/$defs/{}", object.id) })
        }
        Shape::Either(of) => {
            let shapes: Vec<Value> = of.iter().map(|one| shape(one, into)).collect();
            json!({ "anyOf": shapes })
        }
    }
}
