//! The sample of recorded decisions in `tests/vectors`, predicted one by one.

use std::collections::BTreeSet;
use std::path::Path;

use fhirward_engine::medplum::replay::{Comparison, replay};

#[test]
fn every_recorded_decision_is_predicted_or_its_cause_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let known = std::fs::read_to_string(folder.join("known.txt")).unwrap();
    let mut known: BTreeSet<(String, usize)> = known
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let mut words = line.split_whitespace();
            let case = words.next().unwrap().to_owned();
            let decision = words.next().unwrap().parse().unwrap();
            assert!(words.next().is_some(), "`{line}` has no cause");
            (case, decision)
        })
        .collect();
    let (mut decisions, mut categories) = (0, BTreeSet::new());
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().and_then(|e| e.to_str()) != Some("jsonl") {
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let case = replay(line).unwrap();
            categories.insert(case.category.clone());
            for decision in case.decisions {
                decisions += 1;
                let unevaluated = cfg!(not(feature = "fhirpath"))
                    && decision.comparison == Comparison::Unknown
                    && decision.reason.contains("feature `fhirpath`");
                let agreed = decision.comparison == Comparison::Agreed;
                let listed = known.remove(&(case.id.clone(), decision.index));
                if listed == agreed && !unevaluated {
                    wrong.push(format!("{} {decision:#?}", case.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(known.is_empty(), "listed, but not there: {known:?}");
    assert_eq!(categories.len(), 31);
    assert!(decisions > 700, "{decisions} decisions");
}

#[test]
fn a_case_that_is_none_says_why() {
    let fault = |line: &str| replay(line).unwrap_err().0;
    assert!(fault("{").starts_with("not JSON"));
    assert_eq!(fault("{}"), "a case has `id`");
    assert_eq!(
        fault(r#"{"id":"a","category":"b"}"#),
        "a case has `decisions`"
    );
    assert_eq!(
        fault(r#"{"id":"a","category":"b","decisions":[{"interaction":"read"}]}"#),
        "decision 0 has no `interaction` or no `status`"
    );
    assert_eq!(
        fault(r#"{"id":"a","category":"b","decisions":[]}"#),
        "a case has `resources`"
    );
}
