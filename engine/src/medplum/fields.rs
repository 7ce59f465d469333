//! Hidden and read-only fields: removed from outputs, put back on updates, as far as the server does.

use serde_json::{Map, Value};

use super::substitute::Entry;

/// Removes the hidden fields of an entry from an output.
pub fn mask(resource: &mut Value, entry: &Entry) {
    for path in &entry.hidden_fields {
        remove(resource, path);
    }
}

/// Removes from what is to be created everything that the entry does not let the user write.
pub fn strip(input: &mut Value, entry: &Entry) {
    for path in entry.readonly_fields.iter().chain(&entry.hidden_fields) {
        remove(input, path);
    }
}

/// Removes from an update what the entry does not let the user write, and puts the stored value
/// back. Only a plain top-level field with a value that is not false, zero or empty comes back; what
/// a nested path or a choice names is lost.
///
/// A value that is put back is the stored one itself, not a copy: a later nested path removes from
/// both. `existing` is changed accordingly, and the server compares with that.
pub fn restore(input: &mut Value, existing: &mut Value, entry: &Entry) {
    let mut shared: Vec<&str> = Vec::new();
    for path in entry.readonly_fields.iter().chain(&entry.hidden_fields) {
        remove(input, path);
        if let Some((name, _)) = path.split_once('.') {
            if shared.contains(&name) {
                remove(existing, path);
            }
            continue;
        }
        let plain = !path.ends_with("[x]");
        let stored = existing.get(path).filter(|value| plain && is_truthy(value));
        if let (Some(stored), Some(members)) = (stored, input.as_object_mut()) {
            members.insert(path.clone(), stored.clone());
            shared.push(path);
        }
    }
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Removes every value that a path names; lists on the way are gone through.
fn remove(value: &mut Value, path: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| remove(item, path)),
        Value::Object(members) => match path.split_once('.') {
            Some((name, rest)) => {
                if let Some(member) = members.get_mut(name) {
                    remove(member, rest);
                }
            }
            None => remove_member(members, path),
        },
        _ => {}
    }
}

fn remove_member(members: &mut Map<String, Value>, name: &str) {
    match name.strip_suffix("[x]") {
        None => {
            members.shift_remove(name);
        }
        Some(choice) => members.retain(|key, _| {
            !key.strip_prefix(choice)
                .is_some_and(|kind| kind.starts_with(|c: char| c.is_ascii_uppercase()))
        }),
    }
}
