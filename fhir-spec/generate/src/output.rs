//! Writing the data files, or comparing them with what is committed.

use std::fs;
use std::path::Path;

use crate::problem::{Problem, ensure};

const BEST_COMPRESSION: u8 = 10;
const MAX_DIFFERENCES: usize = 20;

pub fn write(file: &Path, json: &str) -> Result<(), Problem> {
    let data = compressed(json);
    eprintln!(
        "{}: {} bytes of JSON, {} compressed",
        file.display(),
        json.len(),
        data.len()
    );
    fs::write(file, data).map_err(|e| Problem::new(format!("cannot write {}: {e}", file.display())))
}

pub fn check(file: &Path, json: &str) -> Result<(), Problem> {
    let name = file.display();
    let committed = fs::read(file).map_err(|e| Problem::new(format!("cannot read {name}: {e}")))?;
    let inflated = miniz_oxide::inflate::decompress_to_vec_zlib(&committed)
        .map_err(|e| Problem::new(format!("{name} cannot be inflated: {e}")))?;
    let inflated = String::from_utf8_lossy(&inflated);
    let differences = differences(&inflated, json);
    ensure(differences.is_empty(), || {
        format!(
            "{name} is not what the definitions give (- committed, + generated):\n{differences}"
        )
    })?;
    ensure(committed == compressed(json), || {
        format!("{name} holds the right text, compressed in another way; generate it again")
    })
}

fn compressed(json: &str) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(json.as_bytes(), BEST_COMPRESSION)
}

/// The lines that only one side has; a line is a record.
fn differences(committed: &str, generated: &str) -> String {
    let bare = |line: &str| line.trim_end_matches([',', ']']).to_owned();
    let left: Vec<String> = committed.lines().map(bare).collect();
    let right: Vec<String> = generated.lines().map(bare).collect();
    let only = |sign: char, these: &[String], those: &[String]| -> Vec<String> {
        let those: std::collections::HashSet<&String> = those.iter().collect();
        these
            .iter()
            .filter(|line| !those.contains(line))
            .map(|line| format!("{sign} {line}"))
            .collect()
    };
    let mut all = only('-', &left, &right);
    all.extend(only('+', &right, &left));
    if all.is_empty() && committed != generated {
        all.push("the same records in another order".to_owned());
    }
    let total = all.len();
    all.truncate(MAX_DIFFERENCES);
    if total > all.len() {
        all.push(format!("… and {} more", total - all.len()));
    }
    all.join("\n")
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn differences_name_the_records() {
        assert_eq!(differences("[\n1,\n2]", "[\n1,\n2]"), "");
        assert_eq!(differences("[\n1,\n2]", "[\n1,\n3]"), "- 2\n+ 3");
        assert!(differences("[\n1,\n2]", "[\n2,\n1]").contains("order"));
    }
}
