//! The page of the thread rules is what the catalogue says.

use std::path::Path;

use fhirward_engine::thread::catalogue;

#[test]
fn the_page_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/thread-rules.md");
    let wanted = catalogue();
    if std::env::var_os("FHIRWARD_BLESS").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == wanted,
        "docs/thread-rules.md is stale: FHIRWARD_BLESS=1 cargo test -p fhirward-engine --test thread_docs"
    );
}
