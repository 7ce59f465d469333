//! The filters of R4 search: what a resource must be to be found.
//!
//! It is wider than the criteria of a policy, which ask about one resource alone: here a filter may
//! lead to other resources, as far as who searches could find them. A file a search type; how single
//! values compare is the engine's to say where criteria ask the same.
//! Source: hl7.org/fhir/R4/search.html.

mod chain;
mod compartment;
mod compile;
mod fault;
mod key;
mod list;
mod pattern;
pub(crate) mod reference;
mod reverse;
pub(crate) mod string;
mod text;
pub(crate) mod token;
pub(crate) mod uri;
mod value_set;

use std::collections::HashSet;
use std::ops::ControlFlow;

use fhirward_spec::SearchParam;
use serde_json::Value;

use super::index::{Key, Narrow, knows_absence};
use super::scope::Scope;
use chain::Chain;
pub(crate) use compartment::Compartment;
pub(crate) use compile::compile;
pub(crate) use fault::{Fault, not_a_reference, resource_name};
use pattern::Pattern;
use reverse::Reverse;

/// One `name=value` of a search, for one resource type.
#[derive(Debug)]
pub(crate) enum Filter {
    /// Some value matches some alternative; with `:not` none does.
    Value {
        parameter: &'static SearchParam,
        alternatives: Vec<Pattern>,
        negated: bool,
    },
    /// `:missing`
    Missing {
        parameter: &'static SearchParam,
        absent: bool,
    },
    /// `_compartment`, or a compartment in the path.
    Compartment(Compartment),
    /// `_list`: one of these, each as `Type/id`.
    Listed(HashSet<String>),
    /// `subject.name`
    Chain(Chain),
    /// `_has`
    Reverse(Reverse),
}

impl Filter {
    /// Whether a resource of the filter's type passes.
    pub(crate) fn matches(&self, scope: &Scope<'_>, resource: &Value) -> bool {
        match self {
            Self::Value {
                parameter,
                alternatives,
                negated,
            } => {
                let found = parameter.program.each(resource, &mut |element| {
                    let matches =
                        |pattern: &Pattern| pattern.matches(element, resource, scope.base);
                    if alternatives.iter().any(matches) {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                });
                found.is_break() != *negated
            }
            Self::Missing { parameter, absent } => {
                parameter.program.is_empty_on(resource) == *absent
            }
            Self::Compartment(compartment) => compartment.matches(resource, scope.base),
            Self::Listed(listed) => {
                own_reference(resource).is_some_and(|own| listed.contains(&own))
            }
            Self::Chain(chain) => chain.matches(scope, resource),
            Self::Reverse(reverse) => reverse.matches(scope, resource),
        }
    }

    /// What the index has to be asked for; `None` where it does not know.
    pub(super) fn narrow(&self, scope: &Scope<'_>) -> Option<Narrow> {
        let mut narrow = Narrow::default();
        let known = match self {
            Self::Value {
                parameter,
                alternatives,
                negated: false,
            } => alternatives
                .iter()
                .all(|pattern| pattern.narrow(parameter, &mut narrow)),
            Self::Missing {
                parameter,
                absent: true,
            } if knows_absence(parameter) => {
                narrow.keys.push(Key::absent(&parameter.code));
                true
            }
            Self::Compartment(compartment) => compartment.narrow(&mut narrow),
            Self::Chain(chain) => chain.narrow(scope, &mut narrow),
            Self::Value { .. } | Self::Missing { .. } | Self::Listed(_) | Self::Reverse(_) => false,
        };
        known.then_some(narrow)
    }

    /// The only resources that can pass, each as `Type/id`, when that can be told without looking
    /// at those of the type.
    pub(super) fn names(&self, scope: &Scope<'_>, resource_type: &str) -> Option<Vec<String>> {
        match self {
            Self::Value {
                parameter,
                alternatives,
                negated: false,
            } if &*parameter.code == "_id" => alternatives
                .iter()
                .map(|pattern| match pattern {
                    Pattern::Token(token) => Some(format!("{resource_type}/{}", token.code()?)),
                    _ => None,
                })
                .collect(),
            Self::Listed(listed) => Some(listed.iter().cloned().collect()),
            Self::Reverse(reverse) => Some(reverse.found(scope).iter().cloned().collect()),
            _ => None,
        }
    }
}

/// `Type/id` of a resource.
fn own_reference(resource: &Value) -> Option<String> {
    let text = |name| resource.get(name).and_then(Value::as_str);
    Some(format!("{}/{}", text("resourceType")?, text("id")?))
}
