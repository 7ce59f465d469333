//! Recorded answers of a server against predicted ones.
//!
//! A case is one JSON object: policies, a membership, resources, and decisions that a server made.
//! [`replay`] predicts each decision and says where the two sides differ, and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::accept;
use super::compartments::set_meta;
use super::decide::{Answer, Operation, Reply, Server, Version};
use super::substitute::{assemble, without_empties};
use super::world::{Stored, World};

/// When the decisions were recorded; what is created or updated gets this time.
const NOW: &str = "2026-11-21T00:00:00.000Z";
/// The id of what a decision creates.
const NEW: &str = "sid-new";
/// The compartment of everything.
const PROJECT: &str = "Project/00000000-0000-4000-8000-0000000000ff";

/// How a recorded decision compares with the predicted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// Both say the same.
    Agreed,
    /// They differ.
    Disagreed,
    /// The rules do not predict this decision.
    Unknown,
}

/// One decision of a case.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// Its place in the case's list.
    pub index: usize,
    /// `read`, `search`, ….
    pub interaction: String,
    /// The resource, or the type of a search.
    pub target: String,
    /// How the two sides compare.
    pub comparison: Comparison,
    /// What the server answered, in short.
    pub recorded: String,
    /// What was predicted, in short.
    pub predicted: String,
    /// What differs, or why there is no prediction.
    pub reason: String,
}

/// A case that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCase(
    /// What is missing.
    pub String,
);

/// Predicts every decision of a case.
///
/// Symbolic ids (`sid-` and letters and two digits) stand for UUIDs and are treated as such.
///
/// # Errors
/// A text that is no case.
pub fn replay(line: &str) -> Result<(String, String, Vec<Replayed>), BadCase> {
    let case: Value = serde_json::from_str(&with_uuids(line))
        .map_err(|error| BadCase(format!("not JSON: {error}")))?;
    let text = |name: &str| {
        case.get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| BadCase(format!("a case has `{name}`")))
    };
    let (id, category) = (text("id")?, text("category")?);
    if let Some(policy) = case.get("policy") {
        return Ok((id, category, vec![stored_policy(&case, policy)]));
    }
    let Some(decisions) = case.get("decisions").and_then(Value::as_array) else {
        return Err(BadCase("a case has `decisions`".to_owned()));
    };
    let world = world(&case)?;
    let originals: BTreeMap<String, &Value> = array(&case, "resources")
        .map(|resource| (target_of(resource), resource))
        .collect();
    let empty = Value::Object(Map::new());
    let policies = case.get("policies").unwrap_or(&empty);
    let membership = case.get("membership").unwrap_or(&empty);
    let policy = assemble(membership, &|reference| policies.get(reference));
    let server = Server::new(policy, &world);
    let replayed = decisions
        .iter()
        .enumerate()
        .map(|(index, decision)| one(index, decision, &server, &originals))
        .collect();
    Ok((id, category, replayed))
}

/// The other shape of a case: a policy that an administrator stores in a strict project.
fn stored_policy(case: &Value, policy: &Value) -> Replayed {
    let refusal = accept::refusal(policy);
    let predicted: u64 = if refusal.is_some() { 400 } else { 201 };
    let recorded = case
        .get("status")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let list = |value: Option<&Value>| value.map(without_empties).unwrap_or_default();
    let expected = case.get("stored").or_else(|| policy.get("resource"));
    let differs = list(expected) != list(policy.get("resource"));
    let reason = if recorded != predicted {
        let text = refusal.map(|refusal| format!(" ({})", refusal.text));
        format!("the status differs{}", text.unwrap_or_default())
    } else if recorded == 201 && differs {
        "what is stored differs".to_owned()
    } else {
        String::new()
    };
    Replayed {
        index: 0,
        interaction: "create".to_owned(),
        target: "AccessPolicy".to_owned(),
        comparison: match reason.is_empty() {
            true => Comparison::Agreed,
            false => Comparison::Disagreed,
        },
        recorded: recorded.to_string(),
        predicted: predicted.to_string(),
        reason,
    }
}

