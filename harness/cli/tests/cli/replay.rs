//! `policy replay`, plain and compressed, agreeing and not.

use std::io::Write;
use std::path::{Path, PathBuf};

use rstest::rstest;

use crate::support::{Shown, fhirward};

pub fn vectors(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../engine/tests/vectors")
        .join(name)
}

fn replay(arguments: &[&str], file: &Path) -> Shown {
    let mut all = vec!["policy", "replay"];
    all.extend(arguments);
    all.push(file.to_str().unwrap());
    fhirward(&all)
}

fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The sample of one category, with the first recorded status turned into another.
fn altered() -> (tempfile::TempDir, PathBuf, String) {
    let text = std::fs::read_to_string(vectors("uri.jsonl")).unwrap();
    let text = text.replacen("\"status\":200", "\"status\":418", 1);
    let at = text.lines().position(|line| line.contains("418")).unwrap();
    let case: serde_json::Value = serde_json::from_str(text.lines().nth(at).unwrap()).unwrap();
    let (folder, path) = written("uri.jsonl", text.as_bytes());
    let id = case.get("id").and_then(serde_json::Value::as_str).unwrap();
    (folder, path, id.to_owned())
}

#[test]
fn agreement_is_0_and_counts_by_category() {
    let shown = replay(&[], &vectors("uri.jsonl"));
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.stdout.starts_with("uri "), "{shown}");
    assert!(shown.stdout.trim_end().ends_with("100 %"), "{shown}");
}

#[test]
fn a_compressed_file_says_the_same() {
    let plain = std::fs::read(vectors("uri.jsonl")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&plain).unwrap();
    let (_folder, path) = written("uri.jsonl.gz", &packed.finish().unwrap());
    let shown = replay(&[], &path);
    assert_eq!(shown.code, 0, "{shown}");
    assert_eq!(shown.stdout, replay(&[], &vectors("uri.jsonl")).stdout);
}

#[test]
fn a_disagreement_is_4_and_shows_both_sides() {
    let (_folder, path, case) = altered();
    let shown = replay(&[], &path);
    assert_eq!(shown.code, 4, "{shown}");
    assert!(shown.stderr.contains(&case), "{shown}");
    assert!(shown.stderr.contains("recorded:  418"), "{shown}");
    assert!(shown.stderr.contains("predicted: 200"), "{shown}");
    let shown = replay(&["--show", "0"], &path);
    assert!(shown.stderr.contains("1 more"), "{shown}");
    let shown = replay(&["--format", "json"], &path);
    let document: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(document["disagreements"].as_array().unwrap().len(), 1);
    assert_eq!(document["disagreements"][0]["case"], case);
    assert_eq!(document["disagreements"][0]["reason"], "the status differs");
    assert_eq!(
        document["categories"]["uri"]["decisions"],
        document["decisions"]
    );
}

#[test]
fn a_listed_disagreement_is_0() {
    let (folder, path, case) = altered();
    let shown = replay(&["--format", "json"], &path);
    let document: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let list = folder.path().join("known.txt");
    let line = format!(
        "{case} {} a teapot\n",
        document["disagreements"][0]["decision"]
    );
    std::fs::write(&list, line).unwrap();
    let shown = replay(&["--known", list.to_str().unwrap()], &path);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.stderr.contains("1 known"), "{shown}");
    std::fs::write(&list, "without-a-number\n").unwrap();
    let shown = replay(&["--known", list.to_str().unwrap()], &path);
    assert_eq!(shown.code, 1, "{shown}");
}

#[rstest]
#[case::no_category(b"\n{\"id\":\"a\"}\n", "line 2: a case has `category`")]
#[case::no_json(b"{\"id\":\n", "line 1: not JSON")]
#[case::no_text(b"\xff\xfe\n", "line 1: the line is not UTF-8 text")]
fn a_line_that_is_no_case_is_named(#[case] text: &[u8], #[case] told: &str) {
    let (_folder, path) = written("x.jsonl", text);
    let shown = replay(&[], &path);
    assert_eq!(shown.code, 2, "{shown}");
    assert!(shown.stderr.contains(told), "{shown}");
}

/// A recording that breaks off is worth as much as it holds.
#[test]
fn a_broken_line_does_not_throw_away_the_others() {
    let whole = std::fs::read_to_string(vectors("uri.jsonl")).unwrap();
    let last = whole.lines().last().unwrap();
    let broken = format!("{whole}{}\n", &last[..last.len() / 2]);
    let (_folder, path) = written("uri.jsonl", broken.as_bytes());
    let shown = replay(&[], &path);
    assert_eq!(shown.code, 2, "{shown}");
    assert_eq!(shown.stdout, replay(&[], &vectors("uri.jsonl")).stdout);
    assert!(shown.stderr.contains("; 1 line broken"), "{shown}");
    let shown = replay(&["--format", "json"], &path);
    let document: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(document["broken"], 1);
    assert_eq!(
        document["unreadable"][0]["line"],
        broken.lines().count(),
        "{document}"
    );
    assert!(document["agreed"].as_u64().unwrap() > 0);
}

#[test]
fn a_compressed_recording_that_breaks_off_counts_as_far_as_it_goes() {
    let plain = std::fs::read(vectors("uri.jsonl")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    packed.write_all(&plain).unwrap();
    let packed = packed.finish().unwrap();
    let (_folder, path) = written("uri.jsonl.gz", &packed[..packed.len() - 12]);
    let shown = replay(&["--format", "json"], &path);
    assert_eq!(shown.code, 2, "{shown}");
    let document: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(document["broken"], 1);
    assert!(document["agreed"].as_u64().unwrap() > 0, "{document}");
}

/// What is recorded twice must be the same both times.
#[test]
fn a_record_that_contradicts_itself_does_not_agree() {
    let text = std::fs::read_to_string(vectors("uri.jsonl")).unwrap();
    let turned = text.replacen(
        "\"status\":200,\"allowed\":true",
        "\"status\":200,\"allowed\":false",
        1,
    );
    assert_ne!(turned, text, "the sample says what was allowed");
    let (_folder, path) = written("uri.jsonl", turned.as_bytes());
    let shown = replay(&["--format", "json"], &path);
    assert_eq!(shown.code, 4, "{shown}");
    let document: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(
        document["disagreements"][0]["reason"],
        "the record contradicts itself: `allowed` is false, and the status 200"
    );
}

#[test]
fn an_empty_file_has_no_decision() {
    let (_folder, path) = written("x.jsonl", b"");
    assert_eq!(replay(&[], &path).code, 6);
}
