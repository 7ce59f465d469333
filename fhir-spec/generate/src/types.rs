//! From StructureDefinitions to type rows.

use serde_json::Value;

use crate::bundle::{Definitions, items, optional_text, text, texts};
use crate::codes::ValueSets;
use crate::problem::{Problem, ensure};
use crate::tables::{ElementRow, Tables, TypeRow};

const SYSTEM_TYPE: &str = "http://hl7.org/fhirpath/System.";
const FHIR_TYPE: &str = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";

/// R4's resources, datatypes and primitives.
pub fn read_r4(definitions: &Definitions, codes: &ValueSets) -> Result<Tables, Problem> {
    let mut tables = Tables::default();
    for structure in definitions.types.iter().chain(&definitions.resources) {
        if optional_text(structure, "resourceType") != Some("StructureDefinition") {
            continue;
        }
        let is_abstract = structure.get("abstract").and_then(Value::as_bool) == Some(true);
        let derivation = optional_text(structure, "derivation");
        let kind = match (text(structure, "kind")?, is_abstract) {
            // SimpleQuantity and MoneyQuantity are profiles of Quantity.
            _ if derivation == Some("constraint") => continue,
            // MetadataResource is a pattern that no resource names as its base.
            ("logical", _) => continue,
            ("resource", false) => "resource",
            ("resource", true) => "abstract-resource",
            ("complex-type", false) => "complex",
            ("complex-type", true) => "abstract-complex",
            ("primitive-type", false) => "primitive",
            (other, _) => return Err(Problem::new(format!("unexpected kind `{other}`"))),
        };
        let base = optional_text(structure, "baseDefinition").map(last_segment);
        add(&mut tables, structure, kind, base, codes)?;
    }
    Ok(tables)
}

/// Medplum's own resource types. They name no base, but have what DomainResource gives.
pub fn read_medplum(definitions: &Definitions, codes: &ValueSets) -> Result<Tables, Problem> {
    let mut tables = Tables::default();
    for structure in &definitions.medplum {
        let base = Some("DomainResource".to_owned());
        add(&mut tables, structure, "resource", base, codes)?;
        let name = text(structure, "type")?;
        if let Some(row) = tables.types.get_mut(name) {
            let inherited = ["id", "meta", "implicitRules", "language"];
            row.elements.retain(|e| !inherited.contains(&&*e.name));
        }
    }
    Ok(tables)
}

fn add(
    tables: &mut Tables,
    structure: &Value,
    kind: &'static str,
    base: Option<String>,
    codes: &ValueSets,
) -> Result<(), Problem> {
    let name = text(structure, "type")?;
    let row = TypeRow {
        kind,
        base,
        elements: Vec::new(),
    };
    ensure(!tables.types.contains_key(name), || {
        format!("`{name}` is defined twice")
    })?;
    tables.types.insert(name.to_owned(), row);
    let snapshot = structure.get("snapshot").unwrap_or(&Value::Null);
    for element in items(snapshot, "element") {
        let path = text(element, "path")?;
        let Some((parent, element_name)) = path.rsplit_once('.') else {
            continue;
        };
        // The value of a primitive is the JSON value itself.
        if kind == "primitive" && element_name == "value" {
            continue;
        }
        let types = type_text(element, path, kind)?;
        if matches!(&*types, "BackboneElement" | "Element") {
            let row = TypeRow {
                kind: "backbone",
                base: Some(types),
                elements: Vec::new(),
            };
            tables.types.insert(path.to_owned(), row);
        }
        let row = element_row(element, path, element_name, kind, codes)?;
        let Some(parent) = tables.types.get_mut(parent) else {
            return Err(Problem::new(format!("`{path}` has no parent element")));
        };
        parent.elements.push(row);
    }
    Ok(())
}

fn element_row(
    element: &Value,
    path: &str,
    name: &str,
    kind: &str,
    codes: &ValueSets,
) -> Result<ElementRow, Problem> {
    let mut types = type_text(element, path, kind)?;
    if matches!(&*types, "BackboneElement" | "Element") {
        types = path.to_owned();
    }
    let wrong = |what: &str| Problem::new(format!("`{path}` has no usable `{what}`"));
    let min = element
        .get("min")
        .and_then(Value::as_u64)
        .and_then(|min| u32::try_from(min).ok())
        .ok_or_else(|| wrong("min"))?;
    let max = match text(element, "max")? {
        "*" => None,
        number => Some(number.parse().map_err(|_| wrong("max"))?),
    };
    Ok(ElementRow {
        name: name.to_owned(),
        min,
        max,
        types,
        codes: codes.of_binding(element)?,
    })
}

/// The types of an element, as in a row; `BackboneElement` and `Element` as they are.
fn type_text(element: &Value, path: &str, kind: &str) -> Result<String, Problem> {
    if let Some(reference) = optional_text(element, "contentReference") {
        return Ok(reference.trim_start_matches('#').to_owned());
    }
    let mut seen: Vec<String> = Vec::new();
    for t in items(element, "type") {
        let mut one = type_code(t, path, kind)?;
        ensure(
            !seen.iter().any(|s| s.split('>').next() == Some(&one)),
            || format!("`{path}` names the type `{one}` twice"),
        )?;
        let targets: Vec<String> = texts(t, "targetProfile")
            .into_iter()
            .map(last_segment)
            .collect();
        if !targets.is_empty() {
            one = format!("{one}>{}", targets.join(","));
        }
        seen.push(one);
    }
    ensure(!seen.is_empty(), || format!("`{path}` has no type"))?;
    ensure(seen.len() == 1 || path.ends_with("[x]"), || {
        format!("`{path}` has several types but is no choice")
    })?;
    Ok(seen.join(" "))
}

fn type_code(t: &Value, path: &str, kind: &str) -> Result<String, Problem> {
    let code = text(t, "code")?;
    if !code.starts_with(SYSTEM_TYPE) {
        return Ok(code.to_owned());
    }
    // The published definitions say `string`; the specification's text says `id`.
    if kind.ends_with("resource") && path.split('.').nth(1) == Some("id") {
        return Ok("id".to_owned());
    }
    let declared = items(t, "extension")
        .iter()
        .filter(|e| optional_text(e, "url") == Some(FHIR_TYPE))
        .find_map(|e| optional_text(e, "valueUrl"));
    match declared {
        Some(declared) => Ok(declared.to_owned()),
        // The only one without: an element id, so a string like all others.
        None if path == "xhtml.id" => Ok("string".to_owned()),
        None => Err(Problem::new(format!("`{path}` has no FHIR type"))),
    }
}

fn last_segment(url: &str) -> String {
    url.rsplit('/').next().unwrap_or(url).to_owned()
}
