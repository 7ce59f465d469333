//! Where a recorded and a predicted answer differ.

use std::collections::BTreeMap;
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
            let _: std::fmt::Result = write!(reason, " (predicted: {text})");
        }
        return Some(reason);
    }
    if let Some(reason) = contradiction(decision) {
        return Some(reason);
    }
    if reply.status >= 400 {
        return of_refusals(decision, reply);
    }
    if let Some(found) = &reply.found {
        return of_searches(decision, found);
    }
    if let Some(versions) = &reply.versions {
        return of_histories(decision, versions);
    }
    of_bodies(decision, reply, input, original)
        .or_else(|| of_what_is_stored(decision, reply))
        .or_else(|| of_keys(decision, reply))
        .or_else(|| of_compartments(decision, reply))
}

fn differs(what: &str, recorded: &Value, predicted: &Value) -> Option<String> {
    (recorded != predicted)
        .then(|| format!("the {what} differs: recorded {recorded}, predicted {predicted}"))
}

fn of_refusals(decision: &Value, reply: &Reply) -> Option<String> {
    let recorded = decision.pointer("/issue/code")?.as_str()?;
    let predicted = reply.code?;
    (predicted != recorded).then(|| format!("the issue differs: recorded `{recorded}`"))
}

/// By `Type/id`, what is found.
fn of_searches(decision: &Value, found: &BTreeMap<String, Value>) -> Option<String> {
    let predicted: Vec<&String> = found.keys().collect();
    let recorded = array(decision, "visible").filter_map(Value::as_str);
    let recorded = sorted(recorded);
    let bodies = || {
        let bodies = decision.get("bodies").and_then(Value::as_object);
        bodies.into_iter().flatten().find_map(|(target, body)| {
            let predicted = found.get(target).map(content).unwrap_or_default();
            differs("body", &content(body), &predicted)
        })
    };
    differs("result", &json!(recorded), &json!(predicted)).or_else(bodies)
}

/// The versions, of which a deletion has no content.
fn of_histories(decision: &Value, versions: &[Option<Value>]) -> Option<String> {
    let count = decision
        .get("versions")
        .and_then(Value::as_u64)
        .unwrap_or(1);
    let bodies = || {
        let bodies = decision.get("bodies").and_then(Value::as_array)?;
        let recorded: Vec<Value> = bodies.iter().map(content).collect();
        let predicted = versions.iter();
        let predicted = predicted.map(|version| version.as_ref().map(content).unwrap_or_default());
        let predicted: Vec<Value> = predicted.collect();
        differs("history", &Value::Array(recorded), &Value::Array(predicted))
    };
    let predicted = json!(versions.len());
    differs("number of versions", &json!(count), &predicted).or_else(bodies)
}

/// Where no body was recorded, a read shows what there was and a write what was sent.
fn of_bodies(
    decision: &Value,
    reply: &Reply,
    input: &Value,
    original: Option<&Value>,
) -> Option<String> {
    let interaction = decision.get("interaction").and_then(Value::as_str);
    let expected = match (decision.get("body"), interaction) {
        (Some(body), _) => content(body),
        (None, Some("read")) => content(original?),
        (None, Some("create" | "update")) => content(input),
        _ => return None,
    };
    differs("body", &expected, &content(reply.body.as_ref()?))
}

fn of_what_is_stored(decision: &Value, reply: &Reply) -> Option<String> {
    let recorded = decision.get("stored")?;
    let predicted = reply.stored.as_ref().map(content).unwrap_or_default();
    differs("stored resource", &content(recorded), &predicted)
}

fn of_keys(decision: &Value, reply: &Reply) -> Option<String> {
    let recorded = decision.get("keys")?;
    differs("set of keys", recorded, &keys(reply.body.as_ref()?))
}

fn of_compartments(decision: &Value, reply: &Reply) -> Option<String> {
    let recorded = decision.get("compartments")?.as_array();
    let recorded = sorted(recorded.into_iter().flatten().filter_map(Value::as_str));
    let predicted = reply.compartments.iter().flatten().map(String::as_str);
    let predicted = sorted(predicted.filter(|compartment| *compartment != PROJECT));
    differs("list of compartments", &json!(recorded), &json!(predicted))
}

fn sorted<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut texts: Vec<&str> = texts.collect();
    texts.sort_unstable();
    texts
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
