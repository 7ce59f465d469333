//! What a filter asks of a resource.

use std::ops::ControlFlow;

use fhirward_spec::{Component, Extracted, SearchParam, member};
use serde_json::Value;

use super::reading::{Reading, Slot};
use crate::compartment::{self, Inside};
use crate::values::date::DatePattern;
use crate::values::number::NumberPattern;
use crate::values::quantity::QuantityPattern;
use crate::values::reference::ReferencePattern;
use crate::values::string::StringPattern;
use crate::values::token::TokenPattern;
use crate::values::uri::UriPattern;

/// A filter without its words.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) subject: Subject,
    pub(super) test: Test,
    /// The FHIR base of this server, on which absolute references are local ones.
    pub(crate) base: Option<Box<str>>,
}

/// Constants, one of which a resource must have for a filter to pass.
#[derive(Debug)]
pub(crate) struct Key<'f> {
    pub(crate) constants: Vec<&'f str>,
    /// Whether having one of them is enough.
    pub(crate) enough: bool,
}

/// What of a resource a filter looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    Param(&'static SearchParam),
    Compartment,
}

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            // The tables hold each parameter of a type once.
            (Self::Param(one), Self::Param(another)) => std::ptr::eq(*one, *another),
            (Self::Compartment, Self::Compartment) => true,
            _ => false,
        }
    }
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
pub(crate) enum Pattern {
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

impl Probe {
    /// Whether a resource passes.
    pub(crate) fn matches(&self, resource: &Value) -> bool {
        match &self.test {
            Test::Some(patterns) => self.some(resource, patterns),
            Test::None(patterns) => !self.some(resource, patterns),
            Test::Missing(wanted) => self.absent(resource) == *wanted,
        }
    }

    /// The same of a resource that is being read; `slot` is the number of the probe's subject.
    pub(crate) fn passes<'r>(&'r self, reading: &mut Reading<'r>, slot: Slot) -> bool {
        match &self.test {
            Test::Some(patterns) => self.some_read(reading, slot, patterns),
            Test::None(patterns) => !self.some_read(reading, slot, patterns),
            Test::Missing(wanted) => {
                let absent = match self.subject {
                    Subject::Compartment => reading
                        .each_compartment(self.base.as_deref(), &mut |_, _| ControlFlow::Break(()))
                        .is_continue(),
                    Subject::Param(param) => reading.is_absent(slot, param),
                };
                absent == *wanted
            }
        }
    }

    /// The constants of a positive filter on references, tokens or compartments.
    pub(crate) fn key(&self) -> Option<Key<'_>> {
        let Test::Some(patterns) = &self.test else {
            return None;
        };
        let mut enough = true;
        let constants = patterns
            .iter()
            .map(|pattern| match pattern {
                Pattern::Reference(ReferencePattern::Literal(local)) => Some(&**local),
                Pattern::Compartment(name) => Some(&**name),
                Pattern::Token(token) => {
                    enough &= token.is_code_alone();
                    token.constant()
                }
                _ => None,
            })
            .collect::<Option<Vec<&str>>>()?;
        Some(Key { constants, enough })
    }

    /// The names of the top-level members that the probe reads, and whether it reads of each only
    /// where a reference points.
    pub(crate) fn members(&self, resource_type: &str) -> Vec<(&'static str, bool)> {
        match self.subject {
            Subject::Param(param) => members_of(param),
            Subject::Compartment => compartment::patient_params(resource_type)
                .flat_map(members_of)
                .chain([("id", false), ("meta", false)])
                .collect(),
        }
    }

    fn some(&self, resource: &Value, patterns: &[Pattern]) -> bool {
        let base = self.base.as_deref();
        match self.subject {
            Subject::Compartment => self.is_inside(resource, &|inside| {
                patterns.iter().any(
                    |pattern| matches!(pattern, Pattern::Compartment(wanted) if inside.is(wanted)),
                )
            }),
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

    /// Whether the resource is in a compartment that is wanted.
    fn is_inside(&self, resource: &Value, wanted: &dyn Fn(Inside<'_>) -> bool) -> bool {
        let kind = member(resource, "resourceType").and_then(Value::as_str);
        let params = compartment::patient_params(kind.unwrap_or_default());
        compartment::each(
            resource,
            params,
            self.base.as_deref(),
            &mut |inside| match wanted(inside) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            },
        )
        .is_break()
    }

    fn absent(&self, resource: &Value) -> bool {
        match self.subject {
            Subject::Compartment => !self.is_inside(resource, &|_| true),
            Subject::Param(param) => param.program.is_empty_on(resource),
        }
    }

    fn some_read<'r>(
        &'r self,
        reading: &mut Reading<'r>,
        slot: Slot,
        patterns: &[Pattern],
    ) -> bool {
        let base = self.base.as_deref();
        match self.subject {
            Subject::Compartment => reading
                .each_compartment(base, &mut |inside, _| {
                    let is_wanted = |pattern: &Pattern| matches!(pattern, Pattern::Compartment(wanted) if inside.is(wanted));
                    match patterns.iter().any(is_wanted) {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                })
                .is_break(),
            Subject::Param(param) => {
                let resource = reading.resource();
                if let [Pattern::Date(first), others @ ..] = patterns {
                    let holds = |time| {
                        let other = |pattern: &Pattern| matches!(pattern, Pattern::Date(date) if date.holds(time));
                        first.holds(time) || others.iter().any(other)
                    };
                    return reading
                        .some_time(slot, param, &holds)
                        .unwrap_or_else(|| self.some(resource, patterns));
                }
                match reading.values(slot, param) {
                    Some(values) => values.iter().any(|element| {
                        patterns
                            .iter()
                            .any(|pattern| pattern.matches(*element, resource, base))
                    }),
                    None => self.some(resource, patterns),
                }
            }
        }
    }
}

fn members_of(param: &'static SearchParam) -> Vec<(&'static str, bool)> {
    let outside = param
        .components
        .iter()
        .filter(|component| component.from_resource)
        .map(|component| &component.program);
    let mut members = Vec::new();
    for program in std::iter::once(&param.program).chain(outside) {
        let references = program.data_types() == ["Reference"];
        for path in program.member_paths() {
            if let Some(first) = path.first() {
                members.push((*first, references && path.len() == 1));
            }
        }
    }
    members
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
