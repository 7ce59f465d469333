//! From CompartmentDefinitions to compartment rows.

use crate::bundle::{Definitions, items, optional_text, text, texts};
use crate::problem::{Problem, ensure};
use crate::tables::CompartmentRow;

const COMPARTMENTS: usize = 5;

/// Not a parameter: a resource is in its own compartment, which holds for all five.
const ITSELF: &str = "{def}";

pub fn read(definitions: &Definitions) -> Result<Vec<CompartmentRow>, Problem> {
    let mut rows = Vec::new();
    for definition in &definitions.resources {
        if optional_text(definition, "resourceType") != Some("CompartmentDefinition") {
            continue;
        }
        let mut resources = Vec::new();
        for resource in items(definition, "resource") {
            let params: Vec<String> = texts(resource, "param")
                .into_iter()
                .filter(|param| *param != ITSELF)
                .map(str::to_owned)
                .collect();
            if !params.is_empty() {
                resources.push((text(resource, "code")?.to_owned(), params));
            }
        }
        resources.sort();
        rows.push((text(definition, "code")?.to_owned(), resources));
    }
    rows.sort();
    ensure(rows.len() == COMPARTMENTS, || {
        format!("{} compartments, not {COMPARTMENTS}", rows.len())
    })?;
    Ok(rows)
}
