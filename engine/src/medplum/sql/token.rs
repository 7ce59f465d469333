//! Token columns: hashes of `system|code`, `system|`, `|code` and `code`, compared exactly; texts
//! for `:text` and `:contains`.

use fhirward_spec::{Extracted, SearchParam};
use serde_json::Value;

use super::{Outcome, Truth, invalid_modifier};
use crate::medplum::memory::{Token, tokens};
use crate::medplum::parse::{Filter, Operator, alternatives};

pub(super) fn condition(
    resource_type: &str,
    param: &SearchParam,
    filter: &Filter,
    values: &[Extracted<'_>],
) -> Outcome {
    let tokens = stored(values);
    // Telephone numbers and mail addresses are compared in lower case, and are texts as well.
    let contact = matches!(&*param.code, "telecom" | "phone" | "email");
    let value = match contact {
        true => filter.value.to_lowercase(),
        false => filter.value.clone(),
    };
    match filter.operator {
        Operator::Text | Operator::Contains => {
            let found = alternatives(&filter.value)
                .iter()
                .any(|wanted| text_contains(&tokens, wanted, contact));
            Ok(Some(found))
        }
        Operator::Missing => Ok(Some((filter.value == "true") == tokens.is_empty())),
        Operator::Present => Ok(Some((filter.value == "true") != tokens.is_empty())),
        Operator::In | Operator::NotIn | Operator::Above | Operator::Below | Operator::OfType => {
            invalid_modifier(&filter.operator, &identifier(resource_type, param))
        }
        _ => {
            let found = contains(&tokens, &value);
            Ok(Some(found != filter.operator.is_negated()))
        }
    }
}

/// `:identifier` on any parameter: the identifiers of the references that it selects.
pub(super) fn by_identifier(value: &str, values: &[Extracted<'_>]) -> Truth {
    let identifiers: Vec<Extracted<'_>> = values
        .iter()
        .filter_map(|extracted| extracted.value.get("identifier"))
        .filter(|value| value.is_object())
        .map(|value: &Value| Extracted {
            value,
            data_type: "Identifier",
        })
        .collect();
    Some(contains(&stored(&identifiers), value))
}

fn contains(tokens: &[Token], value: &str) -> bool {
    alternatives(value)
        .iter()
        .any(|wanted| tokens.iter().any(|token| equals(token, wanted.trim())))
}

fn stored(values: &[Extracted<'_>]) -> Vec<Token> {
    let trimmed =
        |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    tokens(values)
        .into_iter()
        .map(|token| Token {
            system: trimmed(token.system),
            value: trimmed(token.value),
            is_text: token.is_text,
        })
        .filter(|token| token.system.is_some() || token.value.is_some())
        .collect()
}

fn equals(token: &Token, wanted: &str) -> bool {
    let (system, value) = (token.system.as_deref(), token.value.as_deref());
    match wanted.split_once('|') {
        None => value == Some(wanted),
        // A text has a system that nobody can ask for.
        Some(("", wanted)) => system.is_none() && !token.is_text && value == Some(wanted),
        Some((wanted, "")) => system == Some(wanted),
        Some((s, v)) => system == Some(s) && value == Some(v),
    }
}

fn text_contains(tokens: &[Token], wanted: &str, all: bool) -> bool {
    let wanted = wanted.trim().to_lowercase();
    tokens
        .iter()
        .filter(|t| all || t.is_text)
        .filter_map(|t| t.value.as_deref())
        .any(|text| text.to_lowercase().contains(&wanted))
}

/// The id of the parameter, which the error text names.
fn identifier(resource_type: &str, param: &SearchParam) -> String {
    if param.code.starts_with('_') {
        return param.code.to_string();
    }
    format!("{resource_type}-{}", param.code)
}
