//! A small suite: a thread, a message, and Jackie who is taken off the thread.

use std::path::Path;

use fhirward_harness::Suite;

pub const PARTICIPANT: &str = r#"{
  "resourceType": "AccessPolicy",
  "name": "participant",
  "resource": [
    { "resourceType": "Communication", "criteria": "Communication?recipient=%profile" },
    { "resourceType": "Communication", "criteria": "Communication?sender=%profile" }
  ]
}"#;

pub const CLERK: &str = r#"{
  "resourceType": "AccessPolicy",
  "name": "clerk",
  "resource": [{ "resourceType": "Patient", "readonly": true }]
}"#;

pub const STATE: &str = r#"state: thread
actors:
  alice: { profile: Practitioner, name: Dr. Alice Smith, policy: participant }
  jackie: { profile: Practitioner, name: Jackie Peyton, policy: participant }
  outsider: { profile: Practitioner, name: Nick Riviera, policy: participant }
  clerk: { profile: Practitioner, name: Agnes Clerk, policy: clerk }
steps:
  - step: given-header
    create: Communication
    capture: thread
    body:
      resourceType: Communication
      status: in-progress
      sender: { reference: "${alice}" }
      recipient: [{ reference: "${alice}" }, { reference: "${jackie}" }]
      sent: "2024-04-10T09:00:00Z"
  - step: given-message
    create: Communication
    capture: m1
    body:
      resourceType: Communication
      status: in-progress
      partOf: [{ reference: "${thread}" }]
      sender: { reference: "${alice}" }
      recipient: [{ reference: "${jackie}" }]
      sent: "2024-04-10T10:00:00Z"
"#;

pub const REMOVE: &str = r#"scenario: remove
title: Take Jackie off the thread
page: threads
given: thread
steps:
  - step: remove-jackie
    as: alice
    patch: ${thread}
    body:
      - { op: replace, path: /recipient, value: [{ reference: "${alice}" }] }
    expect:
      status: 200
      body: { "$.recipient[*].reference": ["${alice}"], "$.payload": [] }
    see:
      jackie: { thread: hidden, m1: visible }
      outsider: { thread: hidden }
  - step: jackie-reads
    as: jackie
    read: ${thread}
    expect: { status: 404, outcome: not-found }
  - step: outsider-patches
    as: outsider
    patch: ${thread}
    body: [{ op: replace, path: /status, value: completed }]
    expect: hidden
  - step: clerk-lists
    as: clerk
    search: Communication
    expect: denied
  - step: answer
    title: Jackie still writes
    as: jackie
    create: Communication
    capture: m2
    body:
      resourceType: Communication
      status: in-progress
      partOf: [{ reference: "${thread}" }]
      sender: { reference: "${jackie}" }
      recipient: [{ reference: "${alice}" }]
      sent: "2024-04-10T11:00:00Z"
  - step: alice-lists
    title: Page by page
    as: alice
    search: Communication?part-of=${thread}&_sort=sent&_count=1
    expect: { matches: [m1, m2], order: true }
  - step: without-status
    as: alice
    create: Communication
    body: { resourceType: Communication }
    expect: { status: 400, outcome: structure }
  - step: clerk-is-let-in
    as: admin
    grant: { actor: clerk, policy: [clerk, participant] }
    see: { clerk: { m2: hidden } }
  - step: delete
    as: alice
    delete: ${m1}
    see: { alice: { m1: hidden }, jackie: { m1: hidden } }
  - step: unnamed
    as: alice
    create: Communication
    body:
      resourceType: Communication
      status: completed
      sender: { reference: "${alice}" }
      sent: "2024-04-10T12:00:00Z"
  - step: all-of-alice
    as: alice
    search: Communication
    expect: { status: 200 }
"#;

/// Writes the suite into a folder.
pub fn write(root: &Path) {
    for folder in ["states", "policies", "threads"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    std::fs::write(root.join("policies/participant.json"), PARTICIPANT).unwrap();
    std::fs::write(root.join("policies/clerk.json"), CLERK).unwrap();
    std::fs::write(root.join("states/thread.yaml"), STATE).unwrap();
    std::fs::write(root.join("threads/remove.yaml"), REMOVE).unwrap();
}

pub fn load(root: &Path) -> Suite {
    match Suite::load(&[root.to_path_buf()]) {
        Ok(suite) => suite,
        Err(fhirward_harness::scenario::LoadError::Invalid(findings)) => {
            let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
            panic!("{}", texts.join("\n"))
        }
        Err(error) => panic!("{error}"),
    }
}
