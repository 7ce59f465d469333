//! `policy replay`, plain and compressed, agreeing and not.

use std::io::Write;
use std::path::{Path, PathBuf};

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

#[test]
fn a_line_that_is_no_case_is_named() {
    let (_folder, path) = written("x.jsonl", b"\n{\"id\":\"a\"}\n");
    let shown = replay(&[], &path);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.stderr.contains("line 2"), "{shown}");
    assert!(shown.stderr.contains("a case has `category`"), "{shown}");
    let (_folder, path) = written("x.jsonl", b"{\"id\":\n");
    assert!(replay(&[], &path).stderr.contains("not JSON"));
    let (_folder, path) = written("x.jsonl", b"\xff\xfe\n");
    assert!(replay(&[], &path).stderr.contains("not UTF-8"));
    let (_folder, path) = written("x.jsonl", b"");
    assert_eq!(replay(&[], &path).code, 6);
}
