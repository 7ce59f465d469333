//! From SearchParameters to parameter rows.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::bundle::{Definitions, items, optional_text, text, texts};
use crate::overlay::Additions;
use crate::problem::{Problem, ensure};
use crate::tables::{ParamRow, Tables};

const HL7: &str = "http://hl7.org/fhir/SearchParameter/";
const MEDPLUM: &str = "https://medplum.com/fhir/SearchParameter/";

/// Reads all parameters into R4's tables or the overlay.
pub fn read(
    definitions: &Definitions,
    additions: &Additions,
    r4: &mut Tables,
    medplum: &mut Tables,
) -> Result<(), Problem> {
    let mut by_url = HashMap::new();
    for param in &definitions.search_parameters {
        by_url.insert(text(param, "url")?, param);
    }
    let mut added = HashSet::new();
    for param in &definitions.search_parameters {
        let (id, url) = (text(param, "id")?, text(param, "url")?);
        let corrected = additions.corrected_components(id);
        let row = row(param, corrected, &by_url)?;
        if additions.search_parameters.iter().any(|added| added == id) {
            added.insert(id);
            medplum.params.push(row);
        } else if url.starts_with(HL7) {
            r4.params.push(row);
        } else {
            ensure(url.starts_with(MEDPLUM), || format!("unexpected {url}"))?;
            medplum.params.push(row);
        }
    }
    for id in &additions.search_parameters {
        ensure(added.contains(&**id), || {
            format!("the source has no search parameter `{id}`")
        })?;
    }
    Ok(())
}

fn row(
    param: &Value,
    corrected: Option<&[Value]>,
    by_url: &HashMap<&str, &Value>,
) -> Result<ParamRow, Problem> {
    let id = text(param, "id")?;
    let bases = texts(param, "base");
    let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
    let (param_type, bases) = match optional_text(param, "expression") {
        // Full-text search and named queries read no element.
        None => (
            "special",
            bases
                .iter()
                .map(|b| ((*b).to_owned(), String::new()))
                .collect(),
        ),
        Some(expression) => (text(param, "type")?, split(id, &bases, expression)?),
    };
    let mut components = Vec::new();
    for component in corrected.unwrap_or_else(|| items(param, "component")) {
        let definition = text(component, "definition")?;
        let borrowed = by_url
            .get(definition)
            .ok_or_else(|| Problem::new(format!("`{id}` needs {definition}")))?;
        components.push((
            text(borrowed, "code")?.to_owned(),
            text(borrowed, "type")?.to_owned(),
            text(component, "expression")?.to_owned(),
        ));
    }
    Ok(ParamRow {
        code: text(param, "code")?.to_owned(),
        param_type: param_type.to_owned(),
        targets: owned(texts(param, "target")),
        bases,
        components,
    })
}

/// Gives each base type the parts of the union that concern it.
pub fn split(id: &str, bases: &[&str], expression: &str) -> Result<Vec<(String, String)>, Problem> {
    let parts = parts(expression);
    let mut rows = Vec::new();
    for base in bases {
        let own: Vec<&str> = parts
            .iter()
            .filter(|part| root(part) == *base || (is_relative(part) && bases.len() == 1))
            .copied()
            .collect();
        ensure(!own.is_empty(), || {
            format!("the expression of `{id}` says nothing about `{base}`")
        })?;
        rows.push(((*base).to_owned(), own.join(" | ")));
    }
    for part in &parts {
        let placed = bases.contains(&root(part)) || (is_relative(part) && bases.len() == 1);
        ensure(placed, || {
            format!("`{part}` of `{id}` concerns none of its base types")
        })?;
    }
    Ok(rows)
}

/// The parts of a union, outside of parentheses.
fn parts(expression: &str) -> Vec<&str> {
    let mut depth = 0usize;
    expression
        .split(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == '|' && depth == 0
        })
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

/// The name that a part begins with.
fn root(part: &str) -> &str {
    let part = part.trim_start_matches('(');
    let end = part.find(|c: char| !c.is_ascii_alphanumeric());
    end.and_then(|end| part.get(..end)).unwrap_or(part)
}

fn is_relative(part: &str) -> bool {
    root(part).starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn each_base_gets_its_parts() {
        let rows = split("x", &["A", "B"], "A.a | (B.b as T) | A.c.where(d='e')").unwrap();
        let expected = [("A", "A.a | A.c.where(d='e')"), ("B", "(B.b as T)")];
        assert_eq!(rows, expected.map(|(b, e)| (b.to_owned(), e.to_owned())));
    }

    #[test]
    fn a_part_without_a_base_is_an_error() {
        assert!(split("x", &["A"], "A.a | C.c").is_err());
        assert!(split("x", &["A", "B"], "A.a").is_err());
        assert!(split("x", &["A"], "name | alias").is_ok());
    }
}
