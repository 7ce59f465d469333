//! Whole runs against a scripted server.

use std::path::Path;

use crate::suite;
use crate::support::{Fake, Fault, limits};
use fhirward_harness::expect::{AcceptedDeparture, CellVerdict, review};
use fhirward_harness::report::{
    Event, Report, SnapshotVerdict, StepVerdict, Style, Verdict, terminal,
};
use fhirward_harness::run::{Cancel, SnapshotMode};
use fhirward_harness::{RunOptions, RunOutcome, run};
use tempfile::TempDir;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    suite::write(folder.path());
    folder
}

fn options() -> RunOptions {
    RunOptions {
        limits: limits(),
        ..RunOptions::default()
    }
}

async fn play(fake: &Fake, root: &Path, options: &RunOptions) -> RunOutcome {
    let suite = suite::load(root);
    run(&suite, &fake.target(), options, &mut |_: &Event| {}).await
}

fn accept_all(root: &Path) {
    for pending in review::pending(&[root.to_path_buf()]).unwrap() {
        pending.accept(Some("because")).unwrap();
    }
}

fn words(report: &Report) -> String {
    terminal(report, Style::default())
}

#[tokio::test]
async fn a_conformant_server_passes_once_the_snapshot_is_accepted() {
    let (folder, fake) = (folder(), Fake::start().await);
    let first = play(&fake, folder.path(), &options()).await;
    let scenario = &first.report.scenarios[0];
    assert_eq!(
        scenario.snapshot.verdict,
        SnapshotVerdict::Missing,
        "{}",
        words(&first.report)
    );
    assert_eq!(first.exit_code(), 4, "{}", words(&first.report));
    assert!(!scenario.leaks());
    let pending = folder.path().join("threads/remove.snap.yaml.new");
    let text = std::fs::read_to_string(&pending).unwrap();
    insta::assert_snapshot!("snapshot_of_the_suite", text);

    accept_all(folder.path());
    let other = Fake::scripted("zz", |_| Fault::None).await;
    let second = play(&other, folder.path(), &options()).await;
    assert_eq!(second.exit_code(), 0, "{}", words(&second.report));
    assert_eq!(second.report.scenarios[0].verdict, Verdict::Passed);
    assert!(!pending.exists());
    assert_eq!(second.report.server.software.as_deref(), Some("fake 1"));
    assert_eq!(other.leftovers(), Vec::<String>::new());
}

#[tokio::test]
async fn scenarios_run_at_the_same_time_and_report_in_order() {
    let folder = folder();
    for name in ["a", "b", "c", "d", "e"] {
        let text = suite::REMOVE.replace("scenario: remove", &format!("scenario: {name}"));
        std::fs::write(folder.path().join(format!("threads/{name}.yaml")), text).unwrap();
    }
    let fake = Fake::start().await;
    let off = RunOptions {
        snapshots: SnapshotMode::Off,
        ..options()
    };
    let outcome = play(&fake, folder.path(), &off).await;
    let ids: Vec<&str> = outcome
        .report
        .scenarios
        .iter()
        .map(|s| s.info.id.as_str())
        .collect();
    assert_eq!(ids, ["a", "b", "c", "d", "e", "remove"]);
    assert_eq!(outcome.exit_code(), 0, "{}", words(&outcome.report));
    assert!(fake.leftovers().is_empty());

    play(&fake, folder.path(), &options()).await;
    let pending = review::pending(&[folder.path().to_path_buf()]).unwrap();
    assert_eq!(pending.len(), 6);
    assert!(pending.iter().all(|one| one.new == pending[0].new));

    let some = RunOptions {
        filter: vec!["threads/b".into()],
        ..off.clone()
    };
    let outcome = play(&fake, folder.path(), &some).await;
    assert_eq!(outcome.summary().scenarios, 1);
    let none = RunOptions {
        filter: vec!["nothing".into()],
        ..off
    };
    assert_eq!(play(&fake, folder.path(), &none).await.exit_code(), 6);
}

