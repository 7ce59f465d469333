//! States that scenarios share: built once, watched, removed after the last.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::suite;
use crate::support::{Call, Fake, Fault, limits};
use axum::http::Method;
use fhirward_harness::expect::review;
use fhirward_harness::report::{Event, StateReport, Verdict};
use fhirward_harness::run::{Cancel, SnapshotMode};
use fhirward_harness::{RunOptions, RunOutcome, run};
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Scenarios that look at the thread of the suite; all but one share it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    suite::write(folder.path());
    let put = |name: &str, text: String| {
        std::fs::write(folder.path().join(format!("threads/{name}.yaml")), text).unwrap();
    };
    for (name, given) in [
        ("one", "{ state: thread, share: true }"),
        ("two", "{ state: thread, share: true }"),
        ("three", "{ state: thread, share: true }"),
        ("alone", "{ state: thread, share: false }"),
    ] {
        put(
            name,
            format!(
                "scenario: {name}\ntitle: T\npage: threads\ngiven: {given}\nactors:\n  zoe: {{ profile: Practitioner, name: Zoe, policy: participant }}\nsteps:\n  - step: lists\n    as: alice\n    search: Communication\n    expect: {{ matches: [thread, m1] }}\n  - step: not-hers\n    as: zoe\n    read: ${{thread}}\n    expect: hidden\n    see:\n      jackie: {{ thread: visible, m1: visible }}\n"
            ),
        );
    }
    folder
}

fn options() -> RunOptions {
    RunOptions {
        limits: limits(),
        snapshots: SnapshotMode::Off,
        ..RunOptions::default()
    }
}

async fn play(fake: &Fake, folder: &TempDir, options: &RunOptions) -> RunOutcome {
    let suite = suite::load(folder.path());
    run(&suite, &fake.target(), options, &mut |_: &Event| {}).await
}

fn verdicts(outcome: &RunOutcome) -> Vec<(&str, Verdict)> {
    let scenarios = outcome.report.scenarios.iter();
    scenarios.map(|s| (s.info.id.as_str(), s.verdict)).collect()
}

fn only(outcome: &RunOutcome) -> &StateReport {
    assert_eq!(outcome.report.states.len(), 1);
    &outcome.report.states[0]
}

#[rstest]
#[tokio::test]
async fn it_is_built_once_whatever_runs_at_the_same_time(#[values(1, 2, 8)] jobs: usize) {
    let (folder, fake) = (folder(), Fake::start().await);
    let options = RunOptions {
        jobs,
        filter: vec!["threads/one".into(), "threads/t".into()],
        ..options()
    };
    let outcome = play(&fake, &folder, &options).await;
    crate::faults::assert_valid(&outcome.report);
    let passed = Verdict::Passed;
    assert_eq!(
        verdicts(&outcome),
        [("one", passed), ("three", passed), ("two", passed)]
    );
    let state = only(&outcome);
    assert_eq!(state.scenarios, ["one", "three", "two"]);
    assert_eq!((state.reason.as_deref(), state.steps.len()), (None, 2));
    // The actors of the state with logins and profiles, the thread, and the message.
    assert!(state.cleanup.deleted > 6);
    assert_eq!(fake.stored("Communication").len(), 2);
    // Zoe is everybody's own.
    assert_eq!(fake.stored("Practitioner").len(), 4 + 3);
    assert_eq!(fake.leftovers(), Vec::<String>::new());
    for scenario in &outcome.report.scenarios {
        assert!(scenario.steps.iter().all(|step| !step.given));
        // Five actors look at two resources: after the state, and at the claim.
        assert_eq!(scenario.matrix.len(), 20, "{}", scenario.info.id);
    }
}

#[tokio::test]
async fn nothing_is_built_that_nobody_plays() {
    let (folder, fake) = (folder(), Fake::start().await);
    let options = RunOptions {
        filter: vec!["threads/alone".into()],
        ..options()
    };
    let outcome = play(&fake, &folder, &options).await;
    assert_eq!(verdicts(&outcome), [("alone", Verdict::Passed)]);
    assert!(outcome.report.states.is_empty());
}

