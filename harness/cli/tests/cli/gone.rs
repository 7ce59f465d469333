//! What is deleted in other ways than by its reference is gone, and no riddle.

use std::fs;

use rstest::rstest;

use super::support::{command, run};

const POLICY: &str = r#"{ "resourceType": "AccessPolicy", "name": "worker", "resource": [
  { "resourceType": "Communication" }, { "resourceType": "Task" } ] }"#;

const HEAD: &str = r#"scenario: flow
title: A flow
page: p
actors:
  bob: { profile: Practitioner, name: Dr. Bob Jones, policy: worker }
steps:
  - step: write
    as: bob
    create: Task
    capture: t
    body: { resourceType: Task, status: requested, intent: order, identifier: [{ system: "http://x", value: "${bob.id}" }] }
  - step: remove
    as: bob
"#;

const LOOK: &str =
    "  - { step: look, as: bob, search: \"Task?_id=${t.id}\", expect: { matches: [] } }\n";

#[rstest]
#[case::by_a_search(
    "    delete: Task?identifier=http://x|${bob.id}\n    see: { bob: { t: hidden } }\n"
)]
#[case::raw("    request: DELETE ${t}\n    see: { bob: { t: hidden } }\n")]
#[case::raw_by_a_search(
    "    request: DELETE Task?identifier=http://x|${bob.id}\n    see: { bob: { t: hidden } }\n"
)]
#[case::by_a_probe("    probe: true\n    request: DELETE ${t}\n")]
#[case::in_a_raw_bundle(
    "    request: POST .\n    body: { resourceType: Bundle, type: transaction, entry: [{ request: { method: DELETE, url: \"${t}\" } }] }\n    see: { bob: { t: hidden } }\n"
)]
#[case::by_a_search_in_a_batch(
    "    batch: [{ delete: \"Task?identifier=http://x|${bob.id}\" }]\n    see: { bob: { t: hidden } }\n"
)]
fn what_is_deleted_is_gone(#[case] step: &str) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("scenarios");
    fs::create_dir_all(root.join("p")).unwrap();
    fs::create_dir_all(root.join("policies")).unwrap();
    fs::write(root.join("policies/worker.json"), POLICY).unwrap();
    fs::write(root.join("p/flow.yaml"), format!("{HEAD}{step}{LOOK}")).unwrap();
    let first = run(command(folder.path(), &["run"]));
    assert_eq!(first.code, 4, "{first}");
    let accepted = run(command(folder.path(), &["review", "--accept-all"]));
    assert!(
        accepted.to_string().contains("1 accepted"),
        "{first}{accepted}"
    );
    let second = run(command(folder.path(), &["run"]));
    assert_eq!(second.code, 0, "{second}");
}

/// What a Bundle creates that is sent as it stands is removed after the run.
#[test]
fn what_a_raw_bundle_creates_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("scenarios");
    fs::create_dir_all(root.join("p")).unwrap();
    fs::create_dir_all(root.join("policies")).unwrap();
    fs::write(root.join("policies/worker.json"), POLICY).unwrap();
    let step = "    request: POST .\n    body: { resourceType: Bundle, type: transaction, entry: [{ request: { method: POST, url: Communication }, resource: { resourceType: Communication, status: in-progress } }] }\n";
    fs::write(
        root.join("p/flow.yaml"),
        format!("{HEAD}{step}").replace("    capture: t\n", ""),
    )
    .unwrap();
    let shown = run(command(folder.path(), &["run", "--format", "json"]));
    let document: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    // The Task and the Communication, the profile and the login of bob.
    let deleted = &document["scenarios"][0]["cleanup"]["deleted"];
    assert!(deleted.as_u64().unwrap() >= 4, "{deleted} {shown}");
    let text = shown.stdout;
    assert!(!text.contains("left behind"), "{text}");
}
