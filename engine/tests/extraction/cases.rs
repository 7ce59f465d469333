//! The resources over which extraction is compared.

use std::io::Read as _;

use fhirward_spec::spec;
use serde_json::Value;

use crate::support::generate;

/// HL7's R4 examples, and a generated resource for each path of each search parameter.
pub fn all() -> Vec<Value> {
    let mut all = examples();
    for kind in spec().resource_types() {
        for param in spec().search_params(kind) {
            for sample in generate::samples(kind, param) {
                all.push(sample.resource);
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|resource| seen.insert(resource.to_string()));
    all
}

/// HL7's examples of R4.
pub fn examples() -> Vec<Value> {
    let text = inflate(include_bytes!("r4-examples.ndjson.gz"));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The text of a gzip file.
pub fn inflate(packed: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_string(&mut text)
        .unwrap();
    text
}
