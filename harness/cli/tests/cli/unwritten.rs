//! What cannot be written ends no run: it goes on, removes what it made, and writes the rest.

use std::fs;

use rstest::rstest;
use serde_json::Value;

use crate::exits::{copy, open_up};
use crate::serve::Server;
use crate::support::{Shown, command, run};

/// A disk without room.
const FULL: &str = "/dev/full";

/// The run with a full disk somewhere, what it wrote elsewhere, and the server it was played on.
fn played(arguments: &[&str], to_full: bool, leaks: bool) -> (Shown, Value, Server) {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path());
    if leaks {
        open_up(folder.path());
    }
    let server = Server::start(folder.path(), &[]);
    let address = server.ready["base_url"].as_str().unwrap();
    let way_in = ["--admin-client", "admin", "--admin-secret-env", "SECRET"];
    let reports = [
        "--report",
        "json=report.json",
        "--report",
        "jsonl=run.jsonl",
    ];
    let all = [
        &["run", "--server", address][..],
        &way_in,
        &reports,
        arguments,
    ]
    .concat();
    let mut command = command(folder.path(), &all);
    command.env("SECRET", "a secret");
    let shown = if to_full {
        let full = fs::File::options().write(true).open(FULL).unwrap();
        let ended = command.stdout(full).output().unwrap();
        Shown {
            code: ended.status.code().unwrap(),
            stdout: String::new(),
            stderr: String::from_utf8(ended.stderr).unwrap(),
        }
    } else {
        run(command)
    };
    let report = fs::read_to_string(folder.path().join("report.json"));
    let report = serde_json::from_str(&report.unwrap()).unwrap();
    let events = fs::read_to_string(folder.path().join("run.jsonl")).unwrap();
    let last: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "run-finished");
    assert!(folder.path().join(".fhirward/last-run.jsonl").exists());
    (shown, report, server)
}

#[rstest]
#[case::bodies(&["--bodies", FULL], false, "`/dev/full` of --bodies is incomplete")]
#[case::events_live(&["--report", "jsonl=-"], true, "cannot be written to standard output")]
#[case::report(&["--report", "tap=-"], true, "cannot be written to standard output")]
#[case::document(&["--format", "json"], true, "cannot be written to standard output")]
#[case::bodies_for_programs(&["--bodies", FULL, "--format", "json"], false, "`/dev/full` of --bodies is incomplete")]
fn a_full_disk_ends_no_run(
    #[case] arguments: &[&str],
    #[case] to_full: bool,
    #[case] said: &str,
    #[values(true, false)] leaks: bool,
) {
    let (shown, report, server) = played(arguments, to_full, leaks);
    // The suite has no snapshot yet, which is a mismatch; the leak is worse, and both are worse than
    // what is missing.
    let worst = if leaks { 5 } else { 4 };
    assert_eq!(shown.code, worst, "{shown}");
    assert_eq!(report["summary"]["exit_code"], worst);
    assert!(shown.stderr.contains(said), "{shown}");
    assert!(shown.stderr.contains("No space left"), "{shown}");
    for kind in ["AccessPolicy", "Communication", "ClientApplication"] {
        let (status, found) = server.connect().send("GET", kind, "").unwrap();
        let found = found["entry"].as_array().map_or(0, Vec::len);
        // The server's own administrator stays.
        let there = usize::from(kind == "ClientApplication");
        assert_eq!((status, found), (200, there), "{kind}");
    }
    server.kill();
}

/// Where nothing else is wrong, what is missing decides.
#[test]
fn a_good_run_whose_bodies_are_incomplete_could_not_be_done() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path());
    run(command(folder.path(), &["run"]));
    run(command(folder.path(), &["review", "--accept-all"]));
    let shown = run(command(folder.path(), &["run", "--bodies", FULL]));
    assert_eq!(shown.code, 3, "{shown}");
    assert!(shown.stderr.contains("1 passed"), "{shown}");
}
