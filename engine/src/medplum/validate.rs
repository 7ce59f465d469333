//! The structural checks that a write meets, as far as field rules and patches can fail them.

use fhirward_spec::{Element, TypeDef, TypeKind, spec};
use serde_json::{Map, Value};

/// A resource that is refused, in the words of the OperationOutcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// What is wrong.
    pub text: String,
    /// Where, as FHIRPath.
    pub expression: String,
}

/// How deep a resource may be.
const MAX_DEPTH: usize = 64;

/// Checks required elements, lists, and emptiness. `None` when nothing is wrong.
pub fn check(resource: &Value) -> Option<Invalid> {
    let kind = resource.get("resourceType").and_then(Value::as_str)?;
    let def = spec().resource(kind)?;
    object(resource.as_object()?, def, kind, 0)
}

fn object(
    members: &Map<String, Value>,
    def: &TypeDef,
    path: &str,
    depth: usize,
) -> Option<Invalid> {
    if depth > MAX_DEPTH {
        return None;
    }
    def.elements
        .iter()
        .find_map(|e| element(members, e, path, depth))
}

fn element(
    members: &Map<String, Value>,
    element: &Element,
    path: &str,
    depth: usize,
) -> Option<Invalid> {
    let at = if element.choice {
        format!("{path}.{}[x]", element.name)
    } else {
        format!("{path}.{}", element.name)
    };
    let found = element.json_names().find_map(|(name, kind)| {
        members
            .get(&name)
            .filter(|value| !value.is_null())
            .map(|value| (name, kind, value))
    });
    let Some((name, kind, value)) = found else {
        let extended = members.contains_key(&format!("_{}", element.name));
        return (element.min > 0 && !extended).then(|| Invalid {
            text: "Missing required property".to_owned(),
            expression: at,
        });
    };
    let at = format!("{path}.{name}");
    match (value, element.is_list()) {
        (Value::Array(items), true) => items.iter().enumerate().find_map(|(index, item)| {
            let at = format!("{at}[{index}]");
            if item.as_object().is_some_and(Map::is_empty) {
                return Some(Invalid {
                    text: "Invalid empty non-primitive value".to_owned(),
                    expression: at,
                });
            }
            single(item, &kind.code, &at, depth)
        }),
        (_, true) => Some(Invalid {
            text: "Expected array of values for property".to_owned(),
            expression: at,
        }),
        (Value::Array(_), false) => Some(Invalid {
            text: "Expected single value for property".to_owned(),
            expression: at,
        }),
        // An empty text is not stored at all.
        (Value::String(text), false) if text.is_empty() => None,
        (value, false) => single(value, &kind.code, &at, depth),
    }
}

fn single(value: &Value, kind: &str, path: &str, depth: usize) -> Option<Invalid> {
    let structured = matches!(
        spec().type_def(kind).map(|def| def.kind),
        Some(TypeKind::Complex | TypeKind::Backbone)
    );
    let Some(members) = value.as_object() else {
        let text = if structured {
            "Expected an object"
        } else if value.as_str().is_some_and(|text| text.trim().is_empty()) {
            "Invalid empty string"
        } else {
            return None;
        };
        return Some(Invalid {
            text: text.to_owned(),
            expression: path.to_owned(),
        });
    };
    let def = match members.get("resourceType").and_then(Value::as_str) {
        Some(resource) if kind == "Resource" => spec().resource(resource)?,
        _ => spec().type_def(kind)?,
    };
    object(members, def, path, depth + 1)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::f69_required(json!({"resourceType": "Communication"}), "Missing required property", "Communication.status")]
    #[case::f70_empty_item(json!({"resourceType": "Patient", "name": [{}]}), "Invalid empty non-primitive value", "Patient.name[0]")]
    #[case::nested(json!({"resourceType": "Communication", "status": "completed", "note": [{"time": "2024"}]}), "Missing required property", "Communication.note[0].text")]
    #[case::no_list(json!({"resourceType": "Communication", "status": "completed", "recipient": {"display": "x"}}), "Expected array of values for property", "Communication.recipient")]
    fn refused(#[case] resource: Value, #[case] text: &str, #[case] expression: &str) {
        let found = check(&resource).unwrap();
        assert_eq!(
            (found.text.as_str(), found.expression.as_str()),
            (text, expression)
        );
    }

    #[rstest]
    #[case::plain(json!({"resourceType": "Communication", "status": "completed"}))]
    #[case::empty_object_alone(json!({"resourceType": "Patient", "contact": [{"name": {}, "telecom": [{"value": "1"}]}]}))]
    #[case::extension_instead(json!({"resourceType": "Communication", "_status": {"extension": []}}))]
    fn accepted(#[case] resource: Value) {
        assert_eq!(check(&resource), None);
    }
}