fn world(case: &Value) -> Result<World, BadCase> {
    let mut world = World {
        project: PROJECT.to_owned(),
        now: NOW.to_owned(),
        lenient: case.get("strictMode") == Some(&Value::Bool(false)),
        ..World::default()
    };
    let strings = |member: &str, target: &str| -> Vec<String> {
        case.get(member)
            .map(|map| {
                array(map, target)
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
            })
            .into_iter()
            .flatten()
            .collect()
    };
    let deleted: Vec<&str> = array(case, "deleted").filter_map(Value::as_str).collect();
    let resources = case
        .get("resources")
        .and_then(Value::as_array)
        .ok_or_else(|| BadCase("a case has `resources`".to_owned()))?;
    for resource in resources {
        let target = target_of(resource);
        let mut compartments = vec![PROJECT.to_owned()];
        compartments.extend(strings("compartments", &target));
        let accounts = strings("accounts", &target);
        let complete = |resource: &Value| {
            let mut resource = resource.clone();
            let list = |all: &[String]| -> Vec<Value> {
                all.iter().map(|r| json!({ "reference": r })).collect()
            };
            if !accounts.is_empty() {
                set_meta(&mut resource, "accounts", Value::Array(list(&accounts)));
            }
            set_meta(
                &mut resource,
                "compartment",
                Value::Array(list(&compartments)),
            );
            let updated = resource.pointer("/meta/lastUpdated").is_some();
            if !updated {
                set_meta(&mut resource, "lastUpdated", Value::String(NOW.to_owned()));
            }
            set_meta(&mut resource, "versionId", Value::String("1".to_owned()));
            resource
        };
        let earlier = case
            .get("earlier")
            .map(|map| array(map, &target).map(complete).collect())
            .unwrap_or_default();
        let stored = Stored {
            resource: complete(resource),
            earlier,
            deleted: deleted.contains(&target.as_str()),
            compartments: compartments.clone(),
        };
        world.resources.insert(target, stored);
    }
    Ok(world)
}

