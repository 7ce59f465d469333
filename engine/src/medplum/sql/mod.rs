//! The policy as the condition of a database query: search, and every read that misses the cache.
//!
//! The condition is put together from the criteria of **all** entries for the type; before 5.1.1
//! whatever their interactions. It fails open where criteria do not begin with their entry's type, and it fails
//! as a whole (400) where a single filter of a single entry cannot be translated.

mod boolean;
mod chain;
mod column;
mod date;
mod expression;
mod id;
mod lookup;
mod number;
mod reference;
mod string;
mod text;
mod token;

use serde_json::Value;

use super::extract;
use super::parameters::search_param;
use super::parse::{Filter, Operator, SearchRequest, parse};
use super::policy::AccessPolicy;
use super::version::Features;
use super::world::World;
use crate::policy::Interaction;
use column::Column;

/// What a database row holds of a resource.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The resource; of a deleted one only type, id and `meta.lastUpdated`.
    pub resource: &'a Value,
    /// The compartments, `Type/id`.
    pub compartments: &'a [String],
    /// Whether the resource is deleted.
    pub deleted: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The query is refused while it is built: 400 with this text.
    Refused(String),
    /// The database refuses to run the query: 400 with this text.
    Database(String),
    /// The rules here do not say; with the reason.
    Unknown(String),
}

/// What conditions are asked of.
#[derive(Clone, Copy)]
struct Backend<'w> {
    world: &'w World,
    features: &'w Features,
}

/// A condition of SQL: true, false or NULL.
type Truth = Option<bool>;
type Outcome = Result<Truth, Fault>;

fn refused<T>(text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Refused(text.into()))
}

fn invalid_modifier<T>(operator: &Operator, name: &str) -> Result<T, Fault> {
    refused(format!(
        "Invalid modifier :{} for {name}",
        operator.as_str()
    ))
}

fn not(truth: Truth) -> Truth {
    truth.map(|t| !t)
}

fn any(truths: impl IntoIterator<Item = Truth>) -> Truth {
    let mut result = Some(false);
    for truth in truths {
        match truth {
            Some(true) => return Some(true),
            Some(false) => {}
            None => result = None,
        }
    }
    result
}

fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
    not(any(truths.into_iter().map(not)))
}

/// Whether the policy's condition selects the row.
///
/// # Errors
/// The query cannot be built or run, or the rules here do not say what it finds.
pub fn selects(
    policy: &AccessPolicy,
    interaction: Interaction,
    row: Row<'_>,
    world: &World,
) -> Result<bool, Fault> {
    let features = &policy.features;
    let world = Backend { world, features };
    let resource_type = row
        .resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if resource_type == "Binary" {
        return Ok(true);
    }
    let mut conditions = Vec::new();
    let mut deferred = None;
    for entry in &policy.entries {
        let concerned = match features.sql_honours_interaction {
            true => entry.covers(resource_type, features) && entry.allows(interaction),
            false => entry.resource_type == resource_type || entry.resource_type == "*",
        };
        if !concerned {
            continue;
        }
        if let Some(compartment) = &entry.compartment {
            conditions.push(id::in_compartment(row, compartment));
            continue;
        }
        let Some(criteria) = &entry.criteria else {
            return Ok(true);
        };
        let Some(query) = criteria
            .strip_prefix(entry.resource_type.as_str())
            .filter(|rest| rest.starts_with('?'))
        else {
            // The server logs a warning and asks without any policy.
            return Ok(true);
        };
        let request = parse(&format!("{resource_type}{query}"), features)
            .map_err(|bad| Fault::Refused(bad.0))?;
        match conjunction(&request, row, world) {
            Ok(condition) => conditions.extend(condition),
            // The database complains only about the finished query.
            Err(fault @ (Fault::Database(_) | Fault::Unknown(_))) => {
                deferred = deferred.or(Some(fault));
            }
            Err(fault) => return Err(fault),
        }
    }
    if let Some(fault) = deferred {
        return Err(fault);
    }
    // Criteria of result parameters only contribute nothing; without any condition all is found.
    Ok(conditions.is_empty() || any(conditions) == Some(true))
}

