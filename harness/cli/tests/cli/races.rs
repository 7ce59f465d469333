//! Parts of a race that say themselves what they must get.

use std::fs;

use super::support::{command, run};

const SUITE: &str = r#"scenario: flow
title: A race with a spectator
page: p
actors:
  bob: { profile: Practitioner, name: Dr. Bob Jones, policy: worker }
  carol: { profile: Practitioner, name: Dr. Carol, policy: worker }
steps:
  - step: write
    as: bob
    create: Task
    capture: t
    body: { resourceType: Task, status: requested, intent: order }
  - step: both
    race:
      - { as: bob, patch: "${t}", if-match: "${t.version}", body: [{ op: replace, path: /status, value: accepted }] }
      - { as: carol, patch: "${t}", if-match: "${t.version}", body: [{ op: replace, path: /status, value: rejected }] }
      - { as: carol, read: "${t}", expect: { status: 200 } }
    expect: { winners: 1, losers: [409, 412] }
  - step: nobody
    as: anonymous
    read: ${t}
    expect: denied
"#;

/// Who looks on does not win.
#[test]
fn a_part_with_its_own_expectation_does_not_compete() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("scenarios");
    fs::create_dir_all(root.join("p")).unwrap();
    fs::create_dir_all(root.join("policies")).unwrap();
    let policy = r#"{ "resourceType": "AccessPolicy", "name": "w", "resource": [{ "resourceType": "Task" }] }"#;
    fs::write(root.join("policies/worker.json"), policy).unwrap();
    fs::write(root.join("p/flow.yaml"), SUITE).unwrap();
    let shown = run(command(folder.path(), &["run"])).to_string();
    assert!(!shown.contains("succeeded, expected 1"), "{shown}");
    // And who is not signed in has no token that could be bad.
    assert!(
        shown.contains("got 401 (login): the server wants a login"),
        "{shown}"
    );
    assert!(!shown.contains("token"), "{shown}");
}
