//! Strings and URIs in memory: the formatted value contains the text, without regard to case.

use fhirward_spec::Extracted;
use serde_json::Value;

use crate::medplum::parse::{Filter, alternatives};

/// Whether a value of the resource contains one of the texts asked for.
pub(super) fn matches(filter: &Filter, values: &[Extracted<'_>]) -> bool {
    let stored: Vec<String> = values
        .iter()
        .filter_map(|v| formatted(*v))
        .map(|text| text.to_lowercase())
        .collect();
    let found = alternatives(&filter.value).iter().any(|wanted| {
        let wanted = wanted.to_lowercase();
        stored.iter().any(|text| text.contains(&wanted))
    });
    found != filter.operator.is_negated()
}

/// The text that a value is searched as; `None` where it is empty.
pub(crate) fn formatted(extracted: Extracted<'_>) -> Option<String> {
    let value = extracted.value;
    let text = match (extracted.data_type, value) {
        ("HumanName", _) => human_name(value),
        ("Address", _) => postal_address(value),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Bool(truth)) => truth.to_string(),
        (_, Value::Number(number)) => number.as_str().to_owned(),
        ("ContactPoint", _) => member(value, "value"),
        (_, Value::Null) => String::new(),
        (_, Value::Array(_) | Value::Object(_)) => "[object Object]".to_owned(),
    };
    Some(text).filter(|t| !t.is_empty())
}

/// `prefix given family suffix`, or the text where there is none of them.
pub(crate) fn human_name(name: &Value) -> String {
    let mut parts = list(name, "prefix");
    parts.extend(list(name, "given"));
    parts.extend(Some(member(name, "family")).filter(|f| !f.is_empty()));
    parts.extend(list(name, "suffix"));
    if parts.is_empty() {
        return member(name, "text");
    }
    parts.join(" ").trim().to_owned()
}

/// The lines, and `city, state, postal code`, in one line.
pub(crate) fn postal_address(address: &Value) -> String {
    let mut parts = list(address, "line");
    let place: Vec<String> = ["city", "state", "postalCode"]
        .into_iter()
        .map(|name| member(address, name))
        .filter(|text| !text.is_empty())
        .collect();
    if !place.is_empty() {
        parts.push(place.join(", "));
    }
    parts.join(", ").trim().to_owned()
}

fn member(value: &Value, name: &str) -> String {
    value
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn list(value: &Value, name: &str) -> Vec<String> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
