//! Names and addresses: a row for each, with a word index over its parts.

use serde_json::Value;

use super::column::Part;
use super::{Outcome, invalid_modifier};
use crate::medplum::memory::{human_name, postal_address};
use crate::medplum::parse::{Filter, Operator, alternatives};

pub(super) fn condition(part: Part, filter: &Filter, resource: &Value) -> Outcome {
    if matches!(filter.operator, Operator::In | Operator::NotIn) {
        return invalid_modifier(&filter.operator, &filter.code);
    }
    let rows = rows(part, resource);
    let found = alternatives(&filter.value).iter().any(|wanted| {
        rows.iter().any(|text| match filter.operator {
            Operator::Exact => text.as_deref() == Some(wanted.trim()),
            Operator::Contains => text
                .as_deref()
                .is_some_and(|t| t.to_lowercase().contains(&wanted.to_lowercase())),
            // `:missing` has no meaning of its own here: its value is looked for as a word.
            _ => has_words(text.as_deref(), wanted),
        })
    });
    Ok(Some(found != filter.operator.is_negated()))
}

/// The column of each name or address; `None` where the part is absent.
fn rows(part: Part, resource: &Value) -> Vec<Option<String>> {
    let member = match part {
        Part::Name | Part::Given | Part::Family => "name",
        _ => "address",
    };
    let text = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .map(|t| t.trim().to_owned())
    };
    let column = |value: &Value| match part {
        Part::Name => Some(human_name(value)),
        Part::Given => {
            let given: Vec<&str> = value
                .get("given")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            Some(given.join(" "))
        }
        Part::Family => Some(text(value, "family").unwrap_or_default()),
        Part::Address => Some(postal_address(value)),
        Part::City => text(value, "city"),
        Part::State => text(value, "state"),
        Part::PostalCode => text(value, "postalCode"),
        Part::Country => text(value, "country"),
        Part::Use => text(value, "use"),
    };
    let items: Vec<&Value> = match resource.get(member) {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(value @ Value::Object(_)) => vec![value],
        _ => Vec::new(),
    };
    items
        .into_iter()
        .filter(|value| has_row(value, member == "name"))
        .map(column)
        .collect()
}

/// A name or address of which no column would be filled has no row.
fn has_row(value: &Value, name: bool) -> bool {
    let filled = |part: &str| {
        value
            .get(part)
            .is_some_and(|v| v.as_str().is_none_or(|text| !text.trim().is_empty()))
    };
    if name {
        return !human_name(value).is_empty();
    }
    !postal_address(value).is_empty() || ["country", "use"].into_iter().any(filled)
}

/// Whether the text has a word that begins so, for each word of the value. A value without a word
/// matches every row.
fn has_words(text: Option<&str>, wanted: &str) -> bool {
    let wanted = words(wanted);
    if wanted.is_empty() {
        return true;
    }
    let Some(text) = text else { return false };
    let words = words(text);
    wanted
        .iter()
        .all(|prefix| words.iter().any(|word| word.starts_with(prefix.as_str())))
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}
