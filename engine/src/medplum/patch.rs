//! JSON Patch (RFC 6902), with the server's words for what goes wrong.

use serde_json::Value;

/// The size that a copy may bring a resource to; a few of them double it each.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Applies a patch.
///
/// # Errors
/// The text of the OperationOutcome (400).
pub fn apply(resource: &Value, patch: &Value) -> Result<Value, String> {
    let mut result = resource.clone();
    for operation in patch.as_array().into_iter().flatten() {
        let text = |name: &str| {
            operation
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let path = text("path");
        let value = || operation.get("value").cloned().unwrap_or_default();
        match text("op") {
            "add" => add(&mut result, path, value())?,
            "replace" => *target(&mut result, path)? = value(),
            "remove" => {
                remove(&mut result, path)?;
            }
            "test" => {
                let found = result.pointer(path).cloned();
                let wanted = value();
                if found.as_ref() != Some(&wanted) {
                    return Err(format!(
                        "Test failed: {} != {}",
                        plain(found),
                        plain(Some(wanted))
                    ));
                }
            }
            "move" => {
                let moved = remove(&mut result, text("from"))?;
                add(&mut result, path, moved)?;
            }
            "copy" => {
                let copied = target(&mut result, text("from"))?.clone();
                add(&mut result, path, copied)?;
                if result.to_string().len() > MAX_BYTES {
                    return Err("Payload Too Large".to_owned());
                }
            }
            other => return Err(format!("Invalid operation: {other}")),
        }
    }
    Ok(result)
}

fn plain(value: Option<Value>) -> String {
    match value {
        None => "undefined".to_owned(),
        Some(Value::String(text)) => text,
        Some(Value::Array(_) | Value::Object(_)) => "[object Object]".to_owned(),
        Some(value) => value.to_string(),
    }
}

fn missing(path: &str) -> String {
    format!("Value required at path: {path}")
}

fn target<'r>(root: &'r mut Value, path: &str) -> Result<&'r mut Value, String> {
    root.pointer_mut(path).ok_or_else(|| missing(path))
}

/// The container and the last step.
fn parent<'r>(root: &'r mut Value, path: &str) -> Result<(&'r mut Value, String), String> {
    let (parent, last) = path.rsplit_once('/').ok_or_else(|| missing(path))?;
    let last: String = last.replace("~1", "/").replace("~0", "~");
    root.pointer_mut(parent)
        .map(|value| (value, last))
        .ok_or_else(|| missing(path))
}

fn add(root: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        *root = value;
        return Ok(());
    }
    let (container, last) = parent(root, path)?;
    match container {
        Value::Object(members) => {
            members.insert(last, value);
            Ok(())
        }
        Value::Array(items) => {
            let at = match last.as_str() {
                "-" => items.len(),
                index => index.parse().map_err(|_| missing(path))?,
            };
            if at > items.len() {
                return Err(missing(path));
            }
            items.insert(at, value);
            Ok(())
        }
        _ => Err(missing(path)),
    }
}

fn remove(root: &mut Value, path: &str) -> Result<Value, String> {
    let (container, last) = parent(root, path)?;
    match container {
        Value::Object(members) => members.shift_remove(&last).ok_or_else(|| missing(path)),
        Value::Array(items) => {
            let at: usize = last.parse().map_err(|_| missing(path))?;
            if at >= items.len() {
                return Err(missing(path));
            }
            Ok(items.remove(at))
        }
        _ => Err(missing(path)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::add(json!([{"op": "add", "path": "/b/-", "value": 3}]), json!({"a": 1, "b": [2, 3]}))]
    #[case::replace(json!([{"op": "replace", "path": "/b/0", "value": 3}]), json!({"a": 1, "b": [3]}))]
    #[case::remove(json!([{"op": "remove", "path": "/b"}]), json!({"a": 1}))]
    #[case::move_(json!([{"op": "move", "from": "/a", "path": "/c"}]), json!({"b": [2], "c": 1}))]
    #[case::copy(json!([{"op": "copy", "from": "/a", "path": "/c"}]), json!({"a": 1, "b": [2], "c": 1}))]
    #[case::test(json!([{"op": "test", "path": "/a", "value": 1}]), json!({"a": 1, "b": [2]}))]
    fn applies(#[case] patch: Value, #[case] expected: Value) {
        assert_eq!(apply(&json!({"a": 1, "b": [2]}), &patch), Ok(expected));
    }

    #[rstest]
    #[case::nothing_there(json!([{"op": "replace", "path": "/x", "value": 1}]), "Value required at path: /x")]
    #[case::no_parent(json!([{"op": "add", "path": "/x/-", "value": 1}]), "Value required at path: /x/-")]
    #[case::outside(json!([{"op": "remove", "path": "/b/7"}]), "Value required at path: /b/7")]
    #[case::differs(json!([{"op": "test", "path": "/a", "value": "no"}]), "Test failed: 1 != no")]
    fn refuses(#[case] patch: Value, #[case] text: &str) {
        assert_eq!(
            apply(&json!({"a": 1, "b": [2]}), &patch),
            Err(text.to_owned())
        );
    }
}
