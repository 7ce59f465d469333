//! Filters on a copy of the resource: cached reads, the checks around a write, the choice of field
//! rules.
//!
//! Everything unknown fails: an unknown parameter, a number, a quantity, a type that is not the
//! request's. So criteria for `*` never match here.

pub(crate) mod date;
pub(crate) mod reference;
mod string;
mod token;

use fhirward_spec::ParamType;
use serde_json::Value;

use super::extract;
use super::parameters::{Definitions, param_type, search_param};
use super::parse::{BadCriteria, Filter, Operator, SearchRequest};
use super::version::Features;

pub(crate) use string::{formatted, human_name, postal_address};
pub(crate) use token::{Token, tokens};

/// Whether the resource satisfies all filters.
///
/// # Errors
/// A date of the resource that has no moment.
pub fn matches(
    request: &SearchRequest,
    resource: &Value,
    features: &Features,
) -> Result<bool, BadCriteria> {
    let resource_type = resource.get("resourceType").and_then(Value::as_str);
    if resource_type != Some(&request.resource_type) {
        return Ok(false);
    }
    for filter in &request.filters {
        if !matches_filter(&request.resource_type, filter, resource, features)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the resource satisfies one filter.
///
/// # Errors
/// A date of the resource that has no moment.
pub(super) fn matches_filter(
    resource_type: &str,
    filter: &Filter,
    resource: &Value,
    features: &Features,
) -> Result<bool, BadCriteria> {
    let Some(param) = search_param(resource_type, &filter.code, features) else {
        return Ok(false);
    };
    let mut values = extract::values(param, resource);
    if features.definitions >= Definitions::V5_1_23 {
        extract::cast(param, &mut values);
    }
    if values.is_empty() && extract::has_extensions(param, resource) {
        values.push(extract::bare_primitive());
    }
    let exists = !values.is_empty();
    Ok(match filter.operator {
        // Every value but the one word means the other thing.
        Operator::Missing => (filter.value == "false") == exists,
        Operator::Present => (filter.value == "true") == exists,
        _ => match param_type(param) {
            ParamType::Reference => reference::matches(filter, param, &values, features),
            ParamType::Token => token::matches(filter, &values),
            ParamType::String | ParamType::Uri => string::matches(filter, &values),
            ParamType::Date => date::matches(filter, &values)
                .map_err(|_| BadCriteria("Invalid time value".to_owned()))?,
            ParamType::Number | ParamType::Quantity | ParamType::Composite | ParamType::Special => {
                false
            }
        },
    })
}
