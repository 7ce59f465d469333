//! Fixtures that several tests of the validator read.

use std::collections::{BTreeSet, HashMap};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// HL7's R4 examples, each with the name of its file.
pub fn hl7_examples() -> Vec<(String, Value)> {
    let text = inflate(include_bytes!("hl7-examples.zz"));
    text.lines()
        .map(|line| {
            let mut values = serde_json::Deserializer::from_str(line).into_iter::<Value>();
            let name = values.next().unwrap().unwrap();
            let resource = values.next().unwrap().unwrap();
            (name.as_str().unwrap().to_owned(), resource)
        })
        .collect()
}

/// A row of the table of bad resources.
pub struct BadResource {
    pub name: String,
    /// `code@expression` of each finding.
    pub expected: BTreeSet<String>,
    pub resource: Value,
}

pub fn bad_resources() -> Vec<BadResource> {
    include_str!("bad-resources.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut fields = line.splitn(3, ' ');
            let name = fields.next().unwrap().to_owned();
            let expected = fields.next().unwrap();
            BadResource {
                name,
                expected: expected.split('+').map(str::to_owned).collect(),
                resource: serde_json::from_str(fields.next().unwrap()).unwrap(),
            }
        })
        .collect()
}

/// HL7's JSON schema for R4, asked type by type.
pub struct Schema {
    definitions: Value,
    known: Vec<String>,
    compiled: std::cell::RefCell<HashMap<String, Validator>>,
}

impl Schema {
    pub fn load() -> Self {
        let text = inflate(include_bytes!("fhir.schema.json.zz"));
        let schema: Value = serde_json::from_str(&text).unwrap();
        let mut definitions = schema.get("definitions").unwrap().clone();
        let routed = schema.pointer("/discriminator/mapping").unwrap();
        let known = routed.as_object().unwrap().keys().cloned().collect();
        // Resources within resources are asked about on their own, by their type.
        definitions.as_object_mut().unwrap().insert(
            "ResourceList".to_owned(),
            json!({"type": "object", "required": ["resourceType"]}),
        );
        Schema {
            definitions,
            known,
            compiled: std::cell::RefCell::default(),
        }
    }

    /// The resource, and each resource within it.
    pub fn accepts(&self, resource: &Value) -> bool {
        let Some(object) = resource.as_object() else {
            return false;
        };
        let Some(name) = object.get("resourceType").and_then(Value::as_str) else {
            return false;
        };
        if !self.known.iter().any(|known| known == name) {
            // Types that R4 does not have are not the schema's to judge.
            return fhirward_spec::spec().resource(name).is_some();
        }
        self.is_valid(name, resource) && inner(object).all(|inner| self.accepts(inner))
    }

    fn is_valid(&self, name: &str, resource: &Value) -> bool {
        let mut compiled = self.compiled.borrow_mut();
        let validator = compiled.entry(name.to_owned()).or_insert_with(|| {
            let schema = json!({
                "$schema": "http://json-schema.org/draft-06/schema#",
                "$ref": format!("#/definitions/{name}"),
                "definitions": self.definitions,
            });
            jsonschema::validator_for(&schema).unwrap()
        });
        validator.is_valid(resource)
    }
}

/// The resources in `contained`, in entries and in parameters.
fn inner(object: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let list = |name: &str| {
        let items = object.get(name).and_then(Value::as_array);
        items.into_iter().flatten()
    };
    let in_items = ["entry", "parameter"]
        .into_iter()
        .flat_map(list)
        .filter_map(|item| item.get("resource"));
    list("contained").chain(in_items)
}

/// The text of a file compressed by zlib.
pub fn inflate(data: &[u8]) -> String {
    let data = miniz_oxide::inflate::decompress_to_vec_zlib(data).unwrap();
    String::from_utf8(data).unwrap()
}
