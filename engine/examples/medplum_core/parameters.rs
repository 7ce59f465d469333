//! The engine's search parameters against those that Medplum publishes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fhirward_engine::medplum::Version;
use fhirward_engine::medplum::parameters::{param_type, search_param, single_target};
use fhirward_spec::spec;
use serde_json::Value;

use crate::Fault;

const FILES: [&str; 2] = ["search-parameters.json", "search-parameters-medplum.json"];

/// A parameter as it is published.
struct Published {
    kind: String,
    targets: BTreeSet<String>,
}

/// Holds both sides against each other; true when each difference is listed, and each listed one
/// occurs. A line of `known` is `Type?code word`, and the cause.
pub fn run(definitions: &str, known: &str) -> Result<bool, Fault> {
    let mut published: BTreeMap<String, Published> = BTreeMap::new();
    for file in FILES {
        let text = std::fs::read_to_string(Path::new(definitions).join(file))?;
        let bundle: Value = serde_json::from_str(&text)?;
        for param in list(&bundle, "entry").filter_map(|entry| entry.get("resource")) {
            for base in list(param, "base").filter_map(Value::as_str) {
                let word = |name: &str| param.get(name).and_then(Value::as_str).unwrap_or_default();
                let targets = list(param, "target")
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect();
                let kind = word("type").to_owned();
                published.insert(
                    format!("{base}?{}", word("code")),
                    Published { kind, targets },
                );
            }
        }
    }
    let features = Version::V5_2.features();
    let (mut found, mut ours) = (BTreeSet::new(), 0);
    for kind in spec().resource_types() {
        let own = spec()
            .search_params(kind)
            .map(|param| param.code.to_string());
        let theirs = published
            .keys()
            .filter_map(|name| name.strip_prefix(kind)?.strip_prefix('?'))
            .map(str::to_owned);
        let codes: BTreeSet<String> = own.chain(theirs).filter(|c| !c.starts_with('_')).collect();
        for code in codes {
            let name = format!("{kind}?{code}");
            let difference = match (search_param(kind, &code, &features), published.get(&name)) {
                (None, Some(_)) => "missing",
                (Some(_), None) => "ours-alone",
                (Some(param), Some(other)) if param_type(param).code() != other.kind => "type",
                // Which targets there are matters where it is one.
                (Some(param), Some(other)) => match (single_target(param), &other.targets) {
                    (Some(one), targets) if targets.len() != 1 || !targets.contains(one) => {
                        "target"
                    }
                    (None, targets) if targets.len() == 1 && other.kind == "reference" => "target",
                    _ => "",
                },
                (None, None) => "",
            };
            ours += 1;
            if !difference.is_empty() {
                found.insert(format!("{name} {difference}"));
            }
        }
    }
    let listed = listed(known)?;
    for difference in found.difference(&listed) {
        println!("not listed: {difference}");
    }
    for difference in listed.difference(&found) {
        println!("listed, but it does not occur: {difference}");
    }
    println!(
        "{} search parameters of the engine, {} differ, {} are listed",
        ours,
        found.len(),
        listed.len()
    );
    Ok(found == listed)
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn listed(file: &str) -> Result<BTreeSet<String>, Fault> {
    let mut all = BTreeSet::new();
    for line in std::fs::read_to_string(file)?.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(name), Some(word), Some(_)) => all.insert(format!("{name} {word}")),
            _ => return Err(format!("`{line}` in {file} has no cause").into()),
        };
    }
    Ok(all)
}
