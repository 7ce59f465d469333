//! The published schema, the shipped scenarios and the parser say the same.

#![expect(
    clippy::expect_used,
    reason = "a broken fixture should stop the test where it is"
)]

use std::path::{Path, PathBuf};

use fhirward_harness::client::{Need, Plain};
use fhirward_harness::scenario::{format, page, schema, starter};
use fhirward_harness::{Suite, scenario::Files};
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shipped() -> Files {
    Files::read(&[root().join("scenarios")]).expect("the shipped scenarios")
}

fn yaml(text: &str) -> Value {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).expect("YAML")
}

fn problems(value: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// `FHIRWARD_BLESS=1` writes it.
#[test]
fn the_published_schema_is_the_one_of_the_parser() {
    let file = root().join("docs/schema/scenario.schema.json");
    let generated = format!("{:#}\n", schema());
    if std::env::var("FHIRWARD_BLESS").is_ok() {
        std::fs::write(&file, &generated).expect("written");
    }
    let published = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        published == generated,
        "run with FHIRWARD_BLESS=1 and look at the difference"
    );
}

#[test]
fn every_shipped_file_is_valid_by_the_schema_and_written_in_the_one_way() {
    let files = shipped();
    let scenarios = files.scenarios.iter().map(|(path, text)| (path, text));
    let mut count = 0;
    for (path, text) in scenarios.chain(&files.states) {
        assert_eq!(
            problems(&yaml(text)),
            Vec::<String>::new(),
            "{}",
            path.display()
        );
        assert_eq!(
            &format(path, text).expect("formatted"),
            text,
            "{}",
            path.display()
        );
        count += 1;
    }
    assert!(count >= 30, "only {count} files");
}

#[test]
fn a_starter_passes_the_check_and_the_schema() {
    let made = starter(Path::new("s"), "first", "p", "x.json", false).expect("a starter");
    let mut files = Files::default();
    for (path, text) in &made.files {
        if path.extension().is_some_and(|end| end == "json") {
            files.policies.insert(path.clone(), text.clone());
        } else {
            files.scenarios.push((path.clone(), text.clone()));
            assert_eq!(problems(&yaml(text)), Vec::<String>::new());
            assert_eq!(&format(path, text).expect("formatted"), text);
        }
    }
    assert_eq!(Suite::check(&files).expect("a suite").scenarios.len(), 1);
    assert!(starter(Path::new("s"), "../x", "p", "x.json", true).is_err());
}

/// What the parser refuses for its keys, the schema refuses too, and the other way round.
#[test]
fn a_key_is_known_to_both_or_to_neither() {
    let schema = schema();
    let defs = schema["$defs"].as_object().expect("definitions");
    let step = |key: &str, value: Value| {
        let mut step = json!({ "step": "a", "as": "alice", "read": "${alice}" });
        step[key] = value;
        json!({ "scenario": "flow", "title": "T", "page": "p", "steps": [step] })
    };
    let known: Vec<&String> = defs["step"]["properties"]
        .as_object()
        .expect("keys")
        .keys()
        .collect();
    assert!(known.len() > 40, "{known:?}");
    for key in known {
        let text = step(key, json!("x")).to_string();
        let mut files = Files::default();
        files.scenarios.push(("s/flow.yaml".into(), text));
        let found = match Suite::check(&files) {
            Ok(_) => Vec::new(),
            Err(fhirward_harness::scenario::LoadError::Invalid(found)) => found,
            Err(other) => vec![fhirward_engine::diagnostic::Diagnostic::error(
                "x",
                other.to_string(),
            )],
        };
        let unknown = found
            .iter()
            .any(|finding| finding.code == "scenario/unknown-key");
        assert!(!unknown, "the parser does not know `{key}`");
    }
    assert!(!problems(&step("redd", json!("x"))).is_empty());
}

#[test]
fn the_page_of_a_suite() {
    let mut files = shipped();
    files.scenarios.retain(|(path, _)| {
        path.ends_with("claim-task.yaml") || path.ends_with("page-through-threads.yaml")
    });
    let suite = Suite::check(&files).expect("a suite");
    insta::assert_snapshot!(page(&suite));
}

/// A capability that nobody reads about is one that nobody names.
#[test]
fn every_capability_is_documented() {
    let text = std::fs::read_to_string(root().join("docs/scenario-language.md")).expect("the page");
    let (_, section) = text
        .split_once("\n## What the server must offer\n")
        .expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let missing: Vec<&str> = Plain::ALL
        .iter()
        .map(|(_, word)| *word)
        .filter(|word| !section.contains(&format!("`{word}`")))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
    // And every word of the table is one.
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let words = rows.flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`'));
    for word in words.map(|word| word.trim_matches([',', ' '])) {
        assert!(word.is_empty() || word.parse::<Need>().is_ok(), "{word}");
    }
}

/// A key that nobody reads about is a key that nobody uses.
#[test]
fn every_key_is_documented() {
    let text = std::fs::read_to_string(root().join("docs/scenario-language.md")).expect("the page");
    let schema = schema();
    let mut missing = Vec::new();
    for (id, definition) in schema["$defs"].as_object().expect("definitions") {
        for key in definition["properties"].as_object().expect("keys").keys() {
            let told = [
                format_args!("`{key}`").to_string(),
                format!("`{key}:"),
                format!("{key}: "),
            ]
            .iter()
            .any(|form| text.contains(form.as_str()));
            if !told {
                missing.push(format!("{id}.{key}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// The sample of the report's page has the members of the document, and no others.
#[test]
fn the_sample_of_the_report_has_its_members() {
    let page = std::fs::read_to_string(root().join("docs/report.md")).expect("the page");
    let (_, sample) = page
        .split_once("\n## The JSON document\n")
        .expect("the section");
    let (_, sample) = sample.split_once("```jsonc\n").expect("the sample");
    let (sample, _) = sample.split_once("```").expect("its end");
    let schema =
        std::fs::read_to_string(root().join("docs/schema/report.schema.json")).expect("the schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let members = |part: &Value| -> Vec<String> {
        let keys = part["properties"].as_object().expect("keys").keys();
        keys.cloned().collect()
    };
    let top: Vec<String> = sample
        .lines()
        .filter_map(|line| line.strip_prefix("  \""))
        .filter_map(|line| Some(line.split_once('"')?.0.to_owned()))
        .collect();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(top), sorted(members(&schema)));
    let (_, run) = sample.split_once("\"run\": {").expect("the run");
    let (run, _) = run.split_once('}').expect("its end");
    let run: Vec<String> = run
        .split('"')
        .zip(run.split('"').skip(1))
        .filter(|(before, _)| before.trim_end().ends_with(',') || before.trim().is_empty())
        .map(|(_, name)| name.to_owned())
        .collect();
    assert_eq!(sorted(run), sorted(members(&schema["properties"]["run"])));
}
