//! A run that is stopped while the server answers nothing any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fhirward_harness::client::Limits;
use fhirward_harness::report::{Event, Verdict};
use fhirward_harness::run::Cancel;
use fhirward_harness::{RunOptions, RunOutcome, run};

use crate::suite;
use crate::support::{Fake, Fault};

/// Long enough for what has a bound, and shorter than any time-out of the run.
const IN_TIME: Duration = Duration::from_secs(60);

/// Plays until the first write of the scenario, which is never answered, and nothing after it.
/// `again` stops once more when cleaning up begins.
async fn stopped(again: bool) -> RunOutcome {
    let folder = tempfile::tempdir().unwrap();
    suite::write(folder.path());
    let cancel = Cancel::default();
    let stuck = Arc::new(AtomicBool::new(false));
    let (stop, is_stuck) = (cancel.clone(), Arc::clone(&stuck));
    let fake = Fake::scripted("c", move |call| {
        if call.path == "/fhir/R4/Communication" {
            is_stuck.store(true, Ordering::Relaxed);
            stop.cancel();
        }
        if is_stuck.load(Ordering::Relaxed) {
            Fault::Hang
        } else {
            Fault::None
        }
    })
    .await;
    let options = RunOptions {
        limits: Limits {
            request: Duration::from_secs(3600),
            ..Limits::default()
        },
        cancel: cancel.clone(),
        ..RunOptions::default()
    };
    let loaded = suite::load(folder.path());
    let mut sink = |event: &Event| {
        if again && matches!(event, Event::CleanupStarted { .. }) {
            cancel.abandon();
        }
    };
    let target = fake.target();
    let playing = run(&loaded, &target, &options, &mut sink);
    tokio::time::timeout(IN_TIME, playing).await.unwrap()
}

fn says_how_to_clean(outcome: &RunOutcome) {
    let report = &outcome.report;
    let command = format!("fhirward clean --run {}", report.id);
    let problems = &report.cleanup.problems;
    assert!(
        problems.iter().any(|p| p.contains(&command)),
        "{problems:?}"
    );
    assert!(report.interrupted);
    assert_eq!(outcome.exit_code(), 130);
    assert_eq!(report.scenarios[0].verdict, Verdict::Skipped);
    assert_eq!(report.scenarios[0].reason.as_deref(), Some("interrupted"));
}

/// After the first stop every request and the cleanup have an end, and what stays is named.
#[tokio::test]
async fn a_server_that_is_stuck_does_not_keep_a_run_from_ending() {
    let outcome = stopped(false).await;
    says_how_to_clean(&outcome);
    assert!(!outcome.report.scenarios[0].cleanup.problems.is_empty());
}

/// After the second one nothing is waited for.
#[tokio::test]
async fn a_second_stop_ends_with_what_there_is() {
    let outcome = stopped(true).await;
    says_how_to_clean(&outcome);
    assert!(outcome.report.scenarios[0].cleanup.problems.is_empty());
}