#[tokio::test]
async fn a_snapshot_does_not_show_who_shares() {
    let (folder, fake) = (folder(), Fake::start().await);
    let options = RunOptions {
        filter: vec!["threads/one".into(), "threads/alone".into()],
        snapshots: SnapshotMode::Compare,
        ..options()
    };
    play(&fake, &folder, &options).await;
    let pending = review::pending(&[folder.path().to_path_buf()]).unwrap();
    let texts: BTreeSet<String> = pending.iter().map(|one| one.new.to_string()).collect();
    assert_eq!((pending.len(), texts.len()), (2, 1), "{texts:#?}");
}

#[tokio::test]
async fn what_cannot_be_built_keeps_all_from_being_played_for_one_reason() {
    let fake = Fake::scripted("a", |call| {
        if call.method == Method::POST && call.path.ends_with("/Communication") {
            Fault::Answer(422, "application/fhir+json", "{}".into())
        } else {
            Fault::None
        }
    })
    .await;
    let folder = folder();
    let options = RunOptions {
        filter: vec!["threads/one".into(), "threads/two".into()],
        ..options()
    };
    let outcome = play(&fake, &folder, &options).await;
    let reason = "the shared state thread could not be built: step given-header: expected success (2xx), got 422";
    assert_eq!(only(&outcome).reason.as_deref(), Some(reason));
    for scenario in &outcome.report.scenarios {
        assert_eq!(scenario.verdict, Verdict::Error);
        assert_eq!(scenario.reason.as_deref(), Some(reason));
    }
    assert_eq!(outcome.exit_code(), 3);
    assert_eq!(fake.leftovers(), Vec::<String>::new());
}

/// Nobody can tell beforehand what an operation does.
#[tokio::test]
async fn what_changed_behind_a_scenario_proves_nothing_any_more() {
    let looks = AtomicUsize::new(0);
    let header = Arc::new(Mutex::new(String::new()));
    let fake = Fake::scripted("a", move |call: &Call| {
        let is_read = call.method == Method::GET && call.path.contains("/Communication/");
        if call.actor != "admin" || !is_read {
            return Fault::None;
        }
        let mut header = header.lock().unwrap();
        if header.is_empty() {
            header.clone_from(&call.path);
        }
        // When it was built, for each of the two matrices, and then it is another one.
        if *header == call.path && looks.fetch_add(1, Ordering::Relaxed) >= 3 {
            return Fault::Rewrite(Box::new(|mut body: Value| {
                body["meta"]["versionId"] = json!("v2");
                body
            }));
        }
        Fault::None
    })
    .await;
    let folder = folder();
    let options = RunOptions {
        filter: vec!["threads/one".into(), "threads/two".into()],
        jobs: 1,
        ..options()
    };
    let outcome = play(&fake, &folder, &options).await;
    let reason = "the shared state thread is not what it was: thread has version v2, and had v1; played at that time: one";
    for scenario in &outcome.report.scenarios {
        assert_eq!(scenario.verdict, Verdict::Error);
        assert_eq!(scenario.reason.as_deref(), Some(reason));
    }
    assert_eq!(fake.leftovers(), Vec::<String>::new());
}

#[tokio::test]
async fn an_interrupted_run_removes_it() {
    let (folder, fake) = (folder(), Fake::start().await);
    let cancel = Cancel::default();
    let stop = cancel.clone();
    let suite = suite::load(folder.path());
    let options = RunOptions {
        cancel,
        jobs: 1,
        ..options()
    };
    let outcome = run(&suite, &fake.target(), &options, &mut |event: &Event| {
        if matches!(event, Event::StateFinished(_)) {
            stop.cancel();
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 130);
    assert!(only(&outcome).cleanup.deleted > 0);
    assert_eq!(fake.leftovers(), Vec::<String>::new());
}
