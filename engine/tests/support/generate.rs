//! Small resources that have a value for a search parameter, made from the element tables.

use fhirward_spec::{ParamType, SearchParam, TypeDef, spec};
use serde_json::{Map, Value, json};

/// A resource with one element that a search parameter reads, and nothing else.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The resource.
    pub resource: Value,
    /// The type of the element that the parameter reads.
    pub data_type: String,
}

/// One resource for each path of the parameter: each part of a union, each type of a choice.
pub fn samples(resource_type: &str, param: &SearchParam) -> Vec<Sample> {
    let def = spec().resource(resource_type).unwrap();
    let mut all: Vec<Sample> = Vec::new();
    for path in param.program.member_paths() {
        let mut data_type = String::new();
        let mut resource = Map::new();
        resource.insert("resourceType".into(), json!(resource_type));
        let filled = fill(resource, def, &path, param, &mut data_type);
        let sample = Sample {
            resource: filled,
            data_type,
        };
        if !all.iter().any(|known| known.resource == sample.resource) {
            all.push(sample);
        }
    }
    all
}

fn fill(
    mut object: Map<String, Value>,
    def: &TypeDef,
    path: &[&str],
    param: &SearchParam,
    data_type: &mut String,
) -> Value {
    let Some((name, rest)) = path.split_first() else {
        return Value::Object(object);
    };
    let (element, kind) = def.element(name).unwrap();
    let value = if rest.is_empty() {
        kind.code.to_string().clone_into(data_type);
        leaf(&kind.code, param)
    } else {
        let inner = spec().type_def(&kind.code).unwrap();
        fill(Map::new(), inner, rest, param, data_type)
    };
    let value = conditions(value, &kind.code, param);
    let value = if element.is_list() {
        json!([value])
    } else {
        value
    };
    object.insert((*name).to_owned(), value);
    Value::Object(object)
}

/// What `where(name = 'text')` in the expression asks of an object that has such an element.
fn conditions(mut value: Value, kind: &str, param: &SearchParam) -> Value {
    let Some(object) = value.as_object_mut() else {
        return value;
    };
    for part in param.expression.split("where(").skip(1) {
        let condition = part.split(')').next().unwrap();
        let Some((name, text)) = condition.split_once('=') else {
            continue;
        };
        let name = name.trim();
        let known = spec()
            .type_def(kind)
            .is_some_and(|def| def.element(name).is_some());
        if known {
            object.insert(name.to_owned(), json!(text.trim().trim_matches('\'')));
        }
    }
    value
}

/// The type that references of a parameter point at.
pub fn target(param: &SearchParam) -> &str {
    match param.expression.split("resolve() is ").nth(1) {
        Some(rest) => rest.split(')').next().unwrap().trim(),
        None => match param.targets.first() {
            Some(first) if **first != *"Resource" => first,
            _ => "Patient",
        },
    }
}

fn leaf(kind: &str, param: &SearchParam) -> Value {
    let quantity =
        || json!({"value": 5.4, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"});
    match kind {
        "Reference" => json!({"reference": format!("{}/x1", target(param))}),
        "CodeableConcept" => json!({"coding": [{"system": "http://example.org/s", "code": "c1"}]}),
        "Coding" => json!({"system": "http://example.org/s", "code": "c1"}),
        "Identifier" => json!({"system": "http://example.org/i", "value": "c1"}),
        "ContactPoint" => json!({"system": "phone", "value": "c1"}),
        "HumanName" => json!({"family": "Familie", "given": ["Given"]}),
        "Address" => json!({"line": ["Line 1"], "city": "City", "country": "Country"}),
        "boolean" => json!(true),
        "date" => json!("2024-03-10"),
        "dateTime" | "instant" => json!("2024-03-10T09:30:00Z"),
        "time" => json!("09:30:00"),
        "Period" => json!({"start": "2024-03-10", "end": "2024-03-10"}),
        "Timing" => json!({"event": ["2024-03-10"]}),
        "Age" | "Duration" | "Quantity" | "SimpleQuantity" | "Count" | "Distance" => quantity(),
        "Money" => json!({"value": 5.4, "currency": "EUR"}),
        "Range" => json!({"low": quantity(), "high": quantity()}),
        "SampledData" => json!({"origin": quantity(), "period": 1, "dimensions": 1, "data": "1"}),
        "integer" | "positiveInt" | "unsignedInt" => json!(5),
        "decimal" => json!(5.4),
        "Attachment" => json!({"url": "http://example.org/a"}),
        "Resource" => json!({"resourceType": "Patient", "id": "x1"}),
        "Location.position" => json!({"longitude": 1.5, "latitude": 2.5}),
        "canonical" | "uri" | "url" | "oid" | "uuid" => json!("http://example.org/u"),
        "string" if param.param_type == ParamType::Date => json!("2024-03-10"),
        "string" | "markdown" | "code" | "id" | "base64Binary" => json!("c1"),
        _ => json!({"id": "x1"}),
    }
}
