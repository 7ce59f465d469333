//! Where a recorded and a predicted answer differ.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::case::{PROJECT, array};
use crate::medplum::reply::Reply;
use crate::medplum::stored::without_empties;

/// Where a record says two things at once: `allowed` is what the status says in a word.
pub(super) fn contradiction(decision: &Value) -> Option<String> {
    let allowed = decision.get("allowed").and_then(Value::as_bool)?;
    let status = decision.get("status").and_then(Value::as_u64)?;
    (allowed != (status < 400)).then(|| {
        format!("the record contradicts itself: `allowed` is {allowed}, and the status {status}")
    })
}

/// Where the two sides differ; `None` where they agree.
pub(super) fn difference(
    decision: &Value,
    reply: &Reply,
    input: &Value,
    original: Option<&Value>,
) -> Option<String> {
    let status = decision.get("status").and_then(Value::as_u64);
    if status != Some(u64::from(reply.status)) {
        let mut reason = "the status differs".to_owned();
        if let Some(text) = &reply.text {
            let _ = write!(reason, " (predicted: {text})");
        }
        return Some(reason);
    }
    if let Some(reason) = contradiction(decision) {
        return Some(reason);
    }
    if reply.status >= 400 {
        let recorded = decision.pointer("/issue/code").and_then(Value::as_str);
        return match (recorded, reply.code) {
            (Some(recorded), predicted) if predicted.is_some_and(|code| code != recorded) => {
                Some(format!("the issue differs: recorded `{recorded}`"))
            }
            _ => None,
        };
    }
    let differs = |what: &str, recorded: &Value, predicted: &Value| {
        (recorded != predicted)
            .then(|| format!("the {what} differs: recorded {recorded}, predicted {predicted}"))
    };
    if let Some(found) = &reply.found {
        let predicted: Vec<&String> = found.keys().collect();
        let mut recorded: Vec<&str> = array(decision, "visible")
            .filter_map(Value::as_str)
            .collect();
        recorded.sort_unstable();
        if let Some(reason) = differs("result", &json!(recorded), &json!(predicted)) {
            return Some(reason);
        }
        let bodies = decision.get("bodies").and_then(Value::as_object);
        return bodies.into_iter().flatten().find_map(|(target, body)| {
            let predicted = found.get(target).map(content).unwrap_or_default();
            differs("body", &content(body), &predicted)
        });
    }
    if let Some(versions) = &reply.versions {
        let count = decision
            .get("versions")
            .and_then(Value::as_u64)
            .unwrap_or(1);
        let predicted: Vec<Value> = versions
            .iter()
            .map(|version| version.as_ref().map(content).unwrap_or_default())
            .collect();
        if let Some(reason) = differs("number of versions", &json!(count), &json!(predicted.len()))
        {
            return Some(reason);
        }
        let bodies = decision.get("bodies").and_then(Value::as_array)?;
        let recorded: Vec<Value> = bodies.iter().map(content).collect();
        return differs("history", &Value::Array(recorded), &Value::Array(predicted));
    }
    let predicted = reply.body.as_ref().map(content);
    let text = |name: &str| {
        decision
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let expected = match (decision.get("body"), text("interaction")) {
        (Some(body), _) => Some(content(body)),
        (None, "read") => original.map(content),
        (None, "create" | "update") => Some(content(input)),
        _ => None,
    };
    if let (Some(expected), Some(predicted)) = (&expected, &predicted)
        && let Some(reason) = differs("body", expected, predicted)
    {
        return Some(reason);
    }
    if let Some(stored) = decision.get("stored") {
        let predicted = reply.stored.as_ref().map(content).unwrap_or_default();
        if let Some(reason) = differs("stored resource", &content(stored), &predicted) {
            return Some(reason);
        }
    }
    if let (Some(recorded), Some(body)) = (decision.get("keys"), &reply.body)
        && let Some(reason) = differs("set of keys", recorded, &keys(body))
    {
        return Some(reason);
    }
    let recorded = decision.get("compartments")?;
    let mut recorded: Vec<&str> = recorded
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut predicted: Vec<&str> = reply
        .compartments
        .iter()
        .flatten()
        .map(String::as_str)
        .filter(|c| *c != PROJECT)
        .collect();
    recorded.sort_unstable();
    predicted.sort_unstable();
    differs("list of compartments", &json!(recorded), &json!(predicted))
}

/// What of a resource is compared: all but the id and what the server adds to `meta`.
fn content(resource: &Value) -> Value {
    let mut copy = without_empties(resource);
    if let Some(members) = copy.as_object_mut() {
        members.shift_remove("id");
        if let Some(meta) = members.get_mut("meta").and_then(Value::as_object_mut) {
            meta.retain(|name, _| {
                matches!(name.as_str(), "tag" | "security" | "profile" | "source")
            });
        }
        if members.get("meta").is_some_and(|meta| meta == &json!({})) {
            members.shift_remove("meta");
        }
    }
    copy
}

/// Whether there is an id, and which members of `meta` the answer has.
fn keys(body: &Value) -> Value {
    let meta = body.get("meta").and_then(Value::as_object).map(|meta| {
        let mut names: Vec<&String> = meta
            .keys()
            .filter(|name| {
                !matches!(
                    name.as_str(),
                    "project" | "author" | "account" | "accounts" | "compartment"
                )
            })
            .collect();
        names.sort_unstable();
        names
    });
    json!({ "id": body.get("id").is_some(), "meta": meta.filter(|names| !names.is_empty()) })
}

pub(super) fn recorded(decision: &Value) -> String {
    let status = decision
        .get("status")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    match decision.pointer("/issue/text").and_then(Value::as_str) {
        Some(text) => format!("{status} {text}"),
        None => status.to_string(),
    }
}

pub(super) fn short(reply: &Reply) -> String {
    match &reply.text {
        Some(text) => format!("{} {text}", reply.status),
        None => reply.status.to_string(),
    }
}
