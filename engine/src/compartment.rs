//! Which compartments a resource is in.

use std::collections::HashSet;
use std::ops::ControlFlow;

use arrayvec::ArrayString;
use fhirward_spec::{SearchParam, member, spec};
use serde_json::Value;

use crate::values::reference::{MAX_ID, is_id, local};

/// The compartments of a resource, as `Type/id`, without repetition.
///
/// Patients by R4's patient compartment (the only automatic one), the accounts that `meta` names,
/// and what a server has put into `meta.compartment`. An absolute reference on `base`, the FHIR base
/// of this server, is a local one. Source: policy-semantics 2.6.
///
/// ```
/// let message = serde_json::json!({
///     "resourceType": "Communication",
///     "subject": {"reference": "Patient/homer"},
///     "meta": {"accounts": [{"reference": "Organization/o"}]},
/// });
/// let inside = fhirward_engine::compartment::compartments_of(&message, None);
/// assert_eq!(inside, ["Patient/homer", "Organization/o"]);
/// ```
pub fn compartments_of(resource: &Value, base: Option<&str>) -> Vec<String> {
    let kind = member(resource, "resourceType").and_then(Value::as_str);
    let params = patient_params(kind.unwrap_or_default());
    let mut found: Vec<String> = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    let _all = each(resource, params, base, &mut |inside| {
        inside.with_name(&mut |name| {
            if !known.contains(name) {
                known.insert(name.to_owned());
                found.push(name.to_owned());
            }
        });
        ControlFlow::Continue(())
    });
    found
}

/// The search parameters by which a resource of the type is in a patient's compartment.
pub(crate) fn patient_params(resource_type: &str) -> impl Iterator<Item = &'static SearchParam> {
    let codes = spec()
        .compartment("Patient")
        .map(|compartment| compartment.params(resource_type));
    codes
        .into_iter()
        .flatten()
        .filter_map(move |code| spec().search_param(resource_type, code))
}

/// One compartment that a resource is in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Inside<'r> {
    /// `Type/id`, as the resource names it.
    Named(&'r str),
    /// The patient is the resource itself, of this id.
    ItsOwn(&'r str),
}

impl Inside<'_> {
    /// Whether it is the compartment of this name.
    pub(crate) fn is(self, name: &str) -> bool {
        match self {
            Self::Named(own) => own == name,
            Self::ItsOwn(id) => name.strip_prefix("Patient/") == Some(id),
        }
    }

    /// Whether it is one of whatever type with this id.
    pub(crate) fn has_id(self, id: &str) -> bool {
        match self {
            Self::Named(own) => own.split_once('/').is_some_and(|(_, own)| own == id),
            Self::ItsOwn(own) => own == id,
        }
    }

    /// Calls `visit` with its name.
    pub(crate) fn with_name(self, visit: &mut impl FnMut(&str)) {
        match self {
            Self::Named(name) => visit(name),
            Self::ItsOwn(id) => {
                let mut name = ArrayString::<{ "Patient/".len() + MAX_ID }>::new();
                // What does not fit is no id, and no compartment.
                if name.try_push_str("Patient/").is_ok() && name.try_push_str(id).is_ok() {
                    visit(&name);
                }
            }
        }
    }
}

/// Calls `visit` with each compartment of a resource until it breaks, with repetitions and without
/// allocating. `params` are the [`patient_params`] of its type.
pub(crate) fn each<'r>(
    resource: &'r Value,
    params: impl IntoIterator<Item = &'static SearchParam>,
    base: Option<&str>,
    visit: &mut impl FnMut(Inside<'r>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let target = |element: &'r Value| -> Option<&'r str> {
        local(member(element, "reference")?.as_str()?, base)
    };
    let text = |name| member(resource, name).and_then(Value::as_str);
    if let (Some("Patient"), Some(id)) = (text("resourceType"), text("id"))
        && is_id(id)
    {
        visit(Inside::ItsOwn(id))?;
    }
    for param in params {
        param
            .program
            .each(resource, &mut |element| match target(element.value) {
                Some(name) if name.starts_with("Patient/") => visit(Inside::Named(name)),
                _ => ControlFlow::Continue(()),
            })?;
    }
    let meta = member(resource, "meta");
    for name in ["account", "accounts", "compartment"] {
        let items = match meta.and_then(|meta| member(meta, name)) {
            Some(Value::Array(items)) => items.as_slice(),
            Some(item) => std::slice::from_ref(item),
            None => &[],
        };
        for name in items.iter().filter_map(target) {
            visit(Inside::Named(name))?;
        }
    }
    ControlFlow::Continue(())
}
