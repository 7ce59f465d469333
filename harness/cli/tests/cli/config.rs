//! `fhirward.toml`: every command knows the same sections and keys, and shows what is wrong.

use rstest::rstest;

use crate::support::{Shown, command, fixtures, run};

/// Commands that have to do with the file, each with all that it needs to get to it.
const COMMANDS: [&[&str]; 4] = [
    &["run"],
    &[
        "clean",
        "--older-than",
        "1h",
        "--server",
        "http://127.0.0.1:9",
        "--profile",
        "hapi",
    ],
    &["policy", "check", "scenarios/policies"],
    &["thread", "check", "thread.ndjson"],
];

fn with(config: &str, arguments: &[&str]) -> Shown {
    let folder = crate::run::copied("one");
    std::fs::write(folder.path().join("fhirward.toml"), config).unwrap();
    let thread = fixtures().join("resources/thread.ndjson");
    std::fs::copy(thread, folder.path().join("thread.ndjson")).unwrap();
    run(command(folder.path(), arguments))
}

#[rstest]
#[case::section("[polcy]\n", 1, "did you mean `policy`?")]
#[case::section_like_no_other("[colours]\n", 1, "one of `policy`, `thread`, `servers`")]
#[case::no_section("policy = 1\n", 1, "`policy` has to be a table")]
#[case::key_of_policy(
    "[policy]\nserver-versoin = \"5.0\"\n",
    2,
    "did you mean `server-version`?"
)]
#[case::key_of_thread("[thread]\nruls = {}\n", 2, "did you mean `rules`?")]
#[case::key_of_a_server(
    "[servers.here]\nurl = \"http://h/\"\nprofle = \"hapi\"\n",
    3,
    "did you mean `profile`?"
)]
#[case::no_url("[servers.here]\nprofile = \"hapi\"\n", 1, "missing field `url`")]
#[case::no_toml("[servers\n", 1, "not TOML")]
fn what_is_wrong_is_wrong_for_every_command(
    #[case] config: &str,
    #[case] line: usize,
    #[case] says: &str,
) {
    for arguments in COMMANDS {
        let shown = with(config, arguments);
        assert_eq!(shown.code, 1, "{arguments:?}: {shown}");
        let place = format!("fhirward.toml:{line}:");
        assert!(shown.stderr.contains(&place), "{arguments:?}: {shown}");
        assert!(shown.stderr.contains(says), "{arguments:?}: {shown}");
    }
}

/// Addresses and profiles are shown, and nothing that may be a secret.
#[test]
fn the_excerpt_shows_what_is_no_secret() {
    let config = "[servers.here]\nurl = \"https://fhir.example.org/r4\"\nprofile = \"hapi\"\n\
                  proxy = \"http://me:hunter2@proxy:3128\"\nsecrt = \"hunter3\"\n";
    let shown = with(config, &["run"]);
    assert_eq!(shown.code, 1, "{shown}");
    for word in ["proxy = \"http://", "@proxy:3128\"", "secrt"] {
        assert!(shown.stderr.contains(word), "{word}: {shown}");
    }
    assert!(!shown.stderr.contains("hunter"), "{shown}");
    let config = "[servers.here]\nprofile = \"hapi\"\nprofle = \"hapi\"\n";
    let shown = with(config, &["run"]);
    assert!(shown.stderr.contains("profile = \"hapi\""), "{shown}");
}
