//! Columns of codes and URIs: exact text, without systems.

use fhirward_spec::Extracted;

use super::Outcome;
use crate::medplum::memory;
use crate::medplum::parse::{Filter, alternatives};

pub(super) fn condition(filter: &Filter, values: &[Extracted<'_>], array: bool) -> Outcome {
    let stored = values.iter().filter_map(|v| memory::formatted(*v));
    let stored: Vec<String> = stored.take(if array { usize::MAX } else { 1 }).collect();
    let wanted = alternatives(&filter.value);
    // One value is compared by a distinctness that knows NULL; a list of them by IN, which does not.
    if stored.is_empty() && !array && wanted.len() > 1 {
        return Ok(None);
    }
    let found = wanted.iter().any(|w| stored.contains(w));
    Ok(Some(found != filter.operator.is_negated()))
}