#[tokio::test]
async fn more_than_the_snapshot_says_is_a_leak_until_there_is_a_reason() {
    let (folder, fake) = (folder(), Fake::start().await);
    play(&fake, folder.path(), &options()).await;
    accept_all(folder.path());
    let snapshot = folder.path().join("threads/remove.snap.yaml");
    let text = std::fs::read_to_string(&snapshot).unwrap();
    let narrower = text.replacen("jackie: [m1]", "jackie: []", 1);
    assert_ne!(text, narrower);
    std::fs::write(&snapshot, narrower).unwrap();

    let outcome = play(&fake, folder.path(), &options()).await;
    assert_eq!(outcome.exit_code(), 5);
    let scenario = &outcome.report.scenarios[0];
    assert!(scenario.snapshot.widening);
    assert_eq!(
        scenario.reason.as_deref(),
        Some("snapshot: jackie gained m1 (was hidden) after step remove-jackie")
    );
    let pending = review::pending(&[folder.path().to_path_buf()]).unwrap();
    assert!(pending[0].clone().accept(None).is_err());
    accept_all(folder.path());
    assert_eq!(play(&fake, folder.path(), &options()).await.exit_code(), 0);
    let text = std::fs::read_to_string(&snapshot).unwrap();
    assert!(text.contains("reason: because"), "{text}");
}

#[tokio::test]
async fn less_than_the_snapshot_says_is_a_failure_and_may_be_accepted() {
    let (folder, fake) = (folder(), Fake::start().await);
    play(&fake, folder.path(), &options()).await;
    accept_all(folder.path());
    let snapshot = folder.path().join("threads/remove.snap.yaml");
    let text = std::fs::read_to_string(&snapshot).unwrap();
    std::fs::write(
        &snapshot,
        text.replacen("outsider: []", "outsider: [m1]", 1),
    )
    .unwrap();
    let outcome = play(&fake, folder.path(), &options()).await;
    assert_eq!(outcome.exit_code(), 4);
    let mut report = outcome.report.clone();
    report.duration_ms = 0;
    report.scenarios[0].duration_ms = 0;
    let text_of_report = words(&report).replace(&folder.path().display().to_string(), "scenarios");
    insta::assert_snapshot!("snapshot_difference", text_of_report);
    accept_all(folder.path());
    let outcome = play(&fake, folder.path(), &options()).await;
    assert_eq!(outcome.exit_code(), 0);
    assert_eq!(std::fs::read_to_string(&snapshot).unwrap(), text);
}

#[tokio::test]
async fn ci_writes_nothing_and_obsolete_snapshots_fail() {
    let (folder, fake) = (folder(), Fake::start().await);
    let ci = RunOptions {
        ci: true,
        ..options()
    };
    let outcome = play(&fake, folder.path(), &ci).await;
    assert_eq!(outcome.exit_code(), 4);
    assert!(!folder.path().join("threads/remove.snap.yaml.new").exists());

    play(&fake, folder.path(), &options()).await;
    accept_all(folder.path());
    std::fs::write(folder.path().join("threads/gone.snap.yaml"), "{}\n").unwrap();
    let outcome = play(&fake, folder.path(), &options()).await;
    assert_eq!(outcome.report.obsolete.len(), 1);
    assert_eq!(outcome.exit_code(), 4);
}

#[tokio::test]
async fn a_snapshot_with_conflict_markers_fails_and_does_not_crash() {
    let (folder, fake) = (folder(), Fake::start().await);
    let text = "<<<<<<< ours\na: {}\n=======\nb: {}\n>>>>>>> theirs\n";
    std::fs::write(folder.path().join("threads/remove.snap.yaml"), text).unwrap();
    let outcome = play(&fake, folder.path(), &options()).await;
    assert_eq!(
        outcome.report.scenarios[0].snapshot.verdict,
        SnapshotVerdict::Unreadable
    );
    assert_eq!(outcome.exit_code(), 4);
}

