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
