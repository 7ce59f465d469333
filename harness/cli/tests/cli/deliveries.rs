//! What arrives at a sink while other scenarios are played.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rstest::rstest;

use super::serve::Server;
use super::support::{command, run};

const STATE: &str = r#"state: pool
actors:
  bob: { profile: Practitioner, name: Dr. Bob Jones, policy: worker }
"#;

const POLICY: &str = r#"{ "resourceType": "AccessPolicy", "name": "worker", "resource": [
  { "resourceType": "Communication" }, { "resourceType": "Subscription" } ] }"#;

/// Waits for what only the other scenario writes.
fn listener(id: &str, wait: &str) -> String {
    format!(
        r#"scenario: {id}
title: Somebody listens
page: p
given: pool
sinks: {{ inbox: {{}} }}
steps:
  - step: subscribe
    as: bob
    create: Subscription
    needs: [subscription]
    body:
      resourceType: Subscription
      status: active
      reason: x
      criteria: Communication?status=in-progress
      channel: {{ type: rest-hook, endpoint: "${{inbox}}", payload: application/fhir+json }}
  - step: arrives
    await: {{ sink: inbox, match: {{ "$.resourceType": Communication }}, {wait} }}
"#
    )
}

const WRITER: &str = r#"scenario: writer
title: Somebody else writes
page: p
given: pool
steps:
  - step: wait
    as: bob
    search: Communication?_id=none
    throughout: { for: 600ms }
    expect: { matches: [] }
  - step: write
    as: bob
    create: Communication
    body: { resourceType: Communication, status: in-progress, payload: [{ contentString: Homer's knee }] }
"#;

fn folder(scenarios: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("scenarios");
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("states/pool.yaml", STATE);
    write("policies/worker.json", POLICY);
    for (name, text) in scenarios {
        write(&format!("p/{name}.yaml"), text);
    }
    folder
}

fn run_in(root: &Path) -> String {
    run(command(root, &["run"])).to_string()
}

/// No scenario is met by what another one did.
#[test]
fn what_another_scenario_writes_does_not_arrive() {
    let deaf = listener("deaf", "within: 1500ms");
    let folder = folder(&[("deaf", deaf.as_str()), ("writer", WRITER)]);
    let shown = run_in(folder.path());
    assert!(
        shown.contains("0 of 1 came to `inbox` within 1500 ms"),
        "{shown}"
    );
    let told = "about what other scenarios or runs made, which does not count: Communication";
    assert!(shown.contains(told), "{shown}");
    assert!(!shown.contains("knee"), "{shown}");
}

/// No scenario is failed by what another one did.
#[test]
fn that_nothing_arrives_is_not_disturbed_by_another_scenario() {
    let quiet = listener("quiet", "count: 0, within: 1500ms");
    let folder = folder(&[("quiet", quiet.as_str()), ("writer", WRITER)]);
    let shown = run_in(folder.path());
    assert!(!shown.contains("expected none"), "{shown}");
    assert!(
        shown.contains("snapshot: there is no snapshot yet"),
        "{shown}"
    );
}

/// What the scenario itself brought about is named where it was not expected.
#[test]
fn what_came_is_named() {
    let own = listener("own", "count: 0, within: 2s").replace(
        "  - step: arrives",
        "  - step: write
    as: bob
    create: Communication
    capture: m1
    body: { resourceType: Communication, status: in-progress, payload: [{ contentString: Homer's knee }] }
  - step: arrives",
    );
    let folder = folder(&[("own", own.as_str())]);
    let shown = run_in(folder.path());
    assert!(
        shown.contains("1 came to `inbox` within 2000 ms, expected none"),
        "{shown}"
    );
    assert!(shown.contains("what came: Communication m1"), "{shown}");
    assert!(!shown.contains("knee"), "{shown}");
}

/// That nothing came proves something only of a server that still answers.
#[rstest]
#[case::silence("count: 0, within: 300ms")]
#[case::too_little("within: 300ms")]
fn a_server_that_went_down_proves_no_silence(#[case] wait: &str) {
    let deaf = listener("deaf", wait);
    let folder = folder(&[("deaf", deaf.as_str())]);
    let server = Server::start(folder.path(), &[]);
    let behind = server.ready["base_url"].as_str().unwrap();
    let subscribed = AtomicBool::new(false);
    let address = crate::between::start(behind, move |method, path| {
        if method == "POST" && path.ends_with("/Subscription") {
            subscribed.store(true, Ordering::Relaxed);
        }
        let is_down = path.ends_with("/metadata") && subscribed.load(Ordering::Relaxed);
        is_down.then_some(503)
    });
    let mut command = command(
        folder.path(),
        &[
            "run",
            "--server",
            &address,
            "--profile",
            "embedded",
            "--admin-client",
            "admin",
            "--admin-secret-env",
            "SECRET",
        ],
    );
    command.env("SECRET", "a secret");
    let shown = run(command);
    server.kill();
    assert_eq!(shown.code, 3, "{shown}");
    assert!(
        shown.stderr.contains("that nothing came proves nothing"),
        "{shown}"
    );
}
