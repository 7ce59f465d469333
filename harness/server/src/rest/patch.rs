//! `PATCH Type/id` with JSON Patch (RFC 6902).
//!
//! The operations are applied to what the actor sees of the resource, so that none can test,
//! copy or move what is hidden from it; what it may not write is put back afterwards.

use std::collections::{HashMap, VecDeque};

use axum::http::StatusCode;
use axum::response::Response;
use json_patch::jsonptr::{Pointer, PointerBuf};
use json_patch::{
    AddOperation, CopyOperation, MoveOperation, PatchErrorKind, PatchOperation, RemoveOperation,
    ReplaceOperation, TestOperation,
};
use serde_json::{Map, Value};

use super::{Context, update};
use crate::config::Limits;
use crate::http::body::{self, depth, kind};
use crate::http::headers::check_if_match;
use crate::http::outcome::{Failure, Issue};

/// Changes a resource by a patch: all of it, or nothing.
pub(crate) fn patch(
    context: &Context<'_>,
    resource_type: &str,
    id: &str,
    bytes: &[u8],
) -> Result<Response, Failure> {
    let limits = &context.app.limits;
    let operations = parse(body::json(bytes, limits)?, limits)?;
    let existing = context.newest(resource_type, id)?;
    let visible = context.access.read(&existing.resource)?;
    if existing.is_deletion() {
        return Err(Failure::gone());
    }
    check_if_match(context.headers, &existing)?;
    let content = apply(&operations, visible.clone(), limits)?;
    let content = keep_identity(&visible, content)?;
    let content = with_unseen(&existing.resource, &visible, content);
    let result = update::result(context, &existing, content)?;
    context
        .access
        .patch(&existing.resource, result.resource())?;
    update::store(context, &existing, result)
}

fn invalid(index: usize, text: impl std::fmt::Display) -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        vec![Issue::error(
            "invalid",
            format!("patch operation {index}: {text}"),
        )],
    )
}

/// Reads the operations.
///
/// # Errors
/// 400 that names the operation by its index.
fn parse(body: Value, limits: &Limits) -> Result<Vec<PatchOperation>, Failure> {
    let operations = match body {
        Value::Array(operations) => operations,
        other => {
            return Err(Failure::invalid(format!(
                "a JSON Patch must be an array of operations, not {}",
                kind(&other)
            )));
        }
    };
    if operations.len() > limits.patch_operations {
        let text = format!(
            "the patch has more than {} operations",
            limits.patch_operations
        );
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            vec![Issue::error("too-costly", text)],
        ));
    }
    operations
        .into_iter()
        .enumerate()
        .map(|(index, operation)| parse_operation(index, operation))
        .collect()
}

fn parse_operation(index: usize, operation: Value) -> Result<PatchOperation, Failure> {
    let Value::Object(mut operation) = operation else {
        return Err(invalid(
            index,
            format!("must be an object, not {}", kind(&operation)),
        ));
    };
    let text = |name: &str| match operation.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(invalid(
            index,
            format!("`{name}` must be a string, not {}", kind(other)),
        )),
        None => Err(invalid(index, format!("`{name}` is missing"))),
    };
    let pointer = |name: &str| {
        let text = text(name)?;
        PointerBuf::parse(text.as_str()).map_err(|_| {
            invalid(
                index,
                format!("`{name}` is `{text}`, which is no JSON Pointer"),
            )
        })
    };
    let name = text("op")?;
    let path = pointer("path")?;
    let from = if matches!(&*name, "move" | "copy") {
        Some(pointer("from")?)
    } else {
        None
    };
    let value = if matches!(&*name, "add" | "replace" | "test") {
        Some(
            operation
                .shift_remove("value")
                .ok_or_else(|| invalid(index, "`value` is missing"))?,
        )
    } else {
        None
    };
    Ok(match (&*name, value, from) {
        ("add", Some(value), _) => PatchOperation::Add(AddOperation { path, value }),
        ("replace", Some(value), _) => PatchOperation::Replace(ReplaceOperation { path, value }),
        ("test", Some(value), _) => PatchOperation::Test(TestOperation { path, value }),
        ("move", _, Some(from)) => PatchOperation::Move(MoveOperation { from, path }),
        ("copy", _, Some(from)) => PatchOperation::Copy(CopyOperation { from, path }),
        ("remove", _, _) => PatchOperation::Remove(RemoveOperation { path }),
        _ => {
            return Err(invalid(
                index,
                format!("`{name}` is no operation of JSON Patch"),
            ));
        }
    })
}

