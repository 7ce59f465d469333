//! Tokens in memory: system and value, without regard to case.

use fhirward_spec::Extracted;
use serde_json::Value;

use crate::medplum::parse::{Filter, alternatives};

/// A system and a value that can be searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub system: Option<String>,
    pub value: Option<String>,
    /// A text or display, which is a value without system.
    pub is_text: bool,
}

/// The tokens of the selected values. The text of a concept and the display of a coding are values
/// without a system; a contact point's value is in lower case.
pub(crate) fn tokens(values: &[Extracted<'_>]) -> Vec<Token> {
    let mut all = Vec::new();
    for extracted in values {
        let value = extracted.value;
        match extracted.data_type {
            "Identifier" => {
                push_text(&mut all, value.get("type").and_then(|t| t.get("text")));
                push(&mut all, value.get("system"), value.get("value"));
            }
            "CodeableConcept" => {
                push_text(&mut all, value.get("text"));
                for coding in value
                    .get("coding")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                {
                    push_coding(&mut all, coding);
                }
            }
            "Coding" => push_coding(&mut all, value),
            "ContactPoint" => {
                let mut token = token(value.get("system"), value.get("value"));
                token.value = token.value.map(|v| v.to_lowercase());
                add(&mut all, token);
            }
            _ => add(
                &mut all,
                Token {
                    system: None,
                    value: plain(value),
                    is_text: false,
                },
            ),
        }
    }
    all
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.as_str().to_owned()),
        Value::Null => None,
        Value::Array(_) | Value::Object(_) => Some("[object Object]".to_owned()),
    }
}

fn push_coding(all: &mut Vec<Token>, coding: &Value) {
    push_text(all, coding.get("display"));
    push(all, coding.get("system"), coding.get("code"));
}

fn push_text(all: &mut Vec<Token>, text: Option<&Value>) {
    let mut token = token(None, text);
    token.is_text = true;
    if token.value.is_some() {
        add(all, token);
    }
}

fn push(all: &mut Vec<Token>, system: Option<&Value>, value: Option<&Value>) {
    add(all, token(system, value));
}

fn token(system: Option<&Value>, value: Option<&Value>) -> Token {
    let filled = |v: Option<&Value>| {
        v.and_then(Value::as_str)
            .filter(|t| !t.is_empty())
            .map(str::to_owned)
    };
    Token {
        system: filled(system),
        value: filled(value),
        is_text: false,
    }
}

fn add(all: &mut Vec<Token>, token: Token) {
    if token.system.is_some() || token.value.is_some() {
        all.push(token);
    }
}

/// Whether a token of the resource is one of those asked for. Modifiers other than `:not` are
/// without effect.
pub(super) fn matches(filter: &Filter, values: &[Extracted<'_>]) -> bool {
    let tokens = tokens(values);
    let found = alternatives(&filter.value)
        .iter()
        .any(|wanted| tokens.iter().any(|token| equals(token, wanted)));
    found != filter.operator.is_negated()
}

fn equals(token: &Token, wanted: &str) -> bool {
    let same = |have: Option<&String>, want: &str| {
        have.map(|h| h.to_lowercase()).unwrap_or_default() == want.to_lowercase()
    };
    let mut parts = wanted.split('|');
    let first = parts.next().unwrap_or_default();
    let Some(value) = parts.next() else {
        return token.value.is_some() && same(token.value.as_ref(), first);
    };
    match (first.is_empty(), value.is_empty()) {
        (true, true) => false,
        (true, false) => token.system.is_none() && same(token.value.as_ref(), value),
        (false, true) => same(token.system.as_ref(), first),
        (false, false) => same(token.system.as_ref(), first) && same(token.value.as_ref(), value),
    }
}
