//! Rebuilds the tables of `fhirward-spec`.

fn main() {}
