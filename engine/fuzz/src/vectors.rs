//! Recorded decisions: any line is replayed or refused with a reason.

use fhirward_engine::medplum::replay;

/// The law.
pub fn holds(text: &str) {
    match replay::replay(text) {
        Ok(case) => {
            let again = replay::replay(text).map(|case| format!("{case:?}"));
            assert_eq!(again.ok(), Some(format!("{case:?}")));
        }
        Err(bad) => assert!(!bad.0.is_empty()),
    }
}
