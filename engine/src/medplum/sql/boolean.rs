//! Boolean columns.

use fhirward_spec::Extracted;

use super::{Outcome, invalid_modifier, refused};
use crate::medplum::parse::{Filter, Operator};

pub(super) fn condition(filter: &Filter, values: &[Extracted<'_>]) -> Outcome {
    if matches!(filter.operator, Operator::In | Operator::NotIn) {
        return invalid_modifier(&filter.operator, &filter.code);
    }
    let wanted = match filter.value.as_str() {
        "true" => true,
        "false" => false,
        _ => return refused("Boolean search value must be 'true' or 'false'"),
    };
    let stored = values.first().and_then(|v| v.value.as_bool());
    Ok(match (stored, filter.operator.is_negated()) {
        (stored, true) => Some(stored != Some(wanted)),
        (Some(stored), false) => Some(stored == wanted),
        (None, false) => None,
    })
}