/// What one filter finds in a row: `None` for NULL.
///
/// # Errors
/// As [`selects`].
pub(super) fn truth(
    resource_type: &str,
    filter: &Filter,
    row: Row<'_>,
    world: &World,
    features: &Features,
) -> Result<Option<bool>, Fault> {
    condition(resource_type, filter, row, Backend { world, features })
}

/// All filters of a request; `None` when there are none.
fn conjunction(
    request: &SearchRequest,
    row: Row<'_>,
    world: Backend<'_>,
) -> Result<Option<Truth>, Fault> {
    let mut truths = Vec::new();
    let mut deferred = None;
    for filter in &request.filters {
        match condition(&request.resource_type, filter, row, world) {
            Ok(truth) => truths.push(truth),
            Err(fault @ Fault::Refused(_)) => return Err(fault),
            Err(fault) => deferred = deferred.or(Some(fault)),
        }
    }
    match deferred {
        Some(fault) => Err(fault),
        None if truths.is_empty() => Ok(None),
        None => Ok(Some(all(truths))),
    }
}

/// One filter.
fn condition(resource_type: &str, filter: &Filter, row: Row<'_>, world: Backend<'_>) -> Outcome {
    let asks_others = filter.code.starts_with("_has:") || filter.code.contains('.');
    if world.world.partial && (asks_others || filter.code == "_filter") {
        return Err(Fault::Unknown(format!(
            "`{}` asks for more than this resource",
            filter.code
        )));
    }
    if asks_others {
        return chain::condition(resource_type, filter, row, world);
    }
    match filter.code.as_str() {
        "_id" => return id::resource_id(filter, row, world.world.partial),
        "_lastUpdated" => return date::last_updated(filter, row),
        "_compartment" | "_project" => return id::compartment(filter, row, world.world.partial),
        "_deleted" => return Ok(Some((filter.value == "true") == row.deleted)),
        "priority-order" if search_param(resource_type, &filter.code, world.features).is_some() => {
            return number::priority_order(filter, row.resource);
        }
        "_filter" => return expression::condition(resource_type, &filter.value, row, world),
        _ => {}
    }
    let Some(param) = search_param(resource_type, &filter.code, world.features) else {
        return refused(format!("Unknown search parameter: {}", filter.code));
    };
    if (resource_type, filter.code.as_str()) == ("MeasureReport", "period") {
        return Err(Fault::Unknown(
            "`MeasureReport?period` has a column of ranges, which is not modelled".to_owned(),
        ));
    }
    if !world.features.in_not_in_rejected
        && matches!(filter.operator, Operator::In | Operator::NotIn)
    {
        return Err(Fault::Unknown(format!(
            "what a server before 5.0 finds by `{}:{}` is not known",
            filter.code,
            filter.operator.as_str()
        )));
    }
    let values = extract::values(param, row.resource);
    if !world.features.null_not && filter.operator.is_negated() && values.is_empty() {
        // The comparison is NULL, and so is its negation.
        return Ok(None);
    }
    if filter.operator == Operator::Identifier {
        return Ok(token::by_identifier(&filter.value, &values));
    }
    let column = Column::of(resource_type, param);
    match &column {
        Column::Token => return token::condition(resource_type, param, filter, &values),
        Column::Lookup(part) => return lookup::condition(*part, filter, row.resource),
        _ => {}
    }
    match filter.operator {
        Operator::Missing => {
            let null = column.is_null(&values);
            return Ok(Some((filter.value == "true") == null));
        }
        Operator::Present => {
            let null = column.is_null(&values);
            return Ok(Some((filter.value == "true") != null));
        }
        _ => {}
    }
    match column {
        Column::Boolean => boolean::condition(filter, &values),
        Column::Text { array } => text::condition(filter, &values, array),
        Column::String { array } => string::condition(filter, &values, array),
        Column::Reference { array } => {
            reference::condition(filter, param, &values, array, world.features)
        }
        Column::Date => date::condition(filter, &values, true),
        Column::DateTime => date::condition(filter, &values, false),
        Column::Number { integer } => number::condition(filter, &values, integer),
        Column::Quantity { array } => number::quantity(filter, &values, array),
        Column::Token | Column::Lookup(_) => Err(Fault::Unknown("no column".to_owned())),
    }
}
