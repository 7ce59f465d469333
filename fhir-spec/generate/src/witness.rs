//! Checks against files of the package that hold R4 as it was published: whatever the tables hold
//! beyond them is an addition that nobody has listed.

use std::collections::BTreeSet;

use crate::bundle::{Definitions, items, optional_text, text};
use crate::problem::{Problem, ensure};
use crate::tables::Tables;

/// A data element's id is cut at 64 characters, so long paths share one and some are missing.
const MAX_ID: usize = 64;

/// Specialisations of Quantity repeat its elements and have no data elements.
const COPIES_OF_QUANTITY: [&str; 4] = ["Age", "Count", "Distance", "Duration"];

/// Every leaf element must have a data element.
pub fn elements(definitions: &Definitions, r4: &Tables) -> Result<(), Problem> {
    let mut witnessed = BTreeSet::new();
    for structure in &definitions.data_elements {
        let snapshot = structure
            .get("snapshot")
            .unwrap_or(&serde_json::Value::Null);
        if let Some(first) = items(snapshot, "element").first() {
            witnessed.insert(text(first, "path")?);
        }
    }
    let mut unknown = Vec::new();
    for (type_name, row) in &r4.types {
        if COPIES_OF_QUANTITY.contains(&&**type_name) {
            continue;
        }
        for element in &row.elements {
            let path = format!("{type_name}.{}", element.name);
            let structural = matches!(&*element.name, "id" | "extension" | "modifierExtension")
                || r4
                    .types
                    .get(&element.types)
                    .is_some_and(|t| t.kind == "backbone");
            let cut = "de-".len() + path.len() > MAX_ID;
            if !structural && !cut && !witnessed.contains(&*path) {
                unknown.push(path);
            }
        }
    }
    ensure(unknown.is_empty(), || {
        format!(
            "elements that are not in R4's data elements: {}",
            unknown.join(", ")
        )
    })
}

/// The base CapabilityStatement lists exactly the parameters of the concrete types.
pub fn search_parameters(definitions: &Definitions, r4: &Tables) -> Result<(), Problem> {
    let mut listed = BTreeSet::new();
    for statement in &definitions.resources {
        if optional_text(statement, "id") != Some("base") {
            continue;
        }
        for resource in items(statement, "rest")
            .iter()
            .flat_map(|rest| items(rest, "resource"))
        {
            for param in items(resource, "searchParam") {
                listed.insert((text(resource, "type")?, text(param, "name")?));
            }
        }
    }
    let mut held = BTreeSet::new();
    for param in &r4.params {
        for (base, _) in &param.bases {
            if !matches!(&**base, "Resource" | "DomainResource") {
                held.insert((&**base, &*param.code));
            }
        }
    }
    let differences: Vec<String> = held
        .symmetric_difference(&listed)
        .map(|(base, code)| format!("{base}?{code}"))
        .collect();
    ensure(differences.is_empty(), || {
        format!(
            "search parameters that differ from R4's base CapabilityStatement: {}",
            differences.join(", ")
        )
    })
}
