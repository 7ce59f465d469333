//! `_compartment`, and compartments in the path (`Patient/x/Observation`).
//!
//! The patients' are those that a policy's criteria know: R4's patient compartment, and the
//! accounts in `meta`. The others are R4's, by their search parameters.
//! Source: hl7.org/fhir/R4/compartmentdefinition.html, policy-semantics 2.6.

use std::ops::ControlFlow;

use fhirward_engine::compartment::compartments_of;
use fhirward_engine::values::reference::local;
use fhirward_spec::{SearchParam, spec};
use serde_json::Value;

use super::reference::target;
use super::text::alternatives;
use crate::app::is_id;
use crate::http::outcome::Failure;
use crate::search::index::{Key, Narrow};
use crate::search::scope::Scope;

/// In which compartments a resource must be.
#[derive(Debug)]
pub(crate) enum Compartment {
    /// In one of these, each `Type/id`; with `:not` in none of them.
    Named { names: Vec<Box<str>>, negated: bool },
    /// `:missing`
    Missing(bool),
    /// In that of this resource, by the parameters through which its type is.
    By {
        name: Box<str>,
        parameters: Vec<&'static SearchParam>,
    },
}

const CODE: &str = "_compartment";

impl Compartment {
    /// Reads `_compartment=Patient/x`; an id alone is a patient's.
    pub(super) fn compile(
        scope: &Scope<'_>,
        resource_type: &str,
        modifier: Option<&str>,
        value: &str,
    ) -> Result<Self, Failure> {
        scope.access.may_search(resource_type, [CODE])?;
        let negated = match modifier {
            None => false,
            Some("not") => true,
            Some("missing") => {
                return super::fault::truth(CODE, value).map(Self::Missing);
            }
            Some(other) => {
                return Err(Failure::not_supported(
                    format!("`{CODE}:{other}` is not supported"),
                    "its modifiers are `:not` and `:missing`",
                ));
            }
        };
        let read =
            alternatives(value, false).map_err(|bad| super::fault::bad_value(CODE, value, &bad))?;
        let names = read
            .iter()
            .map(|text| {
                let text = text.whole();
                if is_id(&text) {
                    return Ok(format!("Patient/{text}").into());
                }
                local(&text, Some(scope.base))
                    .map(Into::into)
                    .ok_or_else(|| {
                        Failure::invalid(format!(
                            "`{text}` of `{CODE}` is no compartment: write `Type/id`"
                        ))
                    })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::Named { names, negated })
    }

    /// The compartment that a path names.
    ///
    /// # Errors
    /// 400 for what is no compartment, or a type that is in none of its kind; 403 where being in it
    /// would tell of a hidden field.
    pub(crate) fn of_path(
        scope: &Scope<'_>,
        compartment: &str,
        id: &str,
        resource_type: &str,
    ) -> Result<Self, Failure> {
        let name: Box<str> = format!("{compartment}/{id}").into();
        if compartment == "Patient" {
            if Self::holds_type(compartment, resource_type) {
                scope.access.may_search(resource_type, [CODE])?;
                return Ok(Self::Named {
                    names: vec![name],
                    negated: false,
                });
            }
        } else if Self::holds_type(compartment, resource_type) {
            let codes = spec()
                .compartment(compartment)
                .map(|c| c.params(resource_type));
            let codes = codes.unwrap_or_default();
            scope
                .access
                .may_search(resource_type, codes.iter().map(|code| &**code))?;
            let parameters = codes
                .iter()
                .filter_map(|code| spec().search_param(resource_type, code))
                .collect();
            return Ok(Self::By { name, parameters });
        }
        Err(Failure::invalid(
            if spec().compartment(compartment).is_some() {
                format!("{resource_type} is not part of the compartment of a {compartment}")
            } else {
                let names: Vec<&str> = spec().compartments().map(|c| &*c.name).collect();
                format!(
                    "{compartment} has no compartment; those of R4 are {}",
                    names.join(", ")
                )
            },
        ))
    }

    /// Whether resources of a type can be in a compartment of this kind.
    pub(crate) fn holds_type(compartment: &str, resource_type: &str) -> bool {
        spec().compartment(compartment).is_some_and(|definition| {
            &*definition.name == resource_type || !definition.params(resource_type).is_empty()
        })
    }

    pub(super) fn matches(&self, resource: &Value, base: &str) -> bool {
        match self {
            Self::Named { names, negated } => {
                let inside = compartments_of(resource, Some(base));
                let named = |own: &String| names.iter().any(|name| **name == **own);
                inside.iter().any(named) != *negated
            }
            Self::Missing(absent) => compartments_of(resource, Some(base)).is_empty() == *absent,
            Self::By { name, parameters } => {
                super::own_reference(resource).as_deref() == Some(name)
                    || parameters.iter().any(|parameter| {
                        let found = parameter
                            .program
                            .each(
                                resource,
                                &mut |element| match target(element, base) == Some(name) {
                                    true => ControlFlow::Break(()),
                                    false => ControlFlow::Continue(()),
                                },
                            );
                        found.is_break()
                    })
            }
        }
    }

    /// Adds to what the index has to be asked for; `false` where it does not know.
    pub(super) fn narrow(&self, into: &mut Narrow) -> bool {
        match self {
            Self::Named {
                names,
                negated: false,
            } => {
                let keys = names.iter().map(|name| Key::new(CODE, name));
                into.keys.extend(keys);
                true
            }
            // The resource that gives the compartment its name is in it without a reference.
            Self::By { name, parameters } => {
                let keys = parameters.iter().map(|p| Key::new(&p.code, name));
                into.keys.extend(keys);
                into.keys.push(Key::own(name));
                true
            }
            Self::Named { .. } | Self::Missing(_) => false,
        }
    }
}
