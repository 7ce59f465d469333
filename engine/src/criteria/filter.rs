//! A filter that is ready to be asked of a resource.

use std::ops::ControlFlow;

use fhirward_spec::{Component, Extracted, SearchParam};
use serde_json::Value;

use crate::compartment;
use crate::source::Span;
use crate::values::date::DatePattern;
use crate::values::number::NumberPattern;
use crate::values::quantity::QuantityPattern;
use crate::values::reference::ReferencePattern;
use crate::values::string::StringPattern;
use crate::values::token::TokenPattern;
use crate::values::uri::UriPattern;

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
    pub(super) subject: Subject,
    pub(super) test: Test,
    pub(super) base: Option<Box<str>>,
}

/// Constants, one of which a resource must have for a filter to pass.
#[derive(Debug)]
pub(crate) struct Key<'f> {
    pub(crate) param: &'static SearchParam,
    pub(crate) base: Option<&'f str>,
    pub(crate) constants: Vec<&'f str>,
}

/// What of a resource a filter looks at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject {
    Param(&'static SearchParam),
    Compartment,
}

/// What it asks of that.
#[derive(Debug, Clone)]
pub(super) enum Test {
    /// Some value matches some pattern.
    Some(Vec<Pattern>),
    /// No value matches any pattern (`:not`).
    None(Vec<Pattern>),
    /// The element is absent (`true`) or there (`false`).
    Missing(bool),
}

/// One alternative.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    Token(TokenPattern),
    Reference(ReferencePattern),
    String(StringPattern),
    Uri(UriPattern),
    Date(DatePattern),
    Number(NumberPattern),
    Quantity(QuantityPattern),
    Compartment(Box<str>),
    Composite(Vec<(&'static Component, Self)>),
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
        match self.subject {
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
        match &self.test {
            Test::Some(patterns) => self.some(resource, patterns),
            Test::None(patterns) => !self.some(resource, patterns),
            Test::Missing(wanted) => self.absent(resource) == *wanted,
        }
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

    /// The constants of a positive reference or token filter.
    pub(crate) fn key(&self) -> Option<Key<'_>> {
        let (Subject::Param(param), Test::Some(patterns)) = (self.subject, &self.test) else {
            return None;
        };
        let constants = patterns
            .iter()
            .map(|pattern| match pattern {
                Pattern::Reference(ReferencePattern::Literal(local)) => Some(&**local),
                Pattern::Token(token) => token.constant(),
                _ => None,
            })
            .collect::<Option<Vec<&str>>>()?;
        Some(Key {
            param,
            base: self.base.as_deref(),
            constants,
        })
    }

    fn some(&self, resource: &Value, patterns: &[Pattern]) -> bool {
        let base = self.base.as_deref();
        match self.subject {
            Subject::Compartment => {
                let inside = compartment::compartments_of(resource, base);
                patterns.iter().any(|pattern| {
                    matches!(pattern, Pattern::Compartment(wanted)
                        if inside.iter().any(|c| *c == **wanted))
                })
            }
            Subject::Param(param) => param
                .program
                .each(resource, &mut |element| {
                    if patterns
                        .iter()
                        .any(|pattern| pattern.matches(element, resource, base))
                    {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                })
                .is_break(),
        }
    }

    fn absent(&self, resource: &Value) -> bool {
        match self.subject {
            Subject::Compartment => {
                compartment::compartments_of(resource, self.base.as_deref()).is_empty()
            }
            Subject::Param(param) => param.program.is_empty_on(resource),
        }
    }

    fn seen(&self, resource: &Value) -> Vec<String> {
        let mut all = match self.subject {
            Subject::Compartment => compartment::compartments_of(resource, self.base.as_deref()),
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

impl Pattern {
    fn matches(&self, element: Extracted<'_>, resource: &Value, base: Option<&str>) -> bool {
        match self {
            Self::Token(pattern) => pattern.matches(element),
            Self::Reference(pattern) => pattern.matches(element, base),
            Self::String(pattern) => pattern.matches(element),
            Self::Uri(pattern) => pattern.matches(element),
            Self::Date(pattern) => pattern.matches(element),
            Self::Number(pattern) => pattern.matches(element),
            Self::Quantity(pattern) => pattern.matches(element),
            // Compartments are no elements.
            Self::Compartment(_) => false,
            Self::Composite(components) => components.iter().all(|(component, pattern)| {
                let focus = if component.from_resource {
                    resource
                } else {
                    element.value
                };
                component
                    .program
                    .each(focus, &mut |part| {
                        if pattern.matches(part, resource, base) {
                            ControlFlow::Break(())
                        } else {
                            ControlFlow::Continue(())
                        }
                    })
                    .is_break()
            }),
        }
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
