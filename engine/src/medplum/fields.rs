//! Hidden and read-only fields: removed from outputs, put back on updates, as far as the server does.

use serde_json::{Map, Value};

use super::policy::Entry;

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

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn entry(fields: &[&str]) -> Entry {
        Entry {
            readonly_fields: fields.iter().map(|f| (*f).to_owned()).collect(),
            ..Entry::default()
        }
    }

    #[rstest]
    #[case::c42_kept(&["name"], json!({"name": "new"}), json!({"name": "old"}), json!({"name": "old"}))]
    #[case::c43_false_is_erased(&["active"], json!({"active": true}), json!({"active": false}), json!({}))]
    #[case::c43_zero_is_erased(&["n"], json!({}), json!({"n": 0}), json!({}))]
    #[case::c44_nested_is_erased(&["subject.display"], json!({"subject": {"reference": "a", "display": "b"}}), json!({"subject": {"reference": "a", "display": "b"}}), json!({"subject": {"reference": "a"}}))]
    #[case::c45_choice_is_erased(&["value[x]"], json!({"valueString": "new"}), json!({"valueString": "old"}), json!({}))]
    #[case::c45_base_name_is_no_field(&["value"], json!({"valueString": "new"}), json!({"valueString": "old"}), json!({"valueString": "new"}))]
    #[case::choice_is_not_a_longer_word(&["value[x]"], json!({"values": 1}), json!({}), json!({"values": 1}))]
    fn s3_3_restores(
        #[case] fields: &[&str],
        #[case] mut input: Value,
        #[case] mut existing: Value,
        #[case] expected: Value,
    ) {
        restore(&mut input, &mut existing, &entry(fields));
        assert_eq!(input, expected);
    }

    #[test]
    fn what_is_put_back_is_not_a_copy() {
        let stored = json!({ "contact": [{ "name": "a", "telecom": "b" }] });
        let (mut input, mut existing) = (stored.clone(), stored);
        restore(
            &mut input,
            &mut existing,
            &entry(&["contact", "contact.telecom"]),
        );
        assert_eq!(existing, json!({ "contact": [{ "name": "a" }] }));
        assert_eq!(input, existing);
    }
}
