//! A criteria: built from what the resource holds, then changed.

use std::fmt::Write;

use fhirward_spec::{Extracted, ParamType, SearchParam, spec};
use serde_json::Value;

use crate::pools;
use crate::random::Random;
use crate::resource;

/// The text of a criteria for an entry on `resource_type`.
pub fn criteria(random: &mut Random, resource_type: &str, resource: &Value) -> String {
    let mut text = match random.below(80) {
        0 => format!("R4/{resource_type}"),
        1 => resource_type.to_lowercase(),
        2 => resource::any_kind(random).to_owned(),
        3 => format!("/{resource_type}/"),
        _ => resource_type.to_owned(),
    };
    if random.chance(1) {
        return text;
    }
    text.push('?');
    let mut pairs: Vec<String> = Vec::new();
    for _ in 0..=random.below(20) / 15 {
        pairs.push(pair(random, resource));
    }
    if random.chance(3)
        && let Some(first) = pairs.first().cloned()
    {
        pairs.push(first);
    }
    text.push_str(&pairs.join("&"));
    match random.below(60) {
        0 => text.push('&'),
        1 => text.push_str("?_id=x"),
        2 => text.push_str("#x"),
        _ => {}
    }
    text
}

fn pair(random: &mut Random, resource: &Value) -> String {
    if random.chance(6) {
        return random.word(&pools::ODD_PAIRS).to_owned();
    }
    let kind = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut params: Vec<&SearchParam> = spec().search_params(kind).collect();
    // Few types have numbers, so they would hardly be asked for.
    if random.chance(10) {
        let measured: Vec<&SearchParam> = params
            .iter()
            .copied()
            .filter(|p| matches!(p.param_type, ParamType::Number | ParamType::Quantity))
            .collect();
        if !measured.is_empty() {
            params = measured;
        }
    }
    // Mostly those that read something in this resource.
    if random.chance(85) {
        let filled: Vec<&SearchParam> = params
            .iter()
            .copied()
            .filter(|param| !param.program.collect(resource).is_empty())
            .collect();
        if !filled.is_empty() {
            params = filled;
        }
    }
    let Some(param) = random.pick(&params).copied() else {
        return random.word(&pools::ODD_PAIRS).to_owned();
    };
    if random.chance(1) {
        let value = random.word(&pools::IDS);
        return format!("_project={value}");
    }
    let mut key = param.code.to_string();
    if random.chance(2) {
        key = key.to_uppercase();
    }
    let mut value = value(random, param, resource);
    if random.chance(20) {
        let modifier = random.word(&pools::MODIFIERS);
        key = format!("{key}:{modifier}");
        if matches!(modifier, "missing" | "present") && random.chance(90) {
            value = random
                .word(&["true", "true", "false", "false", "TRUE", "1", ""])
                .to_owned();
        }
    }
    format!("{}={}", encode(random, &key, 2), encode(random, &value, 6))
}

fn value(random: &mut Random, param: &SearchParam, resource: &Value) -> String {
    let values = param.program.collect(resource);
    let mut alternatives = Vec::new();
    for _ in 0..=random.below(20) / 16 {
        let extracted = random.pick(&values).copied().filter(|_| random.chance(93));
        let mut text = match extracted {
            Some(extracted) => derived(random, param.param_type, extracted),
            None => pooled(random, param.param_type),
        };
        if matches!(
            param.param_type,
            ParamType::Date | ParamType::Number | ParamType::Quantity
        ) && random.chance(50)
        {
            text = format!("{}{text}", random.word(&pools::PREFIXES));
        }
        if random.chance(12) {
            text = changed(random, &text);
        }
        alternatives.push(text);
    }
    alternatives.join(",")
}

