//! Reference columns: equal text.

use fhirward_spec::{Extracted, SearchParam};

use super::{Outcome, invalid_modifier};
use crate::medplum::compartments::is_uuid;
use crate::medplum::memory::reference::searchable;
use crate::medplum::parameters::single_target;
use crate::medplum::parse::{Filter, Operator, alternatives};
use crate::medplum::version::Features;

pub(super) fn condition(
    filter: &Filter,
    param: &SearchParam,
    values: &[Extracted<'_>],
    array: bool,
    features: &Features,
) -> Outcome {
    if matches!(filter.operator, Operator::In | Operator::NotIn) {
        return invalid_modifier(&filter.operator, &filter.code);
    }
    let canonical = values.iter().any(|v| v.value.is_string());
    let single = single_target(param).filter(|_| features.bare_ref_in_sql && !canonical);
    let completes = matches!(filter.code.as_str(), "subject" | "patient");
    let wanted: Vec<String> = alternatives(&filter.value)
        .into_iter()
        .map(|value| match single {
            _ if value.contains('/') => value,
            Some(target) if is_uuid(&value) => format!("{target}/{value}"),
            _ if completes => format!("Patient/{value}"),
            _ => value,
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