#[tokio::test]
async fn a_step_that_fails_blocks_only_what_needs_it() {
    let folder = folder();
    let text = suite::REMOVE.replace(
        "      sent: \"2024-04-10T11:00:00Z\"\n",
        "      sent: \"2024-04-10T11:00:00Z\"\n    expect: { body: { \"$.status\": completed } }\n",
    );
    let text = text.replace(
        "      sender: { reference: \"${jackie}\" }",
        "      sender: { reference: \"${alice}\" }",
    );
    std::fs::write(folder.path().join("threads/remove.yaml"), text).unwrap();
    let fake = Fake::start().await;
    let off = RunOptions {
        snapshots: SnapshotMode::Off,
        ..options()
    };
    let outcome = play(&fake, folder.path(), &off).await;
    let scenario = &outcome.report.scenarios[0];
    let steps: Vec<(&str, StepVerdict)> = scenario
        .steps
        .iter()
        .filter(|step| step.verdict != StepVerdict::Passed)
        .map(|step| (step.id.as_str(), step.verdict))
        .collect();
    assert_eq!(
        steps,
        [
            ("answer", StepVerdict::Failed),
            ("alice-lists", StepVerdict::Blocked),
            ("clerk-is-let-in", StepVerdict::Blocked),
        ]
    );
    let problems: Vec<&str> = scenario
        .problems()
        .map(|(_, problem)| problem.message.as_str())
        .collect();
    assert_eq!(
        problems,
        [
            "expected success (2xx), got 403 (forbidden)",
            "`body` is not judged: this is another kind of answer",
            "needs `m2`, which step answer did not bring about",
            "see: needs `m2`, which step answer did not bring about",
        ]
    );
    assert_eq!(outcome.exit_code(), 4);
    assert!(scenario.matrix.iter().all(|cell| matches!(
        cell.verdict,
        CellVerdict::ExpectedAllow | CellVerdict::ExpectedDeny
    )));
}

/// A suite with an accepted snapshot.
async fn accepted() -> TempDir {
    let folder = folder();
    let fake = Fake::start().await;
    play(&fake, folder.path(), &options()).await;
    accept_all(folder.path());
    folder
}

#[tokio::test]
async fn a_setup_that_fails_is_an_error_and_nothing_is_compared() {
    let folder = accepted().await;
    for (path, doing) in [
        ("/fhir/R4/Practitioner", "creating the Practitioner of "),
        ("/admin/projects/p1/client", "creating the login of alice"),
        ("/auth/me", "signing in as alice"),
    ] {
        for status in [401, 429, 500] {
            let fake = Fake::scripted("b", move |call| {
                // The admin is asked for before any scenario begins.
                if call.path == path && (path != "/auth/me" || call.actor != "admin") {
                    Fault::Answer(status, "text/plain", "broken".into())
                } else {
                    Fault::None
                }
            })
            .await;
            let outcome = play(&fake, folder.path(), &options()).await;
            let scenario = &outcome.report.scenarios[0];
            let text = words(&outcome.report);
            assert_eq!(scenario.verdict, Verdict::Error, "{path} {status}: {text}");
            let reason = scenario.reason.clone().unwrap();
            assert!(reason.starts_with(doing), "{reason}");
            assert_eq!(scenario.snapshot.verdict, SnapshotVerdict::NotCompared);
            assert_eq!(outcome.exit_code(), 3, "{text}");
            assert!(!folder.path().join("threads/remove.snap.yaml.new").exists());
        }
    }
}

#[tokio::test]
async fn an_interrupted_setup_is_compared_with_nothing() {
    let folder = accepted().await;
    for path in [
        "/fhir/R4/Practitioner",
        "/auth/me",
        "/fhir/R4/Communication",
    ] {
        let cancel = Cancel::default();
        let stop = cancel.clone();
        let fake = Fake::scripted("b", move |call| {
            if call.path == path && (path != "/auth/me" || call.actor != "admin") {
                stop.cancel();
            }
            Fault::None
        })
        .await;
        let stopped = RunOptions {
            cancel,
            ..options()
        };
        let outcome = play(&fake, folder.path(), &stopped).await;
        let scenario = &outcome.report.scenarios[0];
        assert_eq!(scenario.verdict, Verdict::Skipped, "{path}");
        assert_eq!(scenario.reason.as_deref(), Some("interrupted"));
        assert_eq!(scenario.snapshot.verdict, SnapshotVerdict::NotCompared);
        assert_eq!(outcome.exit_code(), 130);
        assert!(fake.leftovers().is_empty());
    }
}

