//! A filter of a criteria or search, with its words.

use std::sync::Arc;

use fhirward_spec::Extracted;
use serde_json::Value;

use super::probe::{Probe, Subject};
use crate::compartment;
use crate::source::Span;

/// How many seen values a report lists.
const MAX_SEEN: usize = 12;
/// How many characters of a seen value a report keeps.
const MAX_SEEN_LENGTH: usize = 80;

/// One `param[:modifier]=value` of a criteria or search, compiled for one resource type.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The filter as written.
    pub text: Box<str>,
    /// Where it stands in its criteria.
    pub span: Span,
    pub(super) resolved: Box<str>,
    pub(crate) probe: Arc<Probe>,
}

/// What a filter saw, and whether that was enough.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FilterReport {
    /// The filter as written.
    pub filter: String,
    /// The filter with the values of its variables in place; empty when there are none.
    pub resolved: String,
    /// Where the filter stands in its criteria.
    pub span: Span,
    /// Whether the resource passes.
    pub matched: bool,
    /// The values that the filter looked at, shortened.
    pub seen: Vec<String>,
}

impl Filter {
    /// The code of the search parameter.
    pub fn code(&self) -> &str {
        match self.probe.subject {
            Subject::Param(param) => &param.code,
            Subject::Compartment => "_compartment",
        }
    }

    /// The filter with the values of its variables in place.
    pub fn resolved(&self) -> &str {
        if self.resolved.is_empty() {
            &self.text
        } else {
            &self.resolved
        }
    }

    /// Whether a resource of the filter's type passes.
    pub fn matches(&self, resource: &Value) -> bool {
        self.probe.matches(resource)
    }

    /// The same decision with the values that led to it.
    pub fn report(&self, resource: &Value) -> FilterReport {
        FilterReport {
            filter: self.text.to_string(),
            resolved: self.resolved.to_string(),
            span: self.span,
            matched: self.matches(resource),
            seen: self.seen(resource),
        }
    }

    fn seen(&self, resource: &Value) -> Vec<String> {
        let mut all = match self.probe.subject {
            Subject::Compartment => {
                compartment::compartments_of(resource, self.probe.base.as_deref())
            }
            Subject::Param(param) => {
                let elements = param.program.collect(resource);
                elements.into_iter().map(describe).collect()
            }
        };
        if all.len() > MAX_SEEN {
            let more = all.len() - MAX_SEEN;
            all.truncate(MAX_SEEN);
            all.push(format!("… and {more} more"));
        }
        all
    }
}

/// An element as a person would write it in a filter.
fn describe(element: Extracted<'_>) -> String {
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let pair = |value: &Value, code: &str| match (text(value, "system"), text(value, code)) {
        (Some(system), Some(code)) => format!("{system}|{code}"),
        (Some(system), None) => format!("{system}|"),
        (None, Some(code)) => code,
        (None, None) => "(no code)".to_owned(),
    };
    let value = element.value;
    let shown = match element.data_type {
        "Reference" => {
            text(value, "reference").unwrap_or_else(|| "(a reference without target)".to_owned())
        }
        "Coding" => pair(value, "code"),
        "CodeableConcept" => match value.get("coding").and_then(Value::as_array) {
            Some(codings) => codings
                .iter()
                .map(|c| pair(c, "code"))
                .collect::<Vec<_>>()
                .join(" "),
            None => "(no coding)".to_owned(),
        },
        "Identifier" | "ContactPoint" => pair(value, "value"),
        _ => match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        },
    };
    match shown.char_indices().nth(MAX_SEEN_LENGTH) {
        Some((cut, _)) => format!("{}…", shown.get(..cut).unwrap_or_default()),
        None => shown,
    }
}
