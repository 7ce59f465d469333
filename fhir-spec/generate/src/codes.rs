//! Value sets of required bindings.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::bundle::{Definitions, items, optional_text, text};
use crate::problem::{Problem, ensure};
use crate::tables::Tables;

/// Value sets over code systems that nobody enumerates here: any code is accepted.
const NOT_ENUMERABLE: [&str; 4] = ["currencies", "mimetypes", "ucum-units", "LL379-9"];

/// The published value sets, expanded.
#[derive(Debug)]
pub struct ValueSets {
    by_name: BTreeMap<String, Vec<String>>,
}

impl ValueSets {
    /// Expands every value set that is the target of a required binding.
    pub fn read(definitions: &Definitions) -> Result<Self, Problem> {
        let mut value_sets = HashMap::new();
        let mut systems = HashMap::new();
        for resource in &definitions.terminology {
            let Some(url) = optional_text(resource, "url") else {
                continue;
            };
            match text(resource, "resourceType")? {
                "ValueSet" => value_sets.insert(url, resource),
                _ => systems.insert(url, resource),
            };
        }
        let structures = definitions.types.iter().chain(&definitions.resources);
        let mut by_name = BTreeMap::new();
        let mut urls: HashMap<String, &str> = HashMap::new();
        for structure in structures {
            let snapshot = structure.get("snapshot").unwrap_or(&Value::Null);
            for element in items(snapshot, "element") {
                let Some(url) = required_value_set(element) else {
                    continue;
                };
                let name = name_of(url);
                if NOT_ENUMERABLE.contains(&&*name) {
                    continue;
                }
                let before = urls.insert(name.clone(), url);
                ensure(before.is_none_or(|other| other == url), || {
                    format!("two value sets are called `{name}`")
                })?;
                if before.is_some() {
                    continue;
                }
                let set = value_sets
                    .get(url)
                    .ok_or_else(|| Problem::new(format!("no value set {url}")))?;
                by_name.insert(name, expand(set, &systems)?);
            }
        }
        Ok(ValueSets { by_name })
    }

    /// The name of the value set that an element requires.
    pub fn of_binding(&self, element: &Value) -> Result<Option<String>, Problem> {
        let Some(url) = required_value_set(element) else {
            return Ok(None);
        };
        let name = name_of(url);
        if NOT_ENUMERABLE.contains(&&*name) {
            return Ok(None);
        }
        ensure(self.by_name.contains_key(&name), || {
            format!("no value set {url}")
        })?;
        Ok(Some(name))
    }

    pub fn get(&self, name: &str) -> Option<&Vec<String>> {
        self.by_name.get(name)
    }

    /// The value sets that the elements of these tables name.
    pub fn used_by(&self, tables: &Tables) -> Result<BTreeMap<String, Vec<String>>, Problem> {
        let mut used = BTreeMap::new();
        for element in tables.types.values().flat_map(|t| &t.elements) {
            if let Some(name) = &element.codes {
                let codes = self
                    .get(name)
                    .ok_or_else(|| Problem::new(format!("no value set `{name}`")))?;
                used.insert(name.clone(), codes.clone());
            }
        }
        Ok(used)
    }
}

fn required_value_set(element: &Value) -> Option<&str> {
    let binding = element.get("binding")?;
    if optional_text(binding, "strength") != Some("required") {
        return None;
    }
    let canonical = optional_text(binding, "valueSet")?;
    Some(canonical.split('|').next().unwrap_or(canonical))
}

fn name_of(url: &str) -> String {
    url.rsplit('/').next().unwrap_or(url).to_owned()
}

fn expand(set: &Value, systems: &HashMap<&str, &Value>) -> Result<Vec<String>, Problem> {
    let url = text(set, "url")?;
    let compose = set.get("compose").unwrap_or(&Value::Null);
    ensure(items(compose, "exclude").is_empty(), || {
        format!("{url} excludes codes")
    })?;
    let mut codes = Vec::new();
    for include in items(compose, "include") {
        let simple = include.get("filter").is_none() && include.get("valueSet").is_none();
        ensure(simple, || {
            format!("{url} has a filter or another value set")
        })?;
        if include.get("concept").is_some() {
            add_concepts(items(include, "concept"), &mut codes)?;
            continue;
        }
        let system = text(include, "system")?;
        let code_system = systems
            .get(system)
            .ok_or_else(|| Problem::new(format!("{url} needs the code system {system}")))?;
        ensure(
            optional_text(code_system, "content") == Some("complete"),
            || format!("the code system {system} is not complete"),
        )?;
        add_concepts(items(code_system, "concept"), &mut codes)?;
    }
    ensure(!codes.is_empty(), || format!("{url} has no codes"))?;
    Ok(codes)
}

fn add_concepts(concepts: &[Value], codes: &mut Vec<String>) -> Result<(), Problem> {
    for concept in concepts {
        let code = text(concept, "code")?;
        if !codes.iter().any(|c| c == code) {
            codes.push(code.to_owned());
        }
        add_concepts(items(concept, "concept"), codes)?;
    }
    Ok(())
}
