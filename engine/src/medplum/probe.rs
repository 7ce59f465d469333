//! What each filter of each entry says, in memory and in the database, one by one.

use serde_json::Value;

use super::memory;
use super::parameters::search_param;
use super::parse::{BadCriteria, Filter, parse};
use super::policy::{AccessPolicy, Entry};
use super::sql::{self, Fault, Row};
use super::world::{Stored, World};
use crate::policy::Interaction;

/// An entry that a request for the type meets.
#[derive(Debug, Clone)]
pub struct ProbedEntry<'p> {
    /// Its place among the entries.
    pub index: usize,
    /// The entry.
    pub entry: &'p Entry,
    /// Whether it allows the interaction.
    pub allows: bool,
    /// Its filters, or why its criteria cannot be read.
    pub filters: Result<Vec<ProbedFilter>, BadCriteria>,
}

/// A filter and what it says.
#[derive(Debug, Clone)]
pub struct ProbedFilter {
    /// The filter.
    pub filter: Filter,
    /// In memory.
    pub memory: Result<bool, BadCriteria>,
    /// In the database; `None` is NULL.
    pub database: Result<Option<bool>, Fault>,
}

/// Probes the entries that are about the type of a resource.
pub fn probe<'p>(
    policy: &'p AccessPolicy,
    interaction: Interaction,
    stored: &Stored,
    world: &World,
) -> Vec<ProbedEntry<'p>> {
    let resource = &stored.resource;
    let kind = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let entries = policy.entries.iter().enumerate();
    let concerned = entries
        .filter(|(_, entry)| entry.covers(kind, &policy.features) || entry.resource_type == "*");
    let one = |(index, entry): (usize, &'p Entry)| ProbedEntry {
        index,
        entry,
        allows: entry.allows(interaction),
        filters: filters(policy, entry, kind, stored, world),
    };
    concerned.map(one).collect()
}

fn filters(
    policy: &AccessPolicy,
    entry: &Entry,
    kind: &str,
    stored: &Stored,
    world: &World,
) -> Result<Vec<ProbedFilter>, BadCriteria> {
    let features = &policy.features;
    let Some(criteria) = &entry.criteria else {
        return Ok(Vec::new());
    };
    // The database reads criteria for `*` with the type that is asked for.
    let typed = match criteria.strip_prefix("*?") {
        Some(query) => format!("{kind}?{query}"),
        None => criteria.clone(),
    };
    let row = Row {
        resource: &stored.resource,
        compartments: &stored.compartments,
        deleted: false,
    };
    let request = parse(&typed, features)?;
    let probed = request.filters.into_iter().map(|filter| ProbedFilter {
        memory: memory::matches_filter(kind, &filter, &stored.resource, features),
        database: sql::truth(kind, &filter, row, world, features),
        filter,
    });
    Ok(probed.collect())
}

/// The type of the search parameter of a filter, where the type has it.
pub fn kind_of(
    policy: &AccessPolicy,
    resource_type: &str,
    filter: &Filter,
) -> Option<fhirward_spec::ParamType> {
    search_param(resource_type, &filter.code, &policy.features).map(super::parameters::param_type)
}
