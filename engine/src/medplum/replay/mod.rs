//! Recorded answers of a server against predicted ones.
//!
//! A case is one JSON object: policies, a membership, resources, and decisions that a server made.
//! [`replay`] predicts each decision and says where the two sides differ, and why.

mod case;
mod compare;
mod symbols;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use case::{array, input, target_of, world};
use compare::{contradiction, difference, recorded, short};
use symbols::{with_symbols, with_uuids};

use super::accept;
use super::decide::Server;
use super::operation::{Operation, ResourceVersion};
use super::policy::assemble;
use super::reply::Answer;
use super::stored::without_empties;
use super::version::Features;

/// The id of what a decision creates.
const NEW: &str = "sid-new";

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

/// A case and what became of its decisions.
#[derive(Debug, Clone)]
pub struct ReplayedCase {
    /// The case's id.
    pub id: String,
    /// The case's category.
    pub category: String,
    /// The decisions, in order.
    pub decisions: Vec<Replayed>,
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
pub fn replay(line: &str) -> Result<ReplayedCase, BadCase> {
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
        return Ok(ReplayedCase {
            id,
            category,
            decisions: vec![stored_policy(&case, policy)],
        });
    }
    let Some(decisions) = case.get("decisions").and_then(Value::as_array) else {
        return Err(BadCase("a case has `decisions`".to_owned()));
    };
    let complete = |decision: &Value| {
        decision.get("interaction").is_some_and(Value::is_string)
            && decision.get("status").is_some_and(Value::is_u64)
    };
    if let Some(at) = decisions.iter().position(|decision| !complete(decision)) {
        return Err(BadCase(format!(
            "decision {at} has no `interaction` or no `status`"
        )));
    }
    let world = world(&case)?;
    let originals: BTreeMap<String, &Value> = array(&case, "resources")
        .map(|resource| (target_of(resource), resource))
        .collect();
    let empty = Value::Object(Map::new());
    let policies = case.get("policies").unwrap_or(&empty);
    let membership = case.get("membership").unwrap_or(&empty);
    let policy = assemble(membership, &|reference| policies.get(reference));
    let server = Server::new(policy, &world);
    let decisions = decisions
        .iter()
        .enumerate()
        .map(|(index, decision)| one(index, decision, &server, &originals))
        .collect();
    Ok(ReplayedCase {
        id,
        category,
        decisions,
    })
}

/// The other shape of a case: a policy that an administrator stores in a strict project.
fn stored_policy(case: &Value, policy: &Value) -> Replayed {
    let refusal = accept::refusal(policy, &Features::default());
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
    } else if let Some(reason) = contradiction(case) {
        reason
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
                .map_or(ResourceVersion::Current, ResourceVersion::Index),
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
