//! Reading the published files.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::problem::Problem;

/// The resources of the published bundles that the tables are made of.
#[derive(Debug)]
pub struct Definitions {
    pub resources: Vec<Value>,
    pub types: Vec<Value>,
    pub medplum: Vec<Value>,
    pub search_parameters: Vec<Value>,
    /// Value sets and code systems.
    pub terminology: Vec<Value>,
    /// One StructureDefinition for each leaf element of R4: the witness of what R4 holds.
    pub data_elements: Vec<Value>,
}

impl Definitions {
    pub fn read(folder: &Path) -> Result<Self, Problem> {
        let bundle = |name: &str| read_bundle(&folder.join(name));
        let mut terminology = bundle("valuesets.json")?;
        terminology.extend(bundle("v3-codesystems.json")?);
        Ok(Definitions {
            resources: bundle("profiles-resources.json")?,
            types: bundle("profiles-types.json")?,
            medplum: bundle("profiles-medplum.json")?,
            search_parameters: bundle("search-parameters.json")?,
            terminology,
            data_elements: bundle("dataelements.json")?,
        })
    }
}

pub fn read_json(file: &Path) -> Result<Value, Problem> {
    let name = file.display();
    let text = fs::read(file).map_err(|e| Problem::new(format!("cannot read {name}: {e}")))?;
    serde_json::from_slice(&text).map_err(|e| Problem::new(format!("{name} is not JSON: {e}")))
}

fn read_bundle(file: &Path) -> Result<Vec<Value>, Problem> {
    let mut bundle = read_json(file)?;
    let entries = bundle.get_mut("entry").map(Value::take);
    let Some(Value::Array(entries)) = entries else {
        let name = file.display();
        return Err(Problem::new(format!("{name} is no Bundle with entries")));
    };
    Ok(entries
        .into_iter()
        .filter_map(|mut entry| entry.get_mut("resource").map(Value::take))
        .collect())
}

/// A text member that has to be there.
pub fn text<'v>(value: &'v Value, member: &str) -> Result<&'v str, Problem> {
    optional_text(value, member)
        .ok_or_else(|| Problem::new(format!("no `{member}` in {}", shortened(value))))
}

pub fn optional_text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member).and_then(Value::as_str)
}

/// The items of an array member; none if it is absent.
pub fn items<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value
        .get(member)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The texts of an array member.
pub fn texts<'v>(value: &'v Value, member: &str) -> Vec<&'v str> {
    items(value, member)
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

fn shortened(value: &Value) -> String {
    let mut text = value.to_string();
    let end = text
        .char_indices()
        .nth(200)
        .map_or(text.len(), |(at, _)| at);
    text.truncate(end);
    text
}
