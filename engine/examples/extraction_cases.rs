//! Prints what `peers/fhirpath` is asked: one line a resource, with the search parameters of its
//! type and their expressions. First HL7's examples, then a generated resource for each path of
//! each parameter.

#![expect(clippy::unwrap_used, reason = "a development tool on its own fixtures")]

use std::io::Write as _;

use fhirward_spec::spec;
use serde_json::{Value, json};

#[path = "../tests/extraction/cases.rs"]
mod cases;
#[path = "../tests/support/mod.rs"]
mod support;

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for resource in cases::all() {
        let kind = resource
            .get("resourceType")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let params: serde_json::Map<String, Value> = spec()
            .search_params(kind)
            .map(|param| (param.code.to_string(), json!(param.expression)))
            .collect();
        writeln!(out, "{}", json!({"resource": resource, "params": params}))?;
    }
    out.flush()
}
