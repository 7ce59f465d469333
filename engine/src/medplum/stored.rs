//! Resources as the server stores them, and what it reads of them.

use serde_json::{Map, Value};

/// A resource as it is written out: empty strings, arrays and objects are left out; in an array they
/// become `null`, and an array of nothing else is left out as well.
pub(super) fn without_empties(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| (name.clone(), without_empties(member)))
                .filter(|(_, member)| !is_empty(member))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => {
            let items: Vec<Value> = items
                .iter()
                .map(without_empties)
                .map(|item| if is_empty(&item) { Value::Null } else { item })
                .collect();
            match items.iter().all(Value::is_null) {
                true => Value::Null,
                false => Value::Array(items),
            }
        }
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The items of a list; none of what is no list.
pub(super) fn array(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// A text; an empty one for what is none.
pub(super) fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Where a Reference points.
pub(super) fn reference(value: Option<&Value>) -> Option<String> {
    Some(value?.get("reference")?.as_str()?.to_owned())
}
