//! What a filter asks of a resource.

use std::ops::ControlFlow;

use fhirward_spec::{Component, Extracted, SearchParam};
use serde_json::Value;

use super::reader::{Anew, Reader, Slot};
use super::refers::Refers;
use crate::compartment;
use crate::values::date::DatePattern;
use crate::values::number::NumberPattern;
use crate::values::quantity::QuantityPattern;
use crate::values::reference::{self, ReferencePattern};
use crate::values::string::StringPattern;
use crate::values::token::TokenPattern;
use crate::values::uri::UriPattern;

/// A filter without its words.
#[derive(Debug, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// Some value matches some pattern.
    Some(Vec<Pattern>),
    /// No value matches any pattern (`:not`).
    None(Vec<Pattern>),
    /// The element is absent (`true`) or there (`false`).
    Missing(bool),
}

/// One alternative.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pattern {
    Token(TokenPattern),
    /// `Type/id` on this server.
    Local(Box<str>),
    Reference(ReferencePattern),
    String(StringPattern),
    Uri(UriPattern),
    Date(DatePattern),
    Number(NumberPattern),
    Quantity(QuantityPattern),
    Compartment(Box<str>),
    /// A compartment of any type with this id.
    CompartmentId(Box<str>),
    Composite(Vec<(&'static Component, Self)>),
}

impl Probe {
    /// Whether a resource passes.
    pub(crate) fn matches(&self, resource: &Value) -> bool {
        self.passes(&mut Anew::of(resource), Slot(0))
    }

    /// The same of a resource that is being read; `slot` is the number of the probe's subject.
    pub(crate) fn passes<'r>(&'r self, reader: &mut impl Reader<'r>, slot: Slot) -> bool {
        match &self.test {
            Test::Some(patterns) => self.some(reader, slot, patterns),
            Test::None(patterns) => !self.some(reader, slot, patterns),
            Test::Missing(wanted) => {
                let absent = match self.subject {
                    Subject::Compartment => reader
                        .each_compartment(self.base.as_deref(), |_, _| ControlFlow::Break(()))
                        .is_continue(),
                    Subject::Param(param) => reader.is_absent(slot, param),
                };
                absent == *wanted
            }
        }
    }

    /// The same question, if it is only whether a member refers to one resource of this server.
    pub(crate) fn refers(&self) -> Option<Refers> {
        let (Subject::Param(param), Test::Some(patterns)) = (self.subject, &self.test) else {
            return None;
        };
        let [Pattern::Local(local)] = patterns.as_slice() else {
            return None;
        };
        let (member, _) = param.program.as_member()?;
        Some(Refers {
            member,
            local: local.clone(),
            base: self.base.clone(),
        })
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
                Pattern::Local(local) | Pattern::Reference(ReferencePattern::Literal(local)) => {
                    Some(&**local)
                }
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

    /// Whether reading its subject again costs less than keeping what was read.
    pub(crate) fn reads_quickly(&self) -> bool {
        let is_quick = |pattern: &Pattern| {
            matches!(
                pattern,
                Pattern::Local(_) | Pattern::Reference(_) | Pattern::Token(_)
            )
        };
        match (&self.subject, &self.test) {
            (Subject::Compartment, _) => false,
            (_, Test::Some(patterns) | Test::None(patterns)) => patterns.iter().all(is_quick),
            (_, Test::Missing(_)) => true,
        }
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

    #[inline]
    fn some<'r>(&'r self, reader: &mut impl Reader<'r>, slot: Slot, patterns: &[Pattern]) -> bool {
        let base = self.base.as_deref();
        let resource = reader.resource();
        match (self.subject, patterns) {
            (Subject::Compartment, patterns) => reader
                .each_compartment(base, |inside, _| {
                    let is_wanted = |pattern: &Pattern| match pattern {
                        Pattern::Compartment(wanted) => inside.is(wanted),
                        Pattern::CompartmentId(id) => inside.has_id(id),
                        _ => false,
                    };
                    match patterns.iter().any(is_wanted) {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                })
                .is_break(),
            // What most filters ask for is asked for without looking at what it is each time.
            (Subject::Param(param), [Pattern::Local(local)]) => {
                reader.some(slot, param, |value| is_to(value, local, base))
            }
            (Subject::Param(param), [Pattern::Token(pattern)]) => {
                reader.some(slot, param, |value| pattern.matches(value))
            }
            (Subject::Param(param), [Pattern::Date(first), others @ ..]) => {
                reader.some_time(slot, param, |time| {
                    let other = |pattern: &Pattern| matches!(pattern, Pattern::Date(date) if date.holds(time));
                    first.holds(time) || others.iter().any(other)
                })
            }
            (Subject::Param(param), patterns) => reader.some(slot, param, |value| {
                patterns
                    .iter()
                    .any(|pattern| pattern.matches(value, resource, base))
            }),
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

/// Whether an element points at a resource of this server.
#[inline]
fn is_to(element: Extracted<'_>, local: &str, base: Option<&str>) -> bool {
    reference::target(element.value).is_some_and(|stored| reference::is_to(stored, local, base))
}

impl Pattern {
    /// The pattern of a reference.
    pub(super) fn reference(pattern: ReferencePattern) -> Self {
        match pattern {
            ReferencePattern::Literal(local) if reference::is_local(&local) => Self::Local(local),
            pattern => Self::Reference(pattern),
        }
    }

    fn matches(&self, element: Extracted<'_>, resource: &Value, base: Option<&str>) -> bool {
        match self {
            Self::Token(pattern) => pattern.matches(element),
            Self::Local(local) => is_to(element, local, base),
            Self::Reference(pattern) => pattern.matches(element, base),
            Self::String(pattern) => pattern.matches(element),
            Self::Uri(pattern) => pattern.matches(element),
            Self::Date(pattern) => pattern.matches(element),
            Self::Number(pattern) => pattern.matches(element),
            Self::Quantity(pattern) => pattern.matches(element),
            // Compartments are no elements.
            Self::Compartment(_) | Self::CompartmentId(_) => false,
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
