//! HL7's JSON schema for R4, as a test fixture: without descriptions, and without what the package
//! adds to it.

use std::path::Path;

use serde_json::{Map, Value};

use crate::bundle::read_json;
use crate::problem::{Problem, ensure};
use crate::tables::Tables;

/// Properties of the packaged schema that R4's does not have: definition and property.
const ADDED_PROPERTIES: [(&str, &str); 9] = [
    ("DeviceDefinition", "classification"),
    ("Meta", "project"),
    ("Meta", "author"),
    ("Meta", "account"),
    ("Meta", "compartment"),
    ("ObservationDefinition", "publisher"),
    ("OperationOutcome", "resource"),
    ("OperationOutcome", "status"),
    ("Reference", "resource"),
];

/// The schema as text.
pub fn read(folder: &Path, r4: &Tables) -> Result<String, Problem> {
    let mut schema = read_json(&folder.join("fhir.schema.json"))?;
    let wrong = |what: &str| Problem::new(format!("fhir.schema.json has no `{what}`"));
    let mapping = object(&mut schema, &["discriminator", "mapping"]);
    let mapping = mapping.ok_or_else(|| wrong("discriminator"))?;
    mapping.retain(|name, _| r4.types.contains_key(name));
    let count = mapping.len();
    ensure(count == r4.resource_count(), || {
        format!("fhir.schema.json names {count} resource types")
    })?;
    let definitions = object(&mut schema, &["definitions"]).ok_or_else(|| wrong("definitions"))?;
    definitions.retain(|name, _| {
        let root = name.split('_').next().unwrap_or(name);
        root == "ResourceList" || r4.types.contains_key(root)
    });
    definitions.shift_remove("DeviceDefinition_Classification");
    for (definition, property) in ADDED_PROPERTIES {
        let properties = definitions
            .get_mut(definition)
            .and_then(|definition| object(definition, &["properties"]));
        let removed = properties.and_then(|properties| properties.shift_remove(property));
        ensure(removed.is_some(), || {
            format!("fhir.schema.json has no `{definition}.{property}`")
        })?;
    }
    for name in ["oneOf", "id", "description"] {
        if let Some(schema) = schema.as_object_mut() {
            schema.shift_remove(name);
        }
    }
    strip_descriptions(&mut schema);
    Ok(format!("{schema}\n"))
}

fn object<'v>(value: &'v mut Value, path: &[&str]) -> Option<&'v mut Map<String, Value>> {
    let mut value = value;
    for name in path {
        value = value.get_mut(name)?;
    }
    value.as_object_mut()
}

/// Descriptions are texts; a property of that name is an object.
fn strip_descriptions(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|name, value| !(name == "description" && value.is_string()));
            object.values_mut().for_each(strip_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_descriptions),
        _ => {}
    }
}
