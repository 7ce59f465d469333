//! `docs/rules` is what the rules themselves say. `FHIRWARD_BLESS=1 cargo test -p fhirward rule_pages`
//! writes it anew.

use std::collections::BTreeMap;
use std::path::Path;

use fhirward_engine::lint::{Category, catalogue, page};

/// Every page and the index, by file name.
fn pages() -> BTreeMap<String, String> {
    let mut pages: BTreeMap<String, String> = catalogue::all()
        .iter()
        .map(|rule| (format!("{}.md", rule.slug), page(rule)))
        .collect();
    pages.insert("README.md".to_owned(), index());
    pages
}

fn index() -> String {
    let mut out = String::from(
        "# The rules of `fhirward policy check`\n\n\
         `fhirward policy check --explain L01` prints a page. These are made from the rules: \
         `FHIRWARD_BLESS=1 cargo test -p fhirward rule_pages` writes them anew.\n",
    );
    for category in Category::ALL {
        let rules: Vec<_> = catalogue::all()
            .iter()
            .filter(|rule| rule.category == category)
            .collect();
        if rules.is_empty() {
            continue;
        }
        out.push_str(&format!(
            "\n## {category}\n\n| | level | rule | finds |\n|---|---|---|---|\n"
        ));
        for rule in rules {
            out.push_str(&format!(
                "| {} | {} | [{}]({}.md) | {} |\n",
                rule.id,
                rule.level,
                rule.slug,
                rule.slug,
                rule.summary.replace('|', "\\|")
            ));
        }
    }
    out
}

#[test]
fn rule_pages_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules");
    let pages = pages();
    if std::env::var_os("FHIRWARD_BLESS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for entry in std::fs::read_dir(&folder).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for (name, text) in &pages {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }
    let mut stale = Vec::new();
    for (name, text) in &pages {
        let written = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        if written != *text {
            stale.push(name.clone());
        }
    }
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !pages.contains_key(&name) {
            stale.push(format!("{name} (no rule has this page)"));
        }
    }
    assert!(
        stale.is_empty(),
        "stale: {stale:?}; run `FHIRWARD_BLESS=1 cargo test -p fhirward rule_pages`"
    );
}
