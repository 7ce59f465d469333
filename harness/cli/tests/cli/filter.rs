//! `policy filter`: what of an export is shown, as what, and what is said of the rest.

use std::io::Write;

use crate::support::{Shown, command, fhirward, fixtures, run};
use insta::assert_snapshot;
use rstest::rstest;

const HOUSE: [&str; 6] = [
    "policy",
    "filter",
    "--policy",
    "policies/participant.json",
    "--profile",
    "Practitioner/house",
];

fn filter(arguments: &[&str]) -> Shown {
    let mut all = HOUSE.to_vec();
    all.extend(arguments);
    fhirward(&all)
}

#[test]
fn visible_resources_are_printed_as_they_are_written() {
    let shown = filter(&["exports/clinic.ndjson"]);
    let text = std::fs::read_to_string(fixtures().join("exports/clinic.ndjson")).unwrap();
    let visible: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("Practitioner/house"))
        .collect();
    assert_eq!(shown.stdout.lines().collect::<Vec<_>>(), visible);
    assert_eq!(visible.len(), 2);
    assert_eq!(shown.code, 0, "{shown}");
    assert_eq!(
        shown.stderr.trim(),
        "2 of 4 resources visible to Practitioner/house by read"
    );
}

/// R.9: the entry that allows it decides what is hidden.
#[test]
fn hidden_fields_are_left_out() {
    assert_snapshot!(fhirward(&[
        "policy",
        "filter",
        "--policy",
        "policies/without-notes.json",
        "--profile",
        "Practitioner/house",
        "exports/clinic.ndjson",
    ]));
}

/// R.9, and the limit of the reader that decides: a resource as deep as it takes is masked like any other.
#[test]
fn hidden_fields_are_left_out_of_the_deepest_resource() {
    let arrays = 126;
    let line = format!(
        "{{\"resourceType\":\"Communication\",\"status\":\"completed\",\"recipient\":[{{\"reference\":\"Practitioner/house\"}}],\"note\":[{{\"text\":\"x\"}}],\"deep\":{}{}}}\n",
        "[".repeat(arrays),
        "]".repeat(arrays)
    );
    let mut file = tempfile::Builder::new()
        .suffix(".ndjson")
        .tempfile()
        .unwrap();
    file.write_all(line.as_bytes()).unwrap();
    let path = file.path().display().to_string();
    let deepest = filter(&[&path]);
    assert_eq!(deepest.code, 0, "{deepest}");
    let masked = fhirward(&[
        "policy",
        "filter",
        "--policy",
        "policies/without-notes.json",
        "--profile",
        "Practitioner/house",
        &path,
    ]);
    assert_eq!(masked.code, 0, "{masked}");
    assert!(masked.stdout.contains("[[[["), "{masked}");
    assert!(!masked.stdout.contains("note"), "{masked}");
}

#[test]
fn a_summary_as_json() {
    assert_snapshot!(filter(&["--format", "json", "exports/clinic.ndjson"]));
}

#[test]
fn broken_lines_are_named_and_not_shown() {
    assert_snapshot!(filter(&["exports/broken.ndjson"]));
}

#[test]
fn broken_lines_as_json() {
    assert_snapshot!(filter(&["--format", "json", "exports/broken.ndjson"]));
}

#[test]
fn a_compressed_export_says_the_same() {
    let plain = std::fs::read(fixtures().join("exports/clinic.ndjson")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&plain).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clinic.ndjson.gz");
    std::fs::write(&path, packed.finish().unwrap()).unwrap();
    let shown = filter(&[path.to_str().unwrap()]);
    assert_eq!(shown.stdout, filter(&["exports/clinic.ndjson"]).stdout);
    assert_eq!(shown.code, 0, "{shown}");

    // Half of it is an error, after what could be read.
    let half = std::fs::read(&path).unwrap();
    std::fs::write(&path, half.get(..half.len() / 2).unwrap()).unwrap();
    let shown = filter(&[path.to_str().unwrap()]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.stderr.contains("cannot read"), "{shown}");
}