/// Applies the operations to a copy; the copy is dropped when one fails.
fn apply(
    operations: &[PatchOperation],
    mut document: Value,
    limits: &Limits,
) -> Result<Value, Failure> {
    let mut budget = limits.body_bytes;
    for (index, operation) in operations.iter().enumerate() {
        check_growth(index, operation, &document, limits, &mut budget)?;
        json_patch::patch(&mut document, std::slice::from_ref(operation)).map_err(|error| {
            let path = error.path.as_str();
            match error.kind {
                PatchErrorKind::TestFailed => invalid(
                    index,
                    format!("test failed: the value at `{path}` is another"),
                ),
                PatchErrorKind::CannotMoveInsideItself => {
                    invalid(index, "a value cannot be moved into itself")
                }
                _ => invalid(index, format!("there is nothing at `{path}`")),
            }
        })?;
    }
    Ok(document)
}

/// Refuses what would make the document deeper than a body may be, or much larger: a few copies
/// of copies could otherwise fill the memory.
fn check_growth(
    index: usize,
    operation: &PatchOperation,
    document: &Value,
    limits: &Limits,
    budget: &mut usize,
) -> Result<(), Failure> {
    let (path, value): (&Pointer, Option<&Value>) = match operation {
        PatchOperation::Add(add) => (&add.path, Some(&add.value)),
        PatchOperation::Replace(replace) => (&replace.path, Some(&replace.value)),
        PatchOperation::Move(moved) => (&moved.path, moved.from.resolve(document).ok()),
        PatchOperation::Copy(copy) => {
            let value = copy.from.resolve(document).ok();
            *budget = budget
                .checked_sub(value.map_or(0, size))
                .ok_or_else(|| invalid(index, "the copies make the resource too large"))?;
            (&copy.path, value)
        }
        PatchOperation::Remove(_) | PatchOperation::Test(_) => return Ok(()),
    };
    if path.count() + value.map_or(0, depth) > limits.json_depth {
        return Err(invalid(
            index,
            format!(
                "the result is nested more than {} levels deep",
                limits.json_depth
            ),
        ));
    }
    Ok(())
}

/// About the bytes that a value takes as text.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
        Value::Object(members) => {
            members
                .iter()
                .map(|(name, member)| name.len() + size(member) + 4)
                .sum::<usize>()
                + 2
        }
        _ => 8,
    }
}

/// The patched resource, if it is still the same one.
fn keep_identity(before: &Value, after: Value) -> Result<Map<String, Value>, Failure> {
    let Value::Object(after) = after else {
        return Err(Failure::invalid(format!(
            "the patch turns the resource into {}",
            kind(&after)
        )));
    };
    for name in ["resourceType", "id"] {
        if before.get(name) != after.get(name) {
            return Err(Failure::invalid(format!("a patch cannot change `{name}`")));
        }
    }
    Ok(after)
}

/// Puts back the elements that were not there to be patched since the actor does not see them,
/// as far as what holds them is still there.
fn with_unseen(
    stored: &Value,
    seen: &Value,
    mut patched: Map<String, Value>,
) -> Map<String, Value> {
    let (Some(stored), Some(seen)) = (stored.as_object(), seen.as_object()) else {
        return patched;
    };
    for (name, stored) in stored {
        match (seen.get(name), patched.get_mut(name)) {
            (None, _) => {
                patched.insert(name.clone(), stored.clone());
            }
            (Some(seen), Some(patched)) if seen != stored => restore(stored, seen, patched),
            _ => {}
        }
    }
    patched
}

fn restore(stored: &Value, seen: &Value, patched: &mut Value) {
    if patched == seen {
        patched.clone_from(stored);
        return;
    }
    match (stored, seen, patched) {
        (Value::Object(_), Value::Object(_), Value::Object(members)) => {
            *members = with_unseen(stored, seen, std::mem::take(members));
        }
        (Value::Array(stored), Value::Array(seen), Value::Array(patched))
            if stored.len() == seen.len() =>
        {
            // An item that the patch left as it was gets back what was hidden of it, wherever the
            // patch has moved it.
            let mut left: HashMap<&Value, VecDeque<&Value>> = HashMap::new();
            for (stored, seen) in stored.iter().zip(seen) {
                left.entry(seen).or_default().push_back(stored);
            }
            for item in patched {
                if let Some(stored) = left.get_mut(&*item).and_then(VecDeque::pop_front) {
                    item.clone_from(stored);
                }
            }
        }
        _ => {}
    }
}
