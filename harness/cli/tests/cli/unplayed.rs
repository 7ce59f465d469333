//! Steps that the server does not offer, and what is told of a flow without them.

use std::fs;
use std::path::Path;

use rstest::rstest;

use super::support::{Shown, command, run};

const POLICY: &str = r#"{ "resourceType": "AccessPolicy", "name": "worker", "resource": [
  { "resourceType": "Communication" }, { "resourceType": "Task" } ] }"#;

const HEAD: &str = r#"scenario: flow
title: A flow
page: p
actors:
  bob: { profile: Practitioner, name: Dr. Bob Jones, policy: worker }
steps:
  - step: a
    as: bob
    needs: [operation:nonsense]
    create: Task
    capture: t
    body: { resourceType: Task, status: requested, intent: order }
"#;

const READ: &str = "  - { step: b, as: bob, read: \"${t}\", expect: hidden }\n";

const WRITE: &str = r#"  - step: c
    as: bob
    create: Communication
    capture: m1
    body: { resourceType: Communication, status: in-progress }
    see: { bob: { m1: visible } }
"#;

fn folder(steps: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("scenarios");
    fs::create_dir_all(root.join("p")).unwrap();
    fs::create_dir_all(root.join("policies")).unwrap();
    fs::write(root.join("policies/worker.json"), POLICY).unwrap();
    fs::write(root.join("p/flow.yaml"), format!("{HEAD}{steps}")).unwrap();
    folder
}

fn run_in(root: &Path, ci: bool) -> Shown {
    let mut command = command(root, &["run"]);
    if ci {
        command.env("CI", "true");
    }
    run(command)
}

/// Nothing of the flow was judged, and so nothing has passed.
#[test]
fn a_flow_of_which_no_step_was_judged_is_skipped() {
    let folder = folder(READ);
    let shown = run_in(folder.path(), true);
    assert_eq!(shown.code, 6, "{shown}");
    let told = shown.to_string();
    assert!(told.contains("skipped      p/flow"), "{told}");
    let reason = "no step of the flow was judged: step a: needs operation:nonsense";
    assert!(told.contains(reason), "{told}");
}

/// What is played needs a snapshot like any other flow, also in CI.
#[test]
fn a_flow_that_is_partly_played_needs_a_snapshot_and_says_what_is_missing() {
    let folder = folder(&format!("{READ}{WRITE}"));
    let shown = run_in(folder.path(), true);
    assert_eq!(shown.code, 4, "{shown}");
    assert!(
        shown.to_string().contains("there is no snapshot yet"),
        "{shown}"
    );
    let pending = folder.path().join("scenarios/p/flow.snap.yaml.new");
    assert!(!pending.exists());
    assert_eq!(run_in(folder.path(), false).code, 4);
    let written = fs::read_to_string(&pending).unwrap();
    assert!(written.contains("\nc:\n  outcome: 201"), "{written}");
    assert!(!written.contains("\na:"), "{written}");
    let accepted = run(command(folder.path(), &["review", "--accept-all"]));
    assert_eq!(accepted.code, 0, "{accepted}");
    let shown = run_in(folder.path(), true);
    assert_eq!(shown.code, 0, "{shown}");
    let told = shown.to_string();
    assert!(
        told.contains("partly played, 2 of 3 steps were not judged: a (needs"),
        "{told}"
    );
}

/// What the accepted snapshot says of the steps that are not played stays when the rest changes.
#[test]
fn what_is_pending_keeps_the_steps_that_are_not_played() {
    let folder = folder(WRITE);
    let snapshot = folder.path().join("scenarios/p/flow.snap.yaml");
    let old = "profile: embedded\na:\n  outcome: 201\n  sees:\n    bob: [t]\nc:\n  outcome: 403\n";
    fs::write(&snapshot, old).unwrap();
    let shown = run_in(folder.path(), false);
    assert_ne!(shown.code, 0, "{shown}");
    let written = fs::read_to_string(snapshot.with_extension("yaml.new")).unwrap();
    assert!(
        written.contains("a:\n  outcome: 201\n  sees:\n    bob: [t]\nc:\n  outcome: 201"),
        "{written}"
    );
}

/// A need that no server can have would skip its step for ever.
#[rstest]
#[case::a_type("type:Comunication", "did you mean `Communication`?")]
#[case::the_type_of_a_parameter("search:Comunication.part-of", "did you mean `Communication`?")]
#[case::a_parameter("search:Communication.partof", "did you mean `part-of`?")]
fn a_misspelt_need_is_an_error(#[case] need: &str, #[case] help: &str) {
    let folder = folder(WRITE);
    let file = folder.path().join("scenarios/p/flow.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("operation:nonsense", need)).unwrap();
    let shown = run(command(folder.path(), &["scenario", "check"]));
    assert_eq!(shown.code, 2, "{shown}");
    assert!(shown.to_string().contains(help), "{shown}");
}

/// Medplum has types of its own, and what every search takes is a parameter too.
#[rstest]
#[case("type:AccessPolicy")]
#[case("search:Communication._sort")]
#[case("search:ProjectMembership.profile")]
fn a_need_of_medplum_or_of_all_types_is_known(#[case] need: &str) {
    let folder = folder(WRITE);
    let file = folder.path().join("scenarios/p/flow.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        text.replace("operation:nonsense", need)
            .replace("    capture: t\n", ""),
    )
    .unwrap();
    let shown = run(command(folder.path(), &["scenario", "check"]));
    assert_eq!(shown.code, 0, "{shown}");
}
