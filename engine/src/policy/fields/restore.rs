//! Fields that an actor may not write, kept as they are stored. Source: R.9.

use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};

use serde_json::{Map, Value};

use super::remove::{left_of, remove};
use super::{FieldPath, Step};

/// The input with the stored values of the fields; without a stored resource, the input without
/// the fields.
pub fn kept<'f>(
    existing: Option<&Value>,
    mut input: Value,
    fields: impl Iterator<Item = &'f FieldPath>,
) -> Value {
    for field in fields {
        match existing {
            Some(stored) => restore(&mut input, stored, &field.steps),
            None => remove(&mut input, &field.steps),
        }
    }
    input
}

/// Puts what `stored` has at the path into `value`, and takes away what it does not have.
fn restore(value: &mut Value, stored: &Value, steps: &[Step]) {
    let Some((step, inner)) = steps.split_first() else {
        return;
    };
    let (Value::Object(object), Value::Object(old)) = (value, stored) else {
        return;
    };
    if inner.is_empty() {
        object.retain(|key, _| !step.covers(key));
        // A choice has one value: beside the stored one another is neither kept nor an error,
        // which would tell that there is a stored one.
        if old.keys().any(|key| step.covers(key)) {
            object.retain(|key, _| !step.excludes(key));
        }
        copy(object, old, step);
        return;
    }
    let keys: Vec<String> = object
        .keys()
        .chain(old.keys())
        .filter(|key| step.covers(key))
        .cloned()
        .collect();
    for key in keys {
        match (object.get_mut(&key), old.get(&key)) {
            (Some(Value::Array(items)), Some(Value::Array(olds))) => {
                restore_items(items, olds, inner);
            }
            (Some(new), Some(old @ Value::Object(_))) if new.is_object() => {
                restore(new, old, inner)
            }
            (Some(new), _) => remove(new, inner),
            (None, Some(old)) if reaches(old, inner) => {
                object.insert(key, old.clone());
            }
            (None, _) => {}
        }
    }
}

/// An item without the fields: what items are told apart by.
#[derive(Debug)]
struct Visible(Value);

impl PartialEq for Visible {
    fn eq(&self, other: &Self) -> bool {
        #[cfg(test)]
        crate::work::count();
        self.0 == other.0
    }
}

impl Eq for Visible {}

impl Hash for Visible {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// Gives each item the stored fields of the stored item that it is: the one that is equal apart
/// from those fields, or, in a list of the same length, the one at its place. When a stored item
/// with such a field is none of the new ones, the stored list stays, so that nothing hidden is lost.
fn restore_items(items: &mut Vec<Value>, olds: &[Value], inner: &[Step]) {
    let visible = |item: &Value| {
        let mut copy = item.clone();
        remove(&mut copy, inner);
        Visible(copy)
    };
    let seen: Vec<Visible> = olds.iter().map(visible).collect();
    // Those that look alike, in order; asked once for each item, since lists may be long.
    let mut alike: HashMap<&Visible, VecDeque<usize>> = HashMap::new();
    for (at, item) in seen.iter().enumerate() {
        alike.entry(item).or_default().push_back(at);
    }
    let mut free: Vec<bool> = vec![true; olds.len()];
    let mut take = |at: usize| free.get_mut(at).is_some_and(std::mem::take);
    let mut origin: Vec<Option<usize>> = vec![None; items.len()];
    for (at, (item, origin)) in items.iter().zip(&mut origin).enumerate() {
        let item = visible(item);
        if seen.get(at) == Some(&item) && take(at) {
            *origin = Some(at);
        } else if let Some(alike) = alike.get_mut(&item) {
            while let Some(other) = alike.pop_front() {
                if take(other) {
                    *origin = Some(other);
                    break;
                }
            }
        }
    }
    if items.len() == olds.len() {
        for (at, origin) in origin.iter_mut().enumerate() {
            if origin.is_none() && take(at) {
                *origin = Some(at);
            }
        }
    }
    let lost = free
        .iter()
        .zip(olds)
        .any(|(free, old)| *free && reaches(old, inner));
    if lost {
        *items = olds.to_vec();
        return;
    }
    let mut origins = origin.into_iter();
    items.retain_mut(|item| {
        let origin = origins.next().flatten().and_then(|at| olds.get(at));
        left_of(item, |item| match origin {
            Some(old) => restore(item, old, inner),
            None => remove(item, inner),
        })
    });
}

/// Whether something stands at the end of the path.
fn reaches(value: &Value, steps: &[Step]) -> bool {
    let Some((step, inner)) = steps.split_first() else {
        return true;
    };
    match value {
        Value::Array(items) => items.iter().any(|item| reaches(item, steps)),
        Value::Object(object) => object
            .iter()
            .any(|(key, child)| step.covers(key) && reaches(child, inner)),
        _ => false,
    }
}

fn copy(object: &mut Map<String, Value>, old: &Map<String, Value>, step: &Step) {
    for (key, value) in old.iter().filter(|(key, _)| step.covers(key)) {
        object.insert(key.clone(), value.clone());
    }
}
