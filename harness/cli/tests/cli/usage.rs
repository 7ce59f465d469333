//! The command line itself.

use crate::support::{command, fhirward, fixtures, run};
use insta::assert_snapshot;

#[test]
fn help_lists_commands_and_exit_codes() {
    assert_snapshot!(fhirward(&["--help"]));
}

#[test]
fn run_help() {
    assert_snapshot!(fhirward(&["run", "--help"]));
}

#[test]
fn an_unknown_option_is_a_usage_error() {
    let shown = fhirward(&["run", "--servr", "http://localhost"]);
    assert_eq!(shown.code, 1, "{shown}");
}

#[test]
fn a_server_needs_credentials() {
    let shown = fhirward(&["run", "--server", "http://127.0.0.1:1/"]);
    assert_eq!(shown.code, 1, "{shown}");
}

#[test]
fn a_secret_that_is_not_in_the_environment() {
    let mut command = command(
        &fixtures(),
        &[
            "serve",
            "--port",
            "0",
            "--admin-client",
            "a",
            "--admin-secret-env",
            "FHIRWARD_NO_SUCH",
        ],
    );
    command.env_remove("FHIRWARD_NO_SUCH");
    assert_snapshot!(run(command));
}

/// The command line is refused: exit code 1, no answer, and the reason in these words.
fn refused(arguments: &[&str], why: &str) {
    let shown = fhirward(arguments);
    assert_eq!(shown.code, 1, "{arguments:?}\n{shown}");
    assert_eq!(shown.stdout, "", "{arguments:?}\n{shown}");
    assert!(shown.stderr.contains(why), "{arguments:?}\n{shown}");
}

fn decide(more: &[&str], why: &str) {
    let mut arguments = vec!["policy", "decide", "--policy", "policies/participant.json"];
    arguments.extend(more);
    refused(&arguments, why);
}

#[test]
fn decide_refuses_a_question_that_is_none() {
    let message = ["--resource", "resources/message.json"];
    let read = ["--interaction", "read"];
    decide(
        &[&message[..], &read, &["--profile", "house"]].concat(),
        "Practitioner/house",
    );
    decide(
        &[&message[..], &read].concat(),
        "--membership <FILE>|--profile <TYPE/ID>",
    );
    decide(
        &[
            "--interaction",
            "update",
            "--profile",
            "Practitioner/house",
            "--resource",
            "-",
            "--result",
            "-",
        ],
        "more than once",
    );
}

#[test]
fn decide_takes_one_resource_in_both_states() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.json");
    std::fs::write(&other, r#"{"resourceType":"Communication","id":"another"}"#).unwrap();
    let bundle = folder.path().join("bundle.json");
    std::fs::write(&bundle, r#"{"resourceType":"Bundle","type":"collection"}"#).unwrap();
    let house = ["--profile", "Practitioner/house"];
    decide(
        &[
            &house[..],
            &[
                "--interaction",
                "update",
                "--resource",
                "resources/message.json",
            ],
            &["--result", other.to_str().unwrap()],
        ]
        .concat(),
        "--result is Communication/another",
    );
    decide(
        &[
            &house[..],
            &[
                "--interaction",
                "read",
                "--resource",
                bundle.to_str().unwrap(),
            ],
        ]
        .concat(),
        "is a Bundle",
    );
}

#[test]
fn review_refuses_what_contradicts_itself_or_is_not_there() {
    refused(&["review", "no-such-folder"], "no-such-folder");
    refused(
        &["review", "suites/one", "--accept", "x", "--reject", "x"],
        "to be accepted and to be rejected",
    );
    refused(
        &["review", "suites/one", "--accept-widening", "because"],
        "--accept ID or --accept-all",
    );
}

#[test]
fn run_says_what_a_file_is_that_is_no_scenario() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, why) in [
        ("a.snap.yaml", "scenario: a\n", "a snapshot, not a scenario"),
        ("a.yaml", "state: a\n", "a state that scenarios build on"),
        (
            "a.json",
            r#"{"resourceType":"AccessPolicy"}"#,
            "an AccessPolicy",
        ),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        refused(&["run", path.to_str().unwrap()], why);
    }
}

#[test]
fn a_server_without_a_scheme() {
    let mut command = command(
        &fixtures().join("suites/one"),
        &[
            "run",
            "--server",
            "127.0.0.1:8103",
            "--admin-client",
            "a",
            "--admin-secret-env",
            "FHIRWARD_TEST_SECRET",
        ],
    );
    command.env("FHIRWARD_TEST_SECRET", "s3cret-s3cret");
    let shown = run(command);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(
        shown.stderr.contains("write http://127.0.0.1:8103"),
        "{shown}"
    );
}

#[test]
fn nothing_to_check() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.txt");
    std::fs::write(&list, "[]").unwrap();
    for what in [folder.path(), &list] {
        for noun in ["policy", "thread"] {
            let shown = fhirward(&[noun, "check", what.to_str().unwrap()]);
            assert_eq!(shown.code, 6, "{noun} {what:?}\n{shown}");
            assert!(shown.stderr.contains("nothing to check"), "{shown}");
        }
    }
}

#[test]
fn a_file_that_is_not_utf_8_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    for (name, verb) in [
        ("a.json", ["policy", "check"].as_slice()),
        ("a.yaml", &["run"]),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, b"scenario: \xff\n").unwrap();
        refused(&[verb, &[path.to_str().unwrap()]].concat(), "UTF-8");
    }
}
