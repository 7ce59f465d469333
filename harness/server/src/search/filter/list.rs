//! `_list`: the resources that a List names.
//!
//! Source: hl7.org/fhir/R4/search.html, 3.1.1.5.5.

use std::collections::HashSet;

use fhirward_engine::policy::Interaction;
use fhirward_engine::values::reference::local;
use fhirward_spec::{member, spec};
use serde_json::Value;

use super::Filter;
use super::text::alternatives;
use crate::app::is_id;
use crate::http::outcome::Failure;
use crate::search::scope::Scope;

/// Reads `_list=id`.
pub(super) fn compile(
    scope: &Scope<'_>,
    modifier: Option<&str>,
    value: &str,
) -> Result<Filter, Failure> {
    if let Some(modifier) = modifier {
        return Err(Failure::not_supported(
            format!("`_list:{modifier}` is not supported"),
            "`_list` takes no modifier",
        ));
    }
    scope.access.gate("List", &[Interaction::Search])?;
    scope.access.may_search("List", ["item"])?;
    let read =
        alternatives(value, false).map_err(|bad| super::fault::bad_value("_list", value, &bad))?;
    let mut listed = HashSet::new();
    for text in read {
        let text = text.whole();
        let id = text.strip_prefix("List/").unwrap_or(&text);
        if text.starts_with('$') {
            return Err(Failure::not_supported(
                format!("`_list={text}` is not supported"),
                "functional lists are not kept; name a stored List by its id",
            ));
        }
        if !is_id(id) {
            return Err(Failure::invalid(format!(
                "`{text}` of `_list` is not the id of a List"
            )));
        }
        // A List that is hidden or missing names nothing.
        let list = scope.view.current("List", id);
        let Some(list) = list.and_then(|list| scope.access.find(&list.resource)) else {
            continue;
        };
        let Some(parameter) = spec().search_param("List", "item") else {
            continue;
        };
        let deleted =
            |entry: &&Value| member(entry, "deleted").and_then(Value::as_bool) != Some(true);
        let entries = list.get("entry").and_then(Value::as_array);
        for entry in entries.into_iter().flatten().filter(deleted) {
            let one = serde_json::json!({ "resourceType": "List", "entry": [entry] });
            for element in parameter.program.collect(&one) {
                let reference = member(element.value, "reference").and_then(Value::as_str);
                listed.extend(
                    reference
                        .and_then(|text| local(text, Some(scope.base)))
                        .map(str::to_owned),
                );
            }
        }
    }
    Ok(Filter::Listed(listed))
}