fn one(
    index: usize,
    decision: &Value,
    server: &Server<'_>,
    originals: &BTreeMap<String, &Value>,
) -> Replayed {
    let text = |name: &str| {
        decision
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (interaction, target) = (text("interaction"), text("target"));
    let cached = decision.get("cached") == Some(&Value::Bool(true));
    let null = Value::Null;
    let input = input(decision.get("input"), target, interaction, originals);
    let id = with_uuids(NEW);
    let operation = match interaction {
        "read" => Some(Operation::Read { target }),
        "history" => Some(Operation::History { target }),
        "vread" => Some(Operation::Vread {
            target,
            version: decision
                .get("version")
                .and_then(Value::as_u64)
                .and_then(|v| usize::try_from(v).ok())
                .map_or(Version::Current, Version::Index),
        }),
        "search" => Some(Operation::Search {
            resource_type: text("type"),
        }),
        "create" => Some(Operation::Create {
            input: &input,
            id: &id,
        }),
        "update" => Some(Operation::Update {
            target,
            input: &input,
        }),
        "patch" => Some(Operation::Patch {
            target,
            patch: decision.get("patch").unwrap_or(&null),
        }),
        "delete" => Some(Operation::Delete { target }),
        _ => None,
    };
    let answer = match operation {
        Some(operation) => server.answer(&operation, cached),
        None => Answer::Unknown(format!("`{interaction}` is no interaction")),
    };
    let recorded = recorded(decision);
    let (comparison, predicted, reason) = match answer {
        Answer::Unknown(reason) => (Comparison::Unknown, "unknown".to_owned(), reason),
        Answer::Reply(reply) => {
            let predicted = short(&reply);
            match difference(decision, &reply, &input, originals.get(target).copied()) {
                None => (Comparison::Agreed, predicted, String::new()),
                Some(reason) => (Comparison::Disagreed, predicted, reason),
            }
        }
    };
    let target = match interaction {
        "search" => text("type"),
        "create" => input
            .get("resourceType")
            .and_then(Value::as_str)
            .unwrap_or_default(),
        _ => target,
    };
    Replayed {
        index,
        interaction: interaction.to_owned(),
        target: with_symbols(target),
        comparison,
        recorded: with_symbols(&recorded),
        predicted: with_symbols(&predicted),
        reason: with_symbols(&reason),
    }
}

/// The input of a write: a whole resource, or a copy with replaced elements.
fn input(
    described: Option<&Value>,
    target: &str,
    interaction: &str,
    originals: &BTreeMap<String, &Value>,
) -> Value {
    let Some(described) = described else {
        return Value::Null;
    };
    let mut input = match described.get("$from").and_then(Value::as_str) {
        None => described.clone(),
        Some(from) => {
            let mut copy = originals
                .get(from)
                .map(|r| (*r).clone())
                .unwrap_or_default();
            for (name, value) in described.as_object().into_iter().flatten() {
                let Some(members) = copy.as_object_mut() else {
                    break;
                };
                match value {
                    _ if name == "$from" => {}
                    Value::Null => {
                        members.shift_remove(name);
                    }
                    value => {
                        members.insert(name.clone(), value.clone());
                    }
                }
            }
            copy
        }
    };
    if let Some(members) = input.as_object_mut() {
        members.shift_remove("id");
        if interaction == "update" {
            let id = target.split('/').nth(1).unwrap_or_default();
            members.insert("id".to_owned(), Value::String(id.to_owned()));
        }
    }
    input
}

/// Where the two sides differ; `None` where they agree.
fn difference(
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

fn recorded(decision: &Value) -> String {
    let status = decision
        .get("status")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    match decision.pointer("/issue/text").and_then(Value::as_str) {
        Some(text) => format!("{status} {text}"),
        None => status.to_string(),
    }
}

fn short(reply: &Reply) -> String {
    match &reply.text {
        Some(text) => format!("{} {text}", reply.status),
        None => reply.status.to_string(),
    }
}

fn array<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn target_of(resource: &Value) -> String {
    let part = |name: &str| {
        resource
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    format!("{}/{}", part("resourceType"), part("id"))
}

/// Replaces every symbolic id by a UUID that spells it.
fn with_uuids(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("sid-") {
        result.push_str(before);
        let letters = after.bytes().take_while(u8::is_ascii_lowercase).count();
        let digits = after
            .bytes()
            .skip(letters)
            .take(2)
            .take_while(u8::is_ascii_digit)
            .count();
        let word = after.get(..letters).unwrap_or_default();
        let number = after.get(letters..letters + digits).unwrap_or_default();
        let symbol = letters > 0 && letters <= 5 && (digits == 2 || word == "new");
        if symbol {
            let number = if digits == 2 { number } else { "00" };
            let spelled: String = word.bytes().map(|b| format!("{b:02x}")).collect();
            let _ = write!(result, "{UUID}{spelled:0>10}{number}");
            rest = after.get(letters + digits..).unwrap_or_default();
        } else {
            result.push_str("sid-");
            rest = after;
        }
    }
    result.push_str(rest);
    result
}

/// How the UUIDs of symbolic ids begin.
const UUID: &str = "51d00000-0000-4000-8000-";

/// The reverse, for people.
fn with_symbols(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(UUID) {
        result.push_str(before);
        let spelled = after.get(..10).unwrap_or_default();
        let number = after.get(10..12).unwrap_or_default();
        result.push_str("sid-");
        for at in (0..10).step_by(2) {
            let pair = spelled.get(at..at + 2).unwrap_or_default();
            if let Ok(byte @ 1..) = u8::from_str_radix(pair, 16) {
                result.push(char::from(byte));
            }
        }
        result.push_str(number);
        rest = after.get(12..).unwrap_or_default();
    }
    result.push_str(rest);
    result
}
