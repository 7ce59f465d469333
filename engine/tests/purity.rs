//! Nothing in the engine or in its tables touches the world, or stands between threads: so they
//! build for `wasm32-unknown-unknown` and answer the same everywhere. ARCHITECTURE, invariant 1.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its case fails"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// What a pure crate has no use for, and why it is missed in a browser or between threads.
const FORBIDDEN: [&str; 13] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time",
    "std::io",
    "SystemTime",
    "Instant::now",
    "println!",
    "Mutex<",
    "RwLock<",
    "RefCell<",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The lines of a source that are code: no comment, and nothing of its own tests.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.trim_start().starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn the_engine_does_not_touch_the_world() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("../fhir-spec/src"), &mut files);
    assert!(files.len() > 40, "only {} sources found", files.len());
    let mut touched = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in code(&text) {
            for word in FORBIDDEN.iter().filter(|word| line.contains(**word)) {
                touched.push(format!("{}:{}: {word}", file.display(), number + 1));
            }
        }
    }
    assert!(touched.is_empty(), "{}", touched.join("\n"));
}

#[test]
fn the_search_for_what_is_forbidden_finds_it() {
    let text = "// std::fs in a comment\nuse std::fs;\n#[cfg(test)]\nuse std::io;\n";
    let lines: Vec<usize> = code(text).map(|(number, _)| number).collect();
    assert_eq!(lines, [1]);
}
