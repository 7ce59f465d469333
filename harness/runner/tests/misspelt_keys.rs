//! One misspelt key is one finding: what follows from it is not told too.

use std::collections::BTreeSet;
use std::path::PathBuf;

use fhirward_harness::Suite;
use fhirward_harness::scenario::{Files, LoadError};
use rstest::rstest;

/// The key that a line of a scenario begins with, if it is one of the file or of a step.
fn key(line: &str) -> Option<&str> {
    let rest = match line.strip_prefix("  - ").or(line.strip_prefix("    ")) {
        Some(rest) => rest,
        None => line,
    };
    let (key, _) = rest.split_once(':')?;
    (!key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')).then_some(key)
}

/// The text with the key of one line misspelt, for the first line of each key.
fn misspelt(text: &str) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    let longer = |key: &str| format!("{key}s");
    let shorter = |key: &str| key.chars().take(key.len() - 1).collect();
    for (at, line) in text.lines().enumerate() {
        let Some(key) = key(line).filter(|key| key.len() > 3 && seen.insert(key.to_owned())) else {
            continue;
        };
        for wrong in [longer(key), shorter(key)] {
            let lines = text.lines().enumerate().map(|(n, line)| {
                if n == at {
                    line.replacen(key, &wrong, 1)
                } else {
                    line.to_owned()
                }
            });
            all.push((wrong.clone(), lines.map(|line| line + "\n").collect()));
        }
    }
    all
}

#[rstest]
#[case::searches("searching-and-querying-threads/my-threads")]
#[case::captures("creating-your-first-thread/post-first-message")]
#[case::races("message-response-tracking-and-routing/claim-task")]
#[case::grants("thread-lifecycle-participants-access-control/added-participant-without-policy")]
#[case::sinks("messaging-automations/ooo-subscription")]
#[case::needs("external-messaging-integration-patterns/webhook-redelivery-dedup")]
#[case::eventually("searching-and-querying-threads/live-updates-websocket")]
fn one_misspelt_key_is_one_finding(#[case] scenario: &str) {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios"));
    let path = folder.join(scenario).with_extension("yaml");
    let files = Files::read(&[path]).unwrap_or_else(|error| panic!("{error:?}"));
    let [(path, text)] = &files.scenarios[..] else {
        panic!("one file");
    };
    let wrong = misspelt(text);
    assert!(wrong.len() > 10, "{}", wrong.len());
    for (key, text) in wrong {
        let mut files = files.clone();
        files.scenarios = vec![(path.clone(), text)];
        match Suite::check(&files) {
            Ok(_) => panic!("`{key}` is no mistake"),
            Err(LoadError::Invalid(findings)) => {
                let messages: Vec<_> = findings.iter().map(|f| (f.code, &f.message)).collect();
                assert!(
                    matches!(messages[..], [("scenario/unknown-key", _)]),
                    "{key}: {messages:#?}"
                );
            }
            Err(other) => panic!("{other}"),
        }
    }
}