#[tokio::test]
async fn what_follows_from_a_refused_change_is_no_leak() {
    let folder = accepted().await;
    let refused = |call: &crate::support::Call| {
        call.actor == "alice" && call.method == axum::http::Method::PATCH
    };
    let fake = Fake::scripted("b", move |call| {
        if refused(call) {
            Fault::Answer(403, "application/fhir+json", "{}".into())
        } else {
            Fault::None
        }
    })
    .await;
    let outcome = play(&fake, folder.path(), &options()).await;
    let text = words(&outcome.report);
    assert_eq!(outcome.exit_code(), 4, "{text}");
    let scenario = &outcome.report.scenarios[0];
    assert!(!scenario.leaks() && !scenario.snapshot.widening, "{text}");
    let problems: Vec<&str> = scenario
        .problems()
        .map(|(_, problem)| problem.message.as_str())
        .collect();
    assert!(
        problems.contains(
            &"see: whether thread is hidden from jackie is not judged: the step did not happen"
        ),
        "{text}"
    );
    let gained = "jackie gained thread (was hidden) after step remove-jackie";
    let diff = scenario.snapshot.diff.clone().unwrap();
    assert!(diff.iter().any(|line| line == gained), "{text}");
    // The reason is the first problem, and it stands under its step.
    let first = "expected 200, got 403";
    assert_eq!(text.matches(first).count(), 1, "{text}");

    // What no policy allows is a leak all the same: a look, and a write.
    for actor in ["clerk", "outsider"] {
        let fake = Fake::scripted("b", move |call| {
            if refused(call) {
                Fault::Answer(403, "application/fhir+json", "{}".into())
            } else if call.actor == actor && call.path.starts_with("/fhir/R4/Communication/") {
                Fault::Bypass
            } else {
                Fault::None
            }
        })
        .await;
        let outcome = play(&fake, folder.path(), &options()).await;
        assert_eq!(outcome.exit_code(), 5, "{actor}");
    }
}

#[tokio::test]
async fn a_search_counts_only_what_the_scenario_made() {
    let folder = folder();
    let wide = r#"{ "resourceType": "AccessPolicy", "name": "wide", "resource": [{ "resourceType": "Communication" }] }"#;
    std::fs::write(folder.path().join("policies/wide.json"), wide).unwrap();
    for name in ["a", "b", "c", "remove"] {
        let text = suite::REMOVE
            .replace("scenario: remove", &format!("scenario: {name}"))
            .replace(
                "given: thread\n",
                "given: thread\nactors:\n  wide: { profile: Practitioner, name: W, policy: wide }\n",
            );
        let text = format!(
            "{text}  - step: everything\n    as: wide\n    search: Communication\n    expect: {{ matches: [thread, m2, last] }}\n"
        )
        .replace("  - step: unnamed\n    as: alice\n    create: Communication\n", "  - step: unnamed\n    as: alice\n    create: Communication\n    capture: last\n")
        ;
        std::fs::write(folder.path().join(format!("threads/{name}.yaml")), text).unwrap();
    }
    let fake = Fake::start().await;
    for jobs in [4, 1] {
        let some = RunOptions { jobs, ..options() };
        let outcome = play(&fake, folder.path(), &some).await;
        assert_eq!(outcome.summary().leaks, 0, "{}", words(&outcome.report));
        let problems = outcome.report.scenarios.iter().flat_map(|s| s.problems());
        assert_eq!(problems.count(), 0, "{}", words(&outcome.report));
        accept_all(folder.path());
    }
    let outcome = play(&fake, folder.path(), &options()).await;
    assert_eq!(outcome.exit_code(), 0, "{}", words(&outcome.report));
}

