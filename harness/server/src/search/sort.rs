//! `_sort`: by the values of search parameters.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::http::StatusCode;
use fhirward_engine::values::date::{Moment, stretch};
use fhirward_engine::words::nearest;
use fhirward_spec::{Extracted, ParamType, SearchParam, spec};
use serde_json::Value;

use crate::http::outcome::{Failure, Issue};
use crate::store::Version;

/// One key of `_sort`.
#[derive(Debug)]
pub(crate) struct SortKey {
    pub(crate) code: Box<str>,
    pub(crate) descending: bool,
    /// The parameter of each type that is searched.
    parameters: Vec<(&'static str, &'static SearchParam)>,
}

impl SortKey {
    /// Reads `_sort=a,-b`.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub(crate) fn parse_all(types: &[&'static str], value: &str) -> Result<Vec<Self>, Failure> {
        value
            .split(',')
            .map(|key| Self::parse(types, key))
            .collect()
    }

    fn parse(types: &[&'static str], key: &str) -> Result<Self, Failure> {
        let (descending, code) = key
            .strip_prefix('-')
            .map_or((false, key), |code| (true, code));
        let parameters = types
            .iter()
            .map(|kind| Ok((*kind, Self::parameter(kind, code)?)))
            .collect::<Result<_, Failure>>()?;
        Ok(Self {
            code: code.into(),
            descending,
            parameters,
        })
    }

    /// Whether it is `_lastUpdated`.
    pub(crate) fn is_last_update(&self) -> bool {
        &*self.code == "_lastUpdated"
    }

    fn parameter(resource_type: &str, code: &str) -> Result<&'static SearchParam, Failure> {
        let Some(parameter) = spec().search_param(resource_type, code) else {
            let reason = match nearest(code, spec().search_params(resource_type).map(|parameter| &*parameter.code)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`_sort` takes search parameters of the type, with `-` before one for descending".to_owned(),
            };
            let issue = Issue::error(
                "invalid",
                format!("`{code}` of `_sort` is not a search parameter of {resource_type}"),
            );
            return Err(Failure::new(
                StatusCode::BAD_REQUEST,
                vec![issue.with_diagnostics(reason)],
            ));
        };
        if matches!(
            parameter.param_type,
            ParamType::Composite | ParamType::Special
        ) {
            return Err(Failure::not_supported(
                format!("{resource_type} cannot be sorted by `{code}`"),
                "composite and special parameters have no order",
            ));
        }
        Ok(parameter)
    }

    /// The value to sort by: of several the first in the direction of the sort.
    fn value(&self, version: &Version) -> Option<SortValue> {
        // Several writes may share a millisecond; which came first is known all the same.
        if self.is_last_update() {
            return Some(SortValue::Moment(version.sequence.into()));
        }
        let (_, parameter) = self
            .parameters
            .iter()
            .find(|(kind, _)| **kind == *version.resource_type)?;
        let values = parameter.program.collect(&version.resource).into_iter();
        let values = values
            .filter_map(|value| SortValue::read(parameter.param_type, value, self.descending));
        if self.descending {
            values.max_by(SortValue::compare)
        } else {
            values.min_by(SortValue::compare)
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum SortValue {
    Moment(Moment),
    Number(f64),
    Text(String),
}

impl SortValue {
    fn read(param_type: ParamType, extracted: Extracted<'_>, descending: bool) -> Option<Self> {
        let value = extracted.value;
        match param_type {
            ParamType::Date => {
                let stretch = stretch(extracted)?;
                // An open side reaches as far as the other known end tells.
                let (near, far) = if descending {
                    (stretch.high, stretch.low)
                } else {
                    (stretch.low, stretch.high)
                };
                near.or(far).map(Self::Moment)
            }
            ParamType::Number | ParamType::Quantity => number(value).map(Self::Number),
            ParamType::String => words(value).map(|text| Self::Text(text.to_lowercase())),
            // What is printed beside a reference may be hidden where the reference is not.
            ParamType::Reference => {
                let text = match value {
                    Value::Object(members) => members.get("reference")?.as_str(),
                    text => text.as_str(),
                };
                text.map(|text| Self::Text(text.to_owned()))
            }
            _ => code(value).map(|text| Self::Text(text.to_owned())),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Moment(a), Self::Moment(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            // One parameter gives values of one kind.
            _ => Ordering::Equal,
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Object(members) => ["value", "low", "high"]
            .iter()
            .find_map(|name| members.get(*name))
            .and_then(number),
        _ => None,
    }
}

/// A string as people sort it: a name by family, then given; an address by its line.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let words: Vec<String> = items.iter().filter_map(words).collect();
            (!words.is_empty()).then(|| words.join(" "))
        }
        Value::Object(members) => {
            let parts: Vec<String> = [
                "family",
                "given",
                "text",
                "line",
                "city",
                "state",
                "postalCode",
                "country",
            ]
            .iter()
            .filter_map(|name| members.get(*name).and_then(words))
            .collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        }
        _ => None,
    }
}

/// The code, identifier or URI of an element.
fn code(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
        Value::Number(number) => Some(number.as_str()),
        Value::Array(items) => items.iter().find_map(code),
        Value::Object(members) => ["coding", "code", "value", "text", "display"]
            .iter()
            .find_map(|name| members.get(*name).and_then(code)),
        Value::Null => None,
    }
}

/// A resource with the values it is sorted by.
#[derive(Debug)]
pub(crate) struct Sorted {
    version: Arc<Version>,
    values: Vec<Option<SortValue>>,
}

impl Sorted {
    pub(crate) fn new(version: Arc<Version>, keys: &[SortKey]) -> Self {
        let values = keys.iter().map(|key| key.value(&version)).collect();
        Self { version, values }
    }

    /// The order of two resources. Without a value: last ascending, and so first descending.
    /// Equal in every key: in the order of creation, which does not change between two runs of
    /// the same story as random ids would.
    pub(crate) fn compare(&self, other: &Self, keys: &[SortKey]) -> Ordering {
        for ((a, b), key) in self.values.iter().zip(&other.values).zip(keys) {
            let order = match (a, b) {
                (Some(a), Some(b)) => a.compare(b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            };
            let order = if key.descending {
                order.reverse()
            } else {
                order
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        self.version.created.cmp(&other.version.created)
    }

    pub(crate) fn version(&self) -> &Version {
        &self.version
    }

    pub(crate) fn into_version(self) -> Arc<Version> {
        self.version
    }
}