/// A line of bytes that are no text, and one that is longer than the limit.
#[test]
fn lines_that_are_no_text_are_broken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ndjson");
    let mut text = b"\xff\n".to_vec();
    text.extend(br#"{"resourceType":"Communication","sender":{"reference":"Practitioner/house"}}"#);
    std::fs::write(&path, text).unwrap();
    let shown = filter(&[path.to_str().unwrap()]);
    assert_eq!(shown.code, 2, "{shown}");
    assert!(
        shown.stderr.contains("line 1: byte 0 fits no character"),
        "{shown}"
    );
    assert_eq!(shown.stdout.lines().count(), 1);
}

#[test]
fn nothing_in_the_file_is_6() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.ndjson");
    std::fs::write(&path, "\n\n").unwrap();
    assert_eq!(filter(&[path.to_str().unwrap()]).code, 6);
}

/// An entry that is broken grants nothing, and the exit code says so.
#[test]
fn a_broken_policy_shows_nothing_and_is_2() {
    let shown = fhirward(&[
        "policy",
        "filter",
        "--policy",
        "policies/chain.json",
        "--profile",
        "Practitioner/house",
        "exports/clinic.ndjson",
    ]);
    assert_eq!(shown.code, 2, "{shown}");
    assert_eq!(shown.stdout, "");
}

#[test]
fn only_seeing_can_be_asked() {
    let shown = filter(&["--interaction", "update", "exports/clinic.ndjson"]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.stderr.contains("by read or by search"), "{shown}");
}

#[test]
fn standard_input_is_a_dash() {
    let mut all = HOUSE.to_vec();
    all.push("-");
    let mut command = command(&fixtures(), &all);
    let file = std::fs::File::open(fixtures().join("exports/clinic.ndjson")).unwrap();
    command.stdin(file);
    let shown = run(command);
    assert_eq!(shown.stdout, filter(&["exports/clinic.ndjson"]).stdout);
}

/// Resources in a Bundle were decided on by nobody, so that no line shows one, however it is written.
#[rstest]
#[case::bundle(
    r#"{"resourceType":"Bundle","id":"b","entry":[{"resource":{"resourceType":"Login"}}]}"#,
    2,
    ""
)]
#[case::escaped(r#"{"resourceType":"B\u0075ndle","id":"b"}"#, 2, "")]
#[case::a_word_of_a_text(
    r#"{"resourceType":"Patient","id":"p","name":[{"text":"Bundle"}]}"#,
    0,
    "Patient/p"
)]
#[case::without_id(r#"{"resourceType":"Patient"}"#, 0, "Patient on line 1")]
#[case::without_type(r#"{"resourceType":"","id":"p"}"#, 0, "")]
fn what_everything_shows(#[case] line: &str, #[case] code: i32, #[case] ids: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (policy, export) = (folder.path().join("p.json"), folder.path().join("e.ndjson"));
    let all = r#"{"resourceType":"AccessPolicy","resource":[{"resourceType":"*"}]}"#;
    std::fs::write(&policy, all).unwrap();
    std::fs::write(&export, line).unwrap();
    let shown = fhirward(&[
        "policy",
        "filter",
        "--policy",
        policy.to_str().unwrap(),
        "--profile",
        "Practitioner/house",
        "--format",
        "json",
        export.to_str().unwrap(),
    ]);
    assert_eq!(shown.code, code, "{shown}");
    let document: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let names: Vec<&str> = document["ids"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|id| id.as_str())
        .collect();
    assert_eq!(names.join(" "), ids, "{shown}");
}

#[test]
fn a_file_that_is_not_there() {
    let shown = filter(&["exports/clinik.ndjson"]);
    assert_eq!(shown.code, 1, "{shown}");
    for text in [
        "file/missing",
        "there is no file",
        "did you mean `exports/clinic.ndjson`?",
    ] {
        assert!(shown.stderr.contains(text), "{shown}");
    }
}