/// The clerk's criteria folds case in a Medplum's cache, and nowhere else: policy-semantics 5.3.
#[tokio::test]
async fn a_known_departure_is_named_and_is_a_leak_until_it_is_accepted() {
    let folder = folder();
    let policy = suite::CLERK.replace(
        r#""Patient", "readonly": true"#,
        r#""Communication", "criteria": "Communication?status=IN-PROGRESS""#,
    );
    std::fs::write(folder.path().join("policies/clerk.json"), policy).unwrap();
    // Whoever is granted something of a type is not refused to search it.
    let refused =
        "  - step: clerk-lists\n    as: clerk\n    search: Communication\n    expect: denied\n";
    assert!(suite::REMOVE.contains(refused));
    let scenario = suite::REMOVE.replace(refused, "");
    std::fs::write(folder.path().join("threads/remove.yaml"), scenario).unwrap();
    let fake = Fake::scripted("a", |call| {
        let by_id = call.method == "GET" && call.path.contains("/Communication/");
        if by_id && call.actor == "clerk" {
            Fault::Bypass
        } else {
            Fault::None
        }
    })
    .await;
    let mut options = RunOptions {
        snapshots: SnapshotMode::Off,
        ..options()
    };
    let played = play(&fake, folder.path(), &options).await;
    assert_eq!(played.exit_code(), 5, "{}", words(&played.report));
    let leaks = |outcome: &RunOutcome| {
        let cells = &outcome.report.scenarios[0].matrix;
        let of_clerk = cells
            .iter()
            .filter(|cell| cell.actor == "clerk" && cell.read.seen() == Some(true));
        of_clerk
            .map(|cell| (cell.verdict, cell.departures.clone()))
            .collect::<Vec<_>>()
    };
    // Without a kind of server nothing is known of it.
    let unnamed = leaks(&played);
    assert!(
        unnamed
            .iter()
            .all(|(verdict, known)| *verdict == CellVerdict::UnexpectedAllow && known.is_empty()),
        "{unnamed:?}"
    );

    options.expectation.known = Some("medplum-5.0".parse().unwrap());
    let named = play(&fake, folder.path(), &options).await;
    assert_eq!(named.exit_code(), 5);
    let found = leaks(&named);
    assert!(
        found
            .iter()
            .all(|(verdict, known)| *verdict == CellVerdict::UnexpectedAllow && known.len() == 1),
        "{found:?}"
    );
    let id = found[0].1[0].id.clone();
    assert!(
        words(&named.report).contains(&id),
        "{}",
        words(&named.report)
    );

    options.expectation.accepted.push(AcceptedDeparture {
        id,
        scenario: None,
        reason: "the clerk reads everything anyway".into(),
    });
    let accepted = play(&fake, folder.path(), &options).await;
    assert_eq!(accepted.exit_code(), 0, "{}", words(&accepted.report));
    assert!(
        leaks(&accepted)
            .iter()
            .all(|(verdict, _)| *verdict == CellVerdict::Departure)
    );

    // Held to what such a server does, it does what it is known for.
    options.expectation.accepted.clear();
    options.expectation.semantics = "medplum-5.0".parse().unwrap();
    let held = play(&fake, folder.path(), &options).await;
    assert_eq!(held.exit_code(), 0, "{}", words(&held.report));
}

/// The common snapshot belongs to the profile that it was accepted from.
#[tokio::test]
async fn a_profile_on_which_it_goes_otherwise_has_a_snapshot_of_its_own() {
    let folder = folder();
    let root = folder.path();
    let fake = Fake::start().await;
    play(&fake, root, &options()).await;
    accept_all(root);
    let common = std::fs::read_to_string(root.join("threads/remove.snap.yaml")).unwrap();
    let profile = fake.target().profile.name;
    assert!(common.starts_with(&format!("profile: {profile}\n")));

    // Another kind of server, which answers one step in another way.
    let other = Fake::scripted("b", |call| match (call.actor.as_str(), &call.method) {
        ("outsider", &axum::http::Method::PATCH) => {
            Fault::Answer(403, "application/fhir+json", "{}".into())
        }
        _ => Fault::None,
    })
    .await;
    let mut target = other.target();
    target.profile.name = "other".into();
    let on_other = async || {
        let suite = suite::load(root);
        run(&suite, &target, &options(), &mut |_: &Event| {}).await
    };
    let first = on_other().await;
    assert_eq!(first.exit_code(), 4, "{}", words(&first.report));
    let waiting = review::pending(&[root.to_path_buf()]).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].scenario, "remove@other");
    assert_eq!(waiting[0].differences.len(), 1);
    accept_all(root);

    // Each is held against its own, and neither wipes out the other.
    assert_eq!(on_other().await.exit_code(), 0);
    assert_eq!(play(&fake, root, &options()).await.exit_code(), 0);
    let still = std::fs::read_to_string(root.join("threads/remove.snap.yaml")).unwrap();
    assert_eq!(still, common);

    // What says the same as the common one says nothing.
    let own = root.join("threads/remove@other.snap.yaml");
    std::fs::write(&own, &common).unwrap();
    let again = play(&fake, root, &options()).await;
    assert_eq!(again.exit_code(), 4);
    let text = words(&again.report);
    let told = format!("{} says the same as the common one", own.display());
    assert!(text.contains(&told), "{text}");
    assert!(text.contains("delete it: git rm"), "{text}");

    // Without the scenario both are obsolete.
    std::fs::rename(
        root.join("threads/remove.yaml"),
        root.join("threads/rm.yaml"),
    )
    .unwrap();
    let text = std::fs::read_to_string(root.join("threads/rm.yaml")).unwrap();
    let text = text.replace("scenario: remove", "scenario: rm");
    std::fs::write(root.join("threads/rm.yaml"), text).unwrap();
    let gone = play(&fake, root, &options()).await;
    assert_eq!(gone.report.obsolete.len(), 2);
    let text = words(&gone.report);
    assert!(text.contains("has no scenario any more"), "{text}");
}
