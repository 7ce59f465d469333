//! A resource of a type, filled by the element tables.

use fhirward_spec::{Element, ElementType, TypeDef, TypeKind, spec};
use serde_json::{Map, Value, json};

use crate::pools;
use crate::random::Random;

const MAX_DEPTH: usize = 4;

/// A type: mostly one that policies are about.
pub fn kind(random: &mut Random) -> &'static str {
    if random.chance(85) {
        return random.word(&pools::KINDS);
    }
    any_kind(random)
}

/// Any type.
pub fn any_kind(random: &mut Random) -> &'static str {
    let all: Vec<&'static str> = spec().resource_types().collect();
    random.word(&all)
}

pub fn resource(random: &mut Random, kind: &str) -> Value {
    let mut members = Map::new();
    members.insert("resourceType".to_owned(), json!(kind));
    members.insert("id".to_owned(), json!(random.word(&pools::IDS)));
    if random.chance(70) {
        members.insert("meta".to_owned(), meta(random));
    }
    // A few are full, a few are empty.
    let density = random.pick(&[0, 25, 40, 40, 60, 80]).copied().unwrap_or(40);
    if let Some(def) = spec().resource(kind) {
        fill(random, &mut members, def, 0, density);
    }
    Value::Object(members)
}

fn meta(random: &mut Random) -> Value {
    let mut members = Map::new();
    let mut add = |name: &str, value: Value| {
        members.insert(name.to_owned(), value);
    };
    if random.chance(70) {
        add("lastUpdated", json!(random.word(&pools::DATES)));
    }
    if random.chance(70) {
        add("project", json!(random.word(&pools::IDS)));
    }
    if random.chance(60) {
        let inside: Vec<Value> = (0..=random.below(2))
            .map(|_| json!({ "reference": literal(random, &[]) }))
            .collect();
        add("compartment", Value::Array(inside));
    }
    if random.chance(30) {
        add("tag", json!([coding(random)]));
    }
    if random.chance(30) {
        add("security", json!([coding(random), coding(random)]));
    }
    if random.chance(30) {
        add("profile", json!([random.word(&pools::URIS)]));
    }
    if random.chance(30) {
        add("source", json!(random.word(&pools::URIS)));
    }
    if random.chance(20) {
        add("author", json!({ "reference": literal(random, &[]) }));
    }
    Value::Object(members)
}

fn fill(
    random: &mut Random,
    members: &mut Map<String, Value>,
    def: &TypeDef,
    depth: usize,
    density: usize,
) {
    for element in &def.elements {
        let skipped =
            matches!(
                &*element.name,
                "id" | "meta"
                    | "implicitRules"
                    | "contained"
                    | "text"
                    | "extension"
                    | "modifierExtension"
            ) && (depth == 0 || element.name.ends_with("xtension") || &*element.name == "id");
        let wanted = if depth > 1 { density.min(50) } else { density };
        if skipped || !random.chance(if element.min > 0 { 90 } else { wanted }) {
            continue;
        }
        let names: Vec<(String, &ElementType)> = element.json_names().collect();
        let Some((name, kind)) = random.pick(&names) else {
            continue;
        };
        let Some(value) = values(random, element, kind, depth, density) else {
            continue;
        };
        let primitive = !value.is_object() && !value.is_array();
        if primitive && random.chance(1) {
            let extension = json!({ "extension": [{ "url": "http://e", "valueString": "x" }] });
            members.insert(format!("_{name}"), extension);
            if random.chance(50) {
                continue;
            }
        }
        members.insert(name.clone(), value);
    }
}

fn values(
    random: &mut Random,
    element: &Element,
    kind: &ElementType,
    depth: usize,
    density: usize,
) -> Option<Value> {
    if !element.is_list() {
        return value(random, element, kind, depth, density);
    }
    let items: Vec<Value> = (0..=random.below(2))
        .filter_map(|_| value(random, element, kind, depth, density))
        .collect();
    (!items.is_empty()).then_some(Value::Array(items))
}

fn value(
    random: &mut Random,
    element: &Element,
    kind: &ElementType,
    depth: usize,
    density: usize,
) -> Option<Value> {
    Some(match &*kind.code {
        "boolean" => json!(random.chance(50)),
        "integer" | "positiveInt" | "unsignedInt" => json!(random.below(4)),
        "decimal" => serde_json::from_str(random.word(&pools::NUMBERS)).ok()?,
        "code" => match element.required_codes {
            Some(codes) => json!(random.pick(codes)?),
            None => json!(random.word(&pools::CODES)),
        },
        "uri" | "url" | "oid" | "uuid" => {
            let system = &*element.name == "system";
            json!(random.word(if system {
                &pools::SYSTEMS
            } else {
                &pools::URIS
            }))
        }
        "canonical" => json!(random.word(&pools::URIS)),
        "id" => json!(random.word(&pools::IDS)),
        "date" | "dateTime" | "instant" | "time" => json!(random.word(&pools::DATES)),
        "base64Binary" => json!("AAAA"),
        "Reference" => reference(random, &kind.targets),
        "Resource" => json!({ "resourceType": "Patient", "id": random.word(&pools::IDS) }),
        "xhtml" | "Extension" => return None,
        code => {
            let def = spec().type_def(code)?;
            if def.kind == TypeKind::Primitive {
                json!(random.word(&pools::TEXTS))
            } else if depth >= MAX_DEPTH {
                return None;
            } else {
                let mut members = Map::new();
                fill(random, &mut members, def, depth + 1, density);
                if members.is_empty() {
                    return None;
                }
                Value::Object(members)
            }
        }
    })
}

fn coding(random: &mut Random) -> Value {
    let mut members = Map::new();
    if random.chance(70) {
        members.insert("system".to_owned(), json!(random.word(&pools::SYSTEMS)));
    }
    if random.chance(90) {
        members.insert("code".to_owned(), json!(random.word(&pools::CODES)));
    }
    if random.chance(40) {
        members.insert("display".to_owned(), json!(random.word(&pools::TEXTS)));
    }
    if members.is_empty() {
        members.insert("code".to_owned(), json!("a"));
    }
    Value::Object(members)
}

fn reference(random: &mut Random, targets: &[Box<str>]) -> Value {
    match random.below(12) {
        0 => json!({ "display": random.word(&pools::TEXTS) }),
        1 => {
            json!({ "identifier": { "system": random.word(&pools::SYSTEMS), "value": random.word(&pools::CODES) } })
        }
        2 => json!({ "identifier": { "value": random.word(&pools::CODES) }, "type": "Patient" }),
        3 => json!({ "reference": format!("https://h/fhir/R4/{}", literal(random, targets)) }),
        4 => {
            json!({ "reference": format!("{}/_history/1", literal(random, targets)), "display": "x" })
        }
        5 => {
            json!({ "reference": random.word(&["#contained", "urn:uuid:9f3c6d1e-6a0b-4a5e-8f1d-2b7c9e4a1d01", "Patient?identifier=x", "house"]) })
        }
        _ => json!({ "reference": literal(random, targets) }),
    }
}

/// `Type/id`
pub fn literal(random: &mut Random, targets: &[Box<str>]) -> String {
    let kind = random
        .pick(targets)
        .map(|kind| &**kind)
        .filter(|kind| *kind != "Resource")
        .unwrap_or_else(|| random.word(&["Patient", "Practitioner", "Organization"]));
    format!("{kind}/{}", random.word(&pools::IDS))
}
