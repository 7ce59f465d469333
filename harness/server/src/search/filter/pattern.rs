//! One alternative of a value, whatever the type of its parameter.

use std::ops::ControlFlow;

use fhirward_engine::values::date::{DatePattern, interval};
use fhirward_engine::values::number::NumberPattern;
use fhirward_engine::values::quantity::QuantityPattern;
use fhirward_engine::values::{BadValue, Prefix};
use fhirward_spec::{Component, Extracted, ParamType, SearchParam, spec};
use serde_json::Value;

use super::reference::{self, Reference};
use super::string::Text;
use super::text::Alternative;
use super::token::Token;
use super::uri::Uri;
use crate::search::index::{Narrow, Span};

/// What an element must be to match.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    Token(Token),
    Text(Text),
    Uri(Uri),
    Reference(Reference),
    Date {
        pattern: DatePattern,
        /// Where a time that matches must lie, if that can be said.
        span: Option<Span>,
    },
    Number(NumberPattern),
    Quantity(QuantityPattern),
    /// Each component must match within one element.
    Composite(Vec<(&'static Component, Pattern)>),
}

impl Pattern {
    /// Reads an alternative of a parameter without a modifier.
    pub(super) fn plain(
        parameter: &'static SearchParam,
        text: &Alternative,
        base: &str,
    ) -> Result<Self, BadValue> {
        match parameter.param_type {
            ParamType::Composite => Self::composite(parameter, text, base),
            kind => Self::of(
                kind,
                &parameter.program.data_types(),
                || reference::targets(parameter),
                text,
                base,
            ),
        }
    }

    fn of(
        kind: ParamType,
        types: &[&'static str],
        targets: impl FnOnce() -> Vec<&'static str>,
        text: &Alternative,
        base: &str,
    ) -> Result<Self, BadValue> {
        Ok(match kind {
            ParamType::Token => Self::Token(Token::plain(types, text)?),
            ParamType::String => Self::Text(Text::starts(&text.whole())?),
            ParamType::Uri => Self::Uri(Uri::is(text.whole())),
            ParamType::Reference => {
                Self::Reference(Reference::plain(targets(), &text.whole(), base)?)
            }
            ParamType::Date => {
                let text = text.whole();
                Self::Date {
                    pattern: DatePattern::parse(&text)?,
                    span: span(&text),
                }
            }
            ParamType::Number => Self::Number(NumberPattern::parse(&text.whole())?),
            ParamType::Quantity => Self::Quantity(QuantityPattern::parse(&text.parts())?),
            ParamType::Composite | ParamType::Special => {
                return Err(BadValue {
                    message: "belongs to a parameter without plain values".into(),
                    help: "use another parameter".into(),
                });
            }
        })
    }

    fn composite(
        parameter: &'static SearchParam,
        text: &Alternative,
        base: &str,
    ) -> Result<Self, BadValue> {
        let components = &parameter.components;
        if text.components.len() != components.len() {
            let names: Vec<&str> = components.iter().map(|c| &*c.code).collect();
            return Err(BadValue {
                message: format!("has {} parts, not {}", text.components.len(), names.len()),
                help: format!(
                    "write one value for each of {}, joined by `$`",
                    names.join(", ")
                ),
            });
        }
        let of_component = |(component, parts): (&'static Component, &Vec<String>)| {
            let alone = Alternative {
                components: vec![parts.clone()],
            };
            let pattern = Self::of(
                component.param_type,
                &component.program.data_types(),
                || spec().resource_types().collect(),
                &alone,
                base,
            )?;
            Ok((component, pattern))
        };
        components
            .iter()
            .zip(&text.components)
            .map(of_component)
            .collect::<Result<_, _>>()
            .map(Self::Composite)
    }

    /// Whether an element of a resource matches.
    pub(super) fn matches(&self, element: Extracted<'_>, resource: &Value, base: &str) -> bool {
        match self {
            Self::Token(token) => token.matches(element),
            Self::Text(text) => text.matches(element),
            Self::Uri(uri) => uri.matches(element),
            Self::Reference(reference) => reference.matches(element, base),
            Self::Date { pattern, .. } => pattern.matches(element),
            Self::Number(pattern) => pattern.matches(element),
            Self::Quantity(pattern) => pattern.matches(element),
            Self::Composite(components) => components.iter().all(|(component, pattern)| {
                let focus = if component.from_resource {
                    resource
                } else {
                    element.value
                };
                let found = component.program.each(focus, &mut |part| {
                    if pattern.matches(part, resource, base) {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                });
                found.is_break()
            }),
        }
    }

    /// Adds to what the index has to be asked for; `false` where it does not know.
    pub(super) fn narrow(&self, parameter: &'static SearchParam, into: &mut Narrow) -> bool {
        let keys = match self {
            Self::Token(token) => token.keys(parameter),
            Self::Text(text) => text.keys(parameter),
            Self::Uri(uri) => uri.keys(parameter),
            Self::Reference(reference) => reference.keys(parameter),
            Self::Date { span, .. } => {
                return match span {
                    Some(span) => {
                        into.spans.push((&parameter.code, *span));
                        true
                    }
                    None => false,
                };
            }
            Self::Number(_) | Self::Quantity(_) | Self::Composite(_) => None,
        };
        match keys {
            Some(keys) => {
                into.keys.extend(keys);
                true
            }
            None => false,
        }
    }
}

/// Where every stretch of time lies that a date with a prefix matches.
fn span(text: &str) -> Option<Span> {
    let (prefix, date) = Prefix::split(text);
    let wanted = interval(date)?;
    // The end of a stretch is not part of it.
    let last = wanted.high.map(|high| high - 1);
    let (begins, from, to) = match prefix {
        Prefix::NotEqual => return None,
        Prefix::Equal => (true, wanted.low, last),
        Prefix::Approximately => (false, wanted.low, last),
        Prefix::StartsAfter => (true, last, None),
        Prefix::Greater => (false, last, None),
        Prefix::GreaterOrEqual => (false, wanted.low, None),
        Prefix::Less | Prefix::LessOrEqual | Prefix::EndsBefore => (false, None, last),
    };
    Some(Span { begins, from, to })
}
