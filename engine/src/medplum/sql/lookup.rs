//! Names and addresses: a row for each, with a word index over its parts.

use serde_json::Value;

use super::column::Part;
use super::{Fault, Outcome, invalid_modifier};
use crate::medplum::memory::{human_name, postal_address};
use crate::medplum::parse::{Filter, Operator, alternatives};

pub(super) fn condition(part: Part, filter: &Filter, resource: &Value) -> Outcome {
    if matches!(filter.operator, Operator::In | Operator::NotIn) {
        return invalid_modifier(&filter.operator, &filter.code);
    }
    let rows = rows(part, resource);
    let by_words = !matches!(filter.operator, Operator::Exact | Operator::Contains);
    if by_words && let Some(text) = rows.iter().flatten().find(|text| is_ambiguous(text)) {
        return Err(Fault::Unknown(format!(
            "how the database splits `{text}` into words is not modelled"
        )));
    }
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

/// The words that the database's parser finds: runs of letters and digits. A hyphenated word is one
/// word as a whole and in its parts; a hyphen before digits that follow digits is their sign.
fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for chunk in text.split(|c: char| !c.is_alphanumeric() && c != '-') {
        let chunk = chunk.trim_end_matches('-').to_lowercase();
        let is_number = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        let parts: Vec<&str> = chunk.split('-').filter(|part| !part.is_empty()).collect();
        let Some((first, rest)) = parts.split_first() else {
            continue;
        };
        if is_number(first) {
            let sign = if chunk.starts_with('-') { "-" } else { "" };
            all.push(format!("{sign}{first}"));
            all.extend(rest.iter().map(|part| match is_number(part) {
                true => format!("-{part}"),
                false => (*part).to_owned(),
            }));
            continue;
        }
        if !rest.is_empty() {
            all.push(parts.join("-"));
        }
        all.extend(parts.into_iter().map(str::to_owned));
    }
    all
}

/// Whether the database's parser may see one word (a host, a path, a decimal) where [`words`] sees
/// two.
fn is_ambiguous(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    chars.windows(3).any(|three| {
        matches!(three, [before, '.' | '/' | '@', after]
            if before.is_alphanumeric() && after.is_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::prefix("Alice Smith", "ali", true)]
    #[case::any_order("Alice Smith", "smith alice", true)]
    #[case::not_inside("Alice Smith", "mith", false)]
    #[case::no_word("Alice Smith", "%", true)]
    #[case::apostrophe("Kim O'Neill", "neill", true)]
    #[case::hyphenated("Smith-Jones", "jones", true)]
    #[case::hyphenated_prefix("Smith-Jones", "smith-jo", true)]
    #[case::hyphenated_other_order("Smith-Jones", "jones-smith", false)]
    #[case::hyphenated_asked_only("Smith Jones", "smith-jones", false)]
    #[case::sign("12-14 High St", "14", false)]
    #[case::range("12-14 High St", "12-14", true)]
    #[case::letters_beyond_ascii("Åkesson", "åk", true)]
    fn s5_2_words(#[case] text: &str, #[case] wanted: &str, #[case] expected: bool) {
        assert_eq!(has_words(Some(text), wanted), expected);
    }
}
