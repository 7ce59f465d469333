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
use super::parse::{Filter, Operator, SearchRequest, search_param};

pub(crate) use string::{formatted, human_name, postal_address};
pub(crate) use token::{Token, tokens};

/// Whether the resource satisfies all filters.
pub fn matches(request: &SearchRequest, resource: &Value) -> bool {
    let resource_type = resource.get("resourceType").and_then(Value::as_str);
    resource_type == Some(&request.resource_type)
        && request
            .filters
            .iter()
            .all(|filter| matches_filter(&request.resource_type, filter, resource))
}

fn matches_filter(resource_type: &str, filter: &Filter, resource: &Value) -> bool {
    let Some(param) = search_param(resource_type, &filter.code) else {
        return false;
    };
    let values = extract::values(param, resource);
    match filter.operator {
        // Every value but the one word means the other thing.
        Operator::Missing => (filter.value == "false") != values.is_empty(),
        Operator::Present => (filter.value == "true") != values.is_empty(),
        _ => match param.param_type {
            ParamType::Reference => reference::matches(filter, &values),
            ParamType::Token => token::matches(filter, &values),
            ParamType::String | ParamType::Uri => string::matches(filter, &values),
            ParamType::Date => date::matches(filter, &values),
            ParamType::Number | ParamType::Quantity | ParamType::Composite | ParamType::Special => {
                false
            }
        },
    }
}
