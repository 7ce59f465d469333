//! Fields taken out of what an actor is shown, or may set. Source: R.9.

use serde_json::Value;

use super::{FieldPath, Step};

/// A copy without the fields.
pub fn without(resource: &Value, fields: &[FieldPath]) -> Value {
    let mut copy = resource.clone();
    for field in fields {
        remove(&mut copy, &field.steps);
    }
    copy
}

/// Takes out what stands at the end of the path.
pub(super) fn remove(value: &mut Value, steps: &[Step]) {
    let Some((step, inner)) = steps.split_first() else {
        return;
    };
    match value {
        Value::Array(items) => items.retain_mut(|item| left_of(item, |item| remove(item, steps))),
        Value::Object(object) if inner.is_empty() => object.retain(|key, _| !step.covers(key)),
        Value::Object(object) => object
            .retain(|key, child| !step.covers(key) || left_of(child, |child| remove(child, inner))),
        _ => {}
    }
}

/// Whether anything is left of a value after a change. Taking the last member out of an element
/// takes the element out, since FHIR has no `{}`; one that was empty before is not ours to take.
pub(super) fn left_of(value: &mut Value, change: impl FnOnce(&mut Value)) -> bool {
    let was_hollow = is_hollow(value);
    change(value);
    was_hollow || !is_hollow(value)
}

fn is_hollow(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