/// A value that the element should satisfy, more or less.
fn derived(random: &mut Random, kind: ParamType, extracted: Extracted<'_>) -> String {
    let value = extracted.value;
    let text = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    match kind {
        ParamType::Token => {
            let coding = value
                .get("coding")
                .and_then(Value::as_array)
                .and_then(|codings| random.pick(codings))
                .unwrap_or(value);
            let code = [text(coding, "code"), text(coding, "value")].concat();
            match random.below(9) {
                0 => text(value, "text"),
                1 => text(coding, "display"),
                2 => format!("{}|", text(coding, "system")),
                3 => format!("|{code}"),
                4 => format!("{}|{code}", text(coding, "system")),
                5 => format!("{}|{code}|x", text(coding, "system")),
                _ if !code.is_empty() => code,
                _ => plain(value),
            }
        }
        ParamType::Reference => {
            let whole = match value {
                Value::String(text) => text.clone(),
                value => text(value, "reference"),
            };
            match random.below(6) {
                0 => whole.rsplit('/').next().unwrap_or_default().to_owned(),
                1 => {
                    let identifier = value.get("identifier").unwrap_or(value);
                    let system = match text(identifier, "system") {
                        system if system.is_empty() => "undefined".to_owned(),
                        system => system,
                    };
                    format!("identifier:{system}|{}", text(identifier, "value"))
                }
                _ => whole,
            }
        }
        ParamType::String | ParamType::Uri => {
            let mut leaves = Vec::new();
            collect(value, &mut leaves);
            let leaf = random.pick(&leaves).cloned().unwrap_or_default();
            match random.below(5) {
                0 => leaf.chars().take(3).collect(),
                1 => leaf.chars().skip(1).collect(),
                _ => leaf,
            }
        }
        ParamType::Date => {
            let side = random.word(&["start", "end"]);
            let whole = match value {
                Value::String(text) => text.clone(),
                value => text(value, side),
            };
            let length = random.pick(&[4, 7, 10, 10, 16, 40]).copied().unwrap_or(10);
            whole.chars().take(length).collect()
        }
        _ => plain(value.get("value").unwrap_or(value)),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => String::new(),
    }
}

fn collect(value: &Value, leaves: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, leaves)),
        Value::Object(members) => members.values().for_each(|item| collect(item, leaves)),
        Value::String(text) => leaves.push(text.clone()),
        _ => {}
    }
}

fn pooled(random: &mut Random, kind: ParamType) -> String {
    match kind {
        ParamType::Token => match random.below(5) {
            0 => format!(
                "{}|{}",
                random.word(&pools::SYSTEMS),
                random.word(&pools::CODES)
            ),
            1 => random.word(&["true", "false", "TRUE", "|", ""]).to_owned(),
            _ => random.word(&pools::CODES).to_owned(),
        },
        ParamType::Reference => match random.below(4) {
            0 => random.word(&pools::IDS).to_owned(),
            1 => random.word(&pools::URIS).to_owned(),
            _ => resource::literal(random, &[]),
        },
        ParamType::String => random.word(&pools::TEXTS).to_owned(),
        ParamType::Uri => random.word(&pools::URIS).to_owned(),
        ParamType::Date => random.word(&pools::DATES).to_owned(),
        _ => random.word(&pools::NUMBERS).to_owned(),
    }
}

fn changed(random: &mut Random, text: &str) -> String {
    match random.below(10) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        2 => String::new(),
        3 => format!("{text}x"),
        4 => format!("x{text}"),
        5 => text.chars().skip(1).collect(),
        6 => format!("Patient/{text}"),
        7 => text.replace(['/', '|'], "\\$"),
        8 => format!("{text},"),
        _ => text.chars().rev().collect(),
    }
}

/// As a query string has it, mostly; sometimes with escapes that are not needed, sometimes without
/// those that are.
fn encode(random: &mut Random, text: &str, careless: usize) -> String {
    if random.chance(careless) {
        return text.to_owned();
    }
    let eager = random.chance(10);
    let plus = random.chance(50);
    let mut encoded = String::new();
    for c in text.chars() {
        match c {
            ' ' if plus => encoded.push('+'),
            '&' | '+' | '%' | '#' | '?' | ' ' => escape(&mut encoded, c),
            c if eager && random.chance(30) => escape(&mut encoded, c),
            c => encoded.push(c),
        }
    }
    encoded
}

fn escape(into: &mut String, c: char) {
    let mut bytes = [0; 4];
    for byte in c.encode_utf8(&mut bytes).bytes() {
        // Writing to a text does not fail.
        let _ = write!(into, "%{byte:02x}");
    }
}
