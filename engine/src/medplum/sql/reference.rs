//! Reference columns: equal text.

use fhirward_spec::Extracted;

use super::{Outcome, invalid_modifier};
use crate::medplum::memory::reference::searchable;
use crate::medplum::parse::{Filter, Operator, alternatives};

pub(super) fn condition(filter: &Filter, values: &[Extracted<'_>], array: bool) -> Outcome {
    if matches!(filter.operator, Operator::In | Operator::NotIn) {
        return invalid_modifier(&filter.operator, &filter.code);
    }
    let completes = matches!(filter.code.as_str(), "subject" | "patient");
    let wanted: Vec<String> = alternatives(&filter.value)
        .into_iter()
        .map(|value| match completes && !value.contains('/') {
            true => format!("Patient/{value}"),
            false => value,
        })
        .collect();
    let stored = searchable(values);
    let negated = filter.operator.is_negated();
    if array {
        let found = stored.iter().any(|s| wanted.contains(s));
        return Ok(Some(found != negated));
    }
    // Without a reference the comparison is NULL, and so is its negation.
    Ok(stored.first().map(|s| wanted.contains(s) != negated))
}
