//! The profiles in fhir-spec/profiles are what the catalogue of rules says.
//!
//! `FHIRWARD_BLESS=1 cargo test -p fhirward-engine --test profiles` writes them anew.

#![expect(clippy::unwrap_used, reason = "a broken fixture has to fail the test")]

#[cfg(feature = "fhirpath")]
mod verdicts;

use std::path::PathBuf;

use fhirward_engine::profile::{invariants, profiles};
use fhirward_engine::resource::validate;
use serde_json::Value;

fn file(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fhir-spec/profiles");
    folder.join(format!("{name}.json"))
}

fn name(profile: &Value) -> &str {
    profile.get("name").and_then(Value::as_str).unwrap()
}

#[test]
fn the_committed_profiles_are_the_catalogues() {
    for profile in profiles() {
        let text = format!("{}\n", serde_json::to_string_pretty(&profile).unwrap());
        let file = file(name(&profile));
        if std::env::var_os("FHIRWARD_BLESS").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&file).unwrap();
        assert_eq!(committed, text, "{}", file.display());
    }
}

#[test]
fn the_profiles_are_valid_r4() {
    for profile in profiles() {
        assert_eq!(validate(&profile), [], "{}", name(&profile));
    }
}

#[test]
fn every_element_of_a_profile_exists_in_its_type() {
    for profile in profiles() {
        let type_name = profile.get("type").and_then(Value::as_str).unwrap();
        let type_def = fhirward_spec::spec().resource(type_name).unwrap();
        let elements = profile.pointer("/differential/element").unwrap();
        let paths = elements.as_array().unwrap().iter();
        let paths = paths.map(|e| e.get("path").and_then(Value::as_str).unwrap());
        let mut last = None;
        for path in paths.skip(1) {
            let element = path.strip_prefix(&format!("{type_name}.")).unwrap();
            let place = type_def.elements.iter().position(|e| *e.name == *element);
            assert!(place.is_some(), "{path}");
            // A differential keeps the order of the type.
            assert!(place > last, "{path}");
            last = place;
        }
    }
}

#[test]
fn every_profile_has_rules() {
    let ids = |profile| -> Vec<&str> { invariants(profile).map(|(rule, _)| rule.id).collect() };
    insta::assert_yaml_snapshot!(serde_json::json!({
        "ThreadHeader": ids("ThreadHeader"),
        "ThreadMessage": ids("ThreadMessage"),
        "ThreadCorrection": ids("ThreadCorrection"),
        "ThreadReceiptTask": ids("ThreadReceiptTask"),
    }));
}
