//! Which compartments a resource is in.

use std::ops::ControlFlow;

use fhirward_spec::spec;
use serde_json::Value;

use crate::values::reference::local;

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
    let mut found: Vec<String> = Vec::new();
    let mut add = |reference: Option<&str>| {
        if let Some(reference) = reference.and_then(|text| local(text, base))
            && !found.iter().any(|known| known == reference)
        {
            found.push(reference.to_owned());
        }
    };
    let kind = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let id = resource.get("id").and_then(Value::as_str);
    if let (Some(id), "Patient") = (id, kind) {
        add(Some(&format!("Patient/{id}")));
    }
    for code in spec()
        .compartment("Patient")
        .map(|c| c.params(kind))
        .unwrap_or_default()
    {
        if let Some(param) = spec().search_param(kind, code) {
            let _ = param.program.each(resource, &mut |element| {
                let reference = element.value.get("reference").and_then(Value::as_str);
                if reference
                    .and_then(|text| local(text, base))
                    .is_some_and(|text| text.starts_with("Patient/"))
                {
                    add(reference);
                }
                ControlFlow::Continue(())
            });
        }
    }
    let meta = resource.get("meta");
    for name in ["account", "accounts", "compartment"] {
        match meta.and_then(|meta| meta.get(name)) {
            Some(Value::Array(items)) => {
                for item in items {
                    add(item.get("reference").and_then(Value::as_str));
                }
            }
            Some(item) => add(item.get("reference").and_then(Value::as_str)),
            None => {}
        }
    }
    found
}
