//! Chains (`sender:Practitioner.name`) and `_has`: conditions on other resources, which the policy
//! does not filter.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Backend, Fault, Outcome, Row, refused};
use crate::medplum::extract;
use crate::medplum::memory::reference::searchable;
use crate::medplum::parameters::search_param;
use crate::medplum::parse::{self, Filter};
use crate::medplum::world::Stored;

pub(super) fn condition(
    resource_type: &str,
    filter: &Filter,
    row: Row<'_>,
    world: Backend<'_>,
) -> Outcome {
    let found = match filter.code.strip_prefix("_has:") {
        Some(reverse) => has(resource_type, reverse, &filter.value, row, world)?,
        None => follow(resource_type, &filter.code, &filter.value, row, world)?,
    };
    Ok(Some(found))
}

/// `link.link.parameter`, each link a reference parameter, with the type after a colon where the
/// parameter has several.
fn follow(
    resource_type: &str,
    chain: &str,
    value: &str,
    row: Row<'_>,
    world: Backend<'_>,
) -> Result<bool, Fault> {
    let mut kind = resource_type;
    let mut rest = chain;
    let mut rows = vec![row];
    while let Some((link, after)) = rest.split_once('.') {
        let (code, named) = match link.split_once(':') {
            Some((code, kind)) => (code, Some(kind)),
            None => (link, None),
        };
        let Some(param) = search_param(kind, code, world.features) else {
            return refused(format!("Invalid search parameter in chain: {kind}?{code}"));
        };
        let target = match (named, &*param.targets) {
            (Some(kind), _) => kind,
            (None, [only]) => only,
            (None, _) => {
                return refused(format!(
                    "Unable to identify next resource type for search parameter: {kind}?{code}"
                ));
            }
        };
        let references: BTreeSet<String> = rows
            .iter()
            .flat_map(|row| searchable(&extract::values(param, row.resource)))
            .collect();
        rows = of_type(world, target)
            .filter(|(reference, _)| references.contains(*reference))
            .map(|(_, stored)| row_of(stored))
            .collect();
        (kind, rest) = (target, after);
    }
    // The query is built, and may be refused, whatever is stored.
    last(kind, rest, value, probe(&empty(kind)), world)?;
    let mut found = false;
    for row in rows {
        found |= last(kind, rest, value, row, world)?;
    }
    Ok(found)
}

/// `Type:reference:parameter`: some resource of the type refers to this one and satisfies the rest.
fn has(
    resource_type: &str,
    reverse: &str,
    value: &str,
    row: Row<'_>,
    world: Backend<'_>,
) -> Result<bool, Fault> {
    let parts: Vec<&str> = reverse.splitn(3, ':').collect();
    let [kind, code, rest] = parts.as_slice() else {
        return Err(Fault::Unknown(format!(
            "`_has:{reverse}` is not understood"
        )));
    };
    if rest.starts_with("_has") || rest.contains('.') {
        return Err(Fault::Unknown(format!("`_has:{reverse}` is nested")));
    }
    let Some(param) = search_param(kind, code, world.features) else {
        return refused(format!("Invalid search parameter in chain: {kind}?{code}"));
    };
    let id = row
        .resource
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let this = format!("{resource_type}/{id}");
    last(kind, rest, value, probe(&empty(kind)), world)?;
    let mut found = false;
    for (_, stored) in of_type(world, kind) {
        let refers = searchable(&extract::values(param, &stored.resource)).contains(&this);
        found |= refers && last(kind, rest, value, row_of(stored), world)?;
    }
    Ok(found)
}

fn last(
    resource_type: &str,
    key: &str,
    value: &str,
    row: Row<'_>,
    world: Backend<'_>,
) -> Result<bool, Fault> {
    let filter = parse::filter(resource_type, key, value.to_owned(), world.features)
        .map_err(|bad| Fault::Refused(bad.0))?;
    match filter {
        Some(filter) => Ok(super::condition(resource_type, &filter, row, world)? == Some(true)),
        None => Err(Fault::Unknown(format!("a chain that ends in `{key}`"))),
    }
}

fn of_type<'w>(
    world: Backend<'w>,
    kind: &str,
) -> impl Iterator<Item = (&'w String, &'w Stored)> + use<'w> {
    let prefix = format!("{kind}/");
    world
        .world
        .resources
        .iter()
        .filter(move |(reference, stored)| reference.starts_with(&prefix) && !stored.deleted)
}

fn row_of(stored: &Stored) -> Row<'_> {
    Row {
        resource: &stored.resource,
        compartments: &stored.compartments,
        deleted: false,
    }
}

fn empty(kind: &str) -> Value {
    serde_json::json!({ "resourceType": kind })
}

fn probe(resource: &Value) -> Row<'_> {
    Row {
        resource,
        compartments: &[],
        deleted: false,
    }
}
