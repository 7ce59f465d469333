//! `_id`, `_compartment` and `_project`: columns of UUIDs.

use serde_json::Value;

use super::{Outcome, Row, Truth, invalid_modifier};
use crate::medplum::compartments::is_uuid;
use crate::medplum::parse::{Filter, Operator, alternatives};

pub(super) fn resource_id(filter: &Filter, row: Row<'_>, any_id: bool) -> Outcome {
    let id = row.resource.get("id").and_then(Value::as_str);
    equality(filter, any_id, |wanted| id == Some(wanted))
}

/// Only the id counts, whatever type stands before it. `_project` asks for the project alone.
pub(super) fn compartment(filter: &Filter, row: Row<'_>, any_id: bool) -> Outcome {
    // Every resource has a project, and the project has a column of its own for this question alone.
    match (filter.code.as_str(), &filter.operator) {
        ("_project", Operator::Missing) => return Ok(Some(filter.value != "true")),
        ("_project", Operator::Present) => return Ok(Some(filter.value == "true")),
        _ => {}
    }
    let project = filter.code == "_project";
    equality(filter, any_id, |wanted| {
        row.compartments
            .iter()
            .filter(|c| !project || c.starts_with("Project/"))
            .any(|c| id_of(c) == Some(wanted))
    })
}

/// The compartment of an entry.
pub(super) fn in_compartment(row: Row<'_>, reference: &str) -> Truth {
    let wanted = id_of(reference);
    Some(wanted.is_some() && row.compartments.iter().any(|c| id_of(c) == wanted))
}

fn id_of(reference: &str) -> Option<&str> {
    reference.split('/').nth(1)
}

/// Equality with the last segment; what is no UUID is equal to nothing. Without regard to
/// modifiers other than `:not`, so `:missing` compares with its value.
fn equality(filter: &Filter, any_id: bool, mut is: impl FnMut(&str) -> bool) -> Outcome {
    if matches!(filter.operator, Operator::In | Operator::NotIn) {
        return invalid_modifier(&filter.operator, &filter.code);
    }
    let found = alternatives(&filter.value).iter().any(|wanted| {
        let wanted = wanted.rsplit('/').next().unwrap_or_default();
        (is_uuid(wanted) && is(&wanted.to_lowercase())) || (any_id && is(wanted))
    });
    Ok(Some(found != filter.operator.is_negated()))
}
