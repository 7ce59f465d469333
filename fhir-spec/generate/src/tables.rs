//! The tables, as they are written.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What one data file holds.
#[derive(Debug, Default)]
pub struct Tables {
    pub codes: BTreeMap<String, Vec<String>>,
    /// By name. `compact` takes out what is inherited.
    pub types: BTreeMap<String, TypeRow>,
    pub params: Vec<ParamRow>,
    pub compartments: Vec<CompartmentRow>,
}

/// A compartment's name, and per resource type the codes of the parameters.
pub type CompartmentRow = (String, Vec<(String, Vec<String>)>);

#[derive(Debug, Clone)]
pub struct TypeRow {
    pub kind: &'static str,
    pub base: Option<String>,
    pub elements: Vec<ElementRow>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementRow {
    pub name: String,
    pub min: u32,
    pub max: Option<u32>,
    pub types: String,
    pub codes: Option<String>,
}

#[derive(Debug, Clone)]
pub struct ParamRow {
    pub code: String,
    pub param_type: String,
    pub targets: Vec<String>,
    pub bases: Vec<(String, String)>,
    pub components: Vec<(String, String, String)>,
}

impl Tables {
    pub fn resource_count(&self) -> usize {
        self.types.values().filter(|t| t.kind == "resource").count()
    }

    pub fn element_count(&self) -> usize {
        self.types.values().map(|t| t.elements.len()).sum()
    }

    /// Takes out the elements that the base type has just the same.
    pub fn compact(&mut self) {
        let full = self.types.clone();
        for row in self.types.values_mut() {
            let base = row.base.as_ref().and_then(|base| full.get(base));
            if let Some(base) = base {
                row.elements.retain(|e| !base.elements.contains(e));
            }
        }
    }

    /// One record a line, so that differences can be read.
    pub fn to_json(&self) -> String {
        let mut order = Vec::new();
        for name in self.types.keys() {
            self.bases_first(name, &mut order);
        }
        let types = order
            .into_iter()
            .filter_map(|name| self.types.get(name).map(|row| (name, row)))
            .map(|(name, row)| {
                let elements: Vec<Value> = row.elements.iter().map(ElementRow::to_value).collect();
                json!([name, row.kind, row.base, elements])
            });
        let params = self.params.iter().map(|p| {
            let targets = p.targets.join(",");
            if p.components.is_empty() {
                json!([p.code, p.param_type, targets, p.bases])
            } else {
                json!([p.code, p.param_type, targets, p.bases, p.components])
            }
        });
        let mut text = String::from("{\n");
        section(&mut text, "codes", self.codes.iter().map(|c| json!(c)));
        text.push_str(",\n");
        section(&mut text, "types", types);
        text.push_str(",\n");
        section(&mut text, "params", params);
        text.push_str(",\n");
        section(
            &mut text,
            "compartments",
            self.compartments.iter().map(|c| json!(c)),
        );
        text.push_str("\n}\n");
        text
    }

    fn bases_first<'t>(&'t self, name: &'t str, order: &mut Vec<&'t str>) {
        if order.contains(&name) {
            return;
        }
        if let Some(base) = self.types.get(name).and_then(|t| t.base.as_deref()) {
            self.bases_first(base, order);
        }
        order.push(name);
    }
}

impl ElementRow {
    fn to_value(&self) -> Value {
        match &self.codes {
            None => json!([self.name, self.min, self.max, self.types]),
            Some(codes) => json!([self.name, self.min, self.max, self.types, codes]),
        }
    }
}

fn section(text: &mut String, name: &str, records: impl Iterator<Item = Value>) {
    text.push_str(&format!("\"{name}\":["));
    for (n, record) in records.enumerate() {
        text.push_str(if n == 0 { "\n" } else { ",\n" });
        text.push_str(&record.to_string());
    }
    text.push(']');
}
