//! `thread check`, good input and bad.

use std::io::Write;
use std::process::Stdio;

use crate::support::{command, fhirward, fixtures};
use insta::assert_snapshot;

#[test]
fn accepts_a_thread() {
    assert_snapshot!(fhirward(&["thread", "check", "resources/thread.ndjson"]));
}

#[test]
fn shows_each_broken_rule_in_its_place() {
    assert_snapshot!(fhirward(&[
        "thread",
        "check",
        "resources/thread.ndjson",
        "resources/invalid.json"
    ]));
}

#[test]
fn as_json() {
    assert_snapshot!(fhirward(&[
        "thread",
        "check",
        "--format",
        "json",
        "resources/thread.ndjson",
        "resources/invalid.json"
    ]));
}

#[test]
fn what_is_no_json_is_invalid() {
    let shown = fhirward(&["thread", "check", "policies/broken.json"]);
    assert_eq!(shown.code, 2, "{shown}");
}

#[test]
fn a_folder_without_json_selects_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let shown = fhirward(&["thread", "check", folder.path().to_str().unwrap()]);
    assert_eq!(shown.code, 6, "{shown}");
}

#[test]
fn places_in_ndjson_from_standard_input_are_lines_of_the_whole() {
    let mut command = command(&fixtures(), &["thread", "check", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = std::fs::read_to_string(fixtures().join("resources/thread.ndjson")).unwrap();
    text.push_str("{\"resourceType\": \"Communication\", \"status\": \"open\"}\n");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("<stdin>:3:"), "{stderr}");
    assert_eq!(output.status.code(), Some(4));
}
