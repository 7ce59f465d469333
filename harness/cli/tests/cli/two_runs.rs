//! `run` twice: on two servers, on one to learn what is noise; and what a run holds a server to.

use std::path::Path;

use rstest::rstest;
use serde_json::Value;

use crate::serve::Server;
use crate::support::{Shown, command, run};

/// A folder with the starter of `init`.
fn starter() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = run(command(folder.path(), &["init"]));
    assert_eq!(made.code, 0, "{made}");
    folder
}

fn play(folder: &Path, more: &[&str]) -> Shown {
    let mut arguments = vec!["run"];
    arguments.extend(more);
    run(command(folder, &arguments))
}

#[test]
fn two_embedded_servers_do_the_same() {
    let folder = starter();
    let shown = play(folder.path(), &["--against", "embedded"]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(
        shown.stderr.contains("1 scenario compared: 0 differences"),
        "{shown}"
    );
    let data = play(
        folder.path(),
        &["--against", "embedded", "--format", "json"],
    );
    let document: serde_json::Value = serde_json::from_str(&data.stdout).unwrap();
    assert_eq!(
        document["scenarios"][0]["scenario"],
        "messaging/first-message"
    );
    assert_eq!(document["exit_code"], 0);
    let schema = include_str!("../../../../docs/schema/comparison.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
}

/// GitHub reads no workflow of a folder below the root.
#[test]
fn a_start_below_the_root_of_a_repository_says_where_the_workflow_goes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let at_root = run(command(folder.path(), &["init"])).to_string();
    assert!(!at_root.contains("only at the root"), "{at_root}");
    let below = run(command(folder.path(), &["init", "sub"])).to_string();
    assert!(below.contains("only at the root"), "{below}");
}

#[test]
fn the_other_server_is_one_of_the_configuration() {
    let folder = starter();
    for (name, words) in [
        ("http://127.0.0.1:9/", "is an address"),
        ("staging", "staging"),
    ] {
        let shown = play(folder.path(), &["--against", name]);
        assert_eq!(shown.code, 1, "{shown}");
        assert!(shown.stderr.contains(words), "{shown}");
    }
}

#[test]
fn a_server_that_does_not_differ_from_itself_has_no_noise() {
    let folder = starter();
    let shown = play(folder.path(), &["--learn-noise"]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(
        shown.stderr.contains("0 differences proposed as noise"),
        "{shown}"
    );
    let pending = folder
        .path()
        .join("scenarios/messaging/first-message.snap.yaml.new");
    assert!(!pending.exists());
}

#[test]
fn a_run_may_hold_the_server_to_another_semantics() {
    let folder = starter();
    let shown = play(folder.path(), &["--semantics", "medplum-5.0"]);
    assert_eq!(shown.code, 0, "{shown}");
    let unknown = play(folder.path(), &["--semantics", "hapi"]);
    assert_eq!(unknown.code, 1, "{unknown}");
    assert!(unknown.stderr.contains("is no semantics"), "{unknown}");
}

#[test]
fn a_file_of_departures_is_checked_before_anything_is_asked() {
    let folder = starter();
    let file = folder.path().join("departures.toml");
    std::fs::write(
        &file,
        "[[accept]]\ndeparture = \"departure/date-no\"\nreason = \"x\"\n",
    )
    .unwrap();
    let shown = play(folder.path(), &["--allow-departures", "departures.toml"]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(
        shown.stderr.contains("did you mean `departure/date-not`?"),
        "{shown}"
    );
    std::fs::write(
        &file,
        "[[accept]]\ndeparture = \"departure/date-not\"\nreason = \"x\"\n",
    )
    .unwrap();
    let shown = play(folder.path(), &["--allow-departures", "departures.toml"]);
    assert_eq!(shown.code, 0, "{shown}");
}

/// What runs leave behind is told of each of them, to people with the way to remove it.
#[rstest]
#[case::two_servers(&["--against", "embedded"], 3)]
#[case::noise(&["--learn-noise"], 2)]
fn what_is_left_behind_is_told(#[case] how: &[&str], #[case] runs: usize) {
    let folder = starter();
    let server = Server::start(folder.path(), &[]);
    let behind = server.ready["base_url"].as_str().unwrap();
    let address = crate::between::start(behind, |method, _| (method == "DELETE").then_some(403));
    let way_in = ["--server", &address, "--profile", "embedded"];
    let admin = ["--admin-client", "admin", "--admin-secret-env", "SECRET"];
    let played = |more: &[&str]| {
        let arguments = [&["run"][..], &way_in, &admin, how, more].concat();
        let mut command = command(folder.path(), &arguments);
        command.env("SECRET", "a secret");
        run(command)
    };
    let shown = played(&[]);
    let document: Value = serde_json::from_str(&played(&["--format", "json"]).stdout).unwrap();
    server.kill();
    let advice = format!("fhirward clean --server {address} --run ");
    assert_eq!(shown.stderr.matches(&advice).count(), 2, "{shown}");
    let cleanup = document["cleanup"].as_array().unwrap();
    assert_eq!(cleanup.len(), runs);
    for (at, one) in cleanup.iter().enumerate() {
        let left = one["problems"].as_array().unwrap().len();
        // The third is the embedded server's, which deletes.
        assert_eq!(left > 0, at < 2, "{one}");
        assert_eq!(one["run"].as_str().unwrap().len(), 32);
    }
}

/// A snapshot that cannot be read has not been compared with: nothing is proposed, and it is said.
#[test]
fn noise_is_not_learned_beside_a_snapshot_that_cannot_be_read() {
    let folder = starter();
    let snapshot = "scenarios/messaging/first-message.snap.yaml";
    std::fs::write(folder.path().join(snapshot), "steps: [\n").unwrap();
    let shown = play(folder.path(), &["--learn-noise"]);
    assert_eq!(shown.code, 3, "{shown}");
    let says = format!("nothing learned: `{snapshot}` cannot be read");
    assert!(shown.stderr.contains(&says), "{shown}");
}
