//! The overlay: what Medplum added to the published R4 files, and what newer servers add.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::bundle::{read_json, texts};
use crate::codes::ValueSets;
use crate::params::split;
use crate::problem::{Problem, ensure};
use crate::tables::{ElementRow, ParamRow, Tables, TypeRow};

/// `overlay/published-additions.json`
#[derive(Debug)]
pub struct Additions {
    elements: Vec<String>,
    pub search_parameters: Vec<String>,
    corrections: Vec<(String, Vec<Value>)>,
}

impl Additions {
    pub fn read(file: &Path) -> Result<Self, Problem> {
        let json = read_json(file)?;
        let owned = |name| texts(&json, name).into_iter().map(str::to_owned).collect();
        let mut corrections = Vec::new();
        for correction in crate::bundle::items(&json, "corrections") {
            let id = crate::bundle::text(correction, "searchParameter")?;
            let components = crate::bundle::items(correction, "components");
            corrections.push((id.to_owned(), components.to_vec()));
        }
        Ok(Additions {
            elements: owned("elements"),
            search_parameters: owned("searchParameters"),
            corrections,
        })
    }

    /// The right components of a search parameter that is published with wrong ones.
    pub fn corrected_components(&self, id: &str) -> Option<&[Value]> {
        self.corrections
            .iter()
            .find(|(corrected, _)| corrected == id)
            .map(|(_, components)| &**components)
    }

    /// Moves the listed elements, and the backbones they are, from R4 to the overlay.
    pub fn take_elements(&self, r4: &mut Tables, medplum: &mut Tables) -> Result<(), Problem> {
        for path in &self.elements {
            let missing = || Problem::new(format!("the source has no element `{path}`"));
            let (parent, name) = path.rsplit_once('.').ok_or_else(missing)?;
            if medplum.types.contains_key(path) || medplum.types.contains_key(parent) {
                // Its backbone went before it.
                if let Some(row) = medplum.types.get(parent)
                    && row.elements.iter().any(|e| e.name == name)
                {
                    continue;
                }
            }
            let row = r4.types.get_mut(parent).ok_or_else(missing)?;
            let at = row.elements.iter().position(|e| e.name == name);
            let element = row.elements.remove(at.ok_or_else(missing)?);
            let overlaid = overlaid(medplum, parent, row);
            overlaid.elements.push(element);
            if let Some(backbone) = r4.types.remove(path) {
                medplum.types.insert(path.clone(), backbone);
            }
        }
        Ok(())
    }
}

/// The overlay's row of a type that R4 has.
fn overlaid<'m>(medplum: &'m mut Tables, name: &str, r4: &TypeRow) -> &'m mut TypeRow {
    medplum
        .types
        .entry(name.to_owned())
        .or_insert_with(|| TypeRow {
            kind: r4.kind,
            base: r4.base.clone(),
            elements: Vec::new(),
        })
}

/// `overlay/newer-medplum.json`
#[derive(Debug, Deserialize)]
pub struct Newer {
    codes: BTreeMap<String, Vec<String>>,
    elements: Vec<NewerElement>,
    optional: Vec<String>,
    #[serde(rename = "searchParameters")]
    search_parameters: Vec<NewerParam>,
}

#[derive(Debug, Deserialize)]
struct NewerElement {
    path: String,
    min: u32,
    max: Option<u32>,
    types: String,
    #[serde(default)]
    codes: Option<String>,
}

#[derive(Debug, Deserialize)]
struct NewerParam {
    code: String,
    base: Vec<String>,
    #[serde(rename = "type")]
    param_type: String,
    expression: String,
    #[serde(default)]
    target: Vec<String>,
}

impl Newer {
    pub fn read(file: &Path) -> Result<Self, Problem> {
        let name = file.display();
        serde_json::from_value(read_json(file)?)
            .map_err(|e| Problem::new(format!("{name} has the wrong shape: {e}")))
    }

    pub fn add_elements(&self, r4: &Tables, medplum: &mut Tables) -> Result<(), Problem> {
        for element in &self.elements {
            let path = &element.path;
            let parent = path.rsplit_once('.');
            let (parent, name) =
                parent.ok_or_else(|| Problem::new(format!("`{path}` is no path")))?;
            let mut types = element.types.clone();
            if types == "BackboneElement" {
                let row = TypeRow {
                    kind: "backbone",
                    base: Some(types),
                    elements: Vec::new(),
                };
                medplum.types.insert(path.clone(), row);
                types = path.clone();
            }
            let row = match r4.types.get(parent) {
                Some(r4) => overlaid(medplum, parent, r4),
                None => medplum
                    .types
                    .get_mut(parent)
                    .ok_or_else(|| Problem::new(format!("`{path}` has no parent type")))?,
            };
            ensure(!row.elements.iter().any(|e| e.name == name), || {
                format!("the source has `{path}` already")
            })?;
            row.elements.push(ElementRow {
                name: name.to_owned(),
                min: element.min,
                max: element.max,
                types,
                codes: element.codes.clone(),
            });
        }
        for path in &self.optional {
            let element = path.rsplit_once('.').and_then(|(parent, name)| {
                let row = medplum.types.get_mut(parent)?;
                row.elements.iter_mut().find(|e| e.name == name)
            });
            match element {
                Some(element) => element.min = 0,
                None => return Err(Problem::new(format!("the source has no `{path}`"))),
            }
        }
        Ok(())
    }

    pub fn add_params(&self, medplum: &mut Tables) -> Result<(), Problem> {
        for param in &self.search_parameters {
            let bases: Vec<&str> = param.base.iter().map(String::as_str).collect();
            let id = format!("{}-{}", bases.join("-"), param.code);
            medplum.params.push(ParamRow {
                code: param.code.clone(),
                param_type: param.param_type.clone(),
                targets: param.target.clone(),
                bases: split(&id, &bases, &param.expression)?,
                components: Vec::new(),
            });
        }
        Ok(())
    }

    /// The value sets that the overlay's elements name: its own or published ones.
    pub fn codes(
        &self,
        published: &ValueSets,
        medplum: &Tables,
    ) -> Result<BTreeMap<String, Vec<String>>, Problem> {
        let mut used = BTreeMap::new();
        for element in medplum.types.values().flat_map(|t| &t.elements) {
            if let Some(name) = &element.codes {
                let codes = self.codes.get(name).or_else(|| published.get(name));
                let codes = codes.ok_or_else(|| Problem::new(format!("no value set `{name}`")))?;
                used.insert(name.clone(), codes.clone());
            }
        }
        Ok(used)
    }
}
