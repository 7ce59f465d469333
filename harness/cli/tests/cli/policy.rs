//! `policy check`, `policy decide` and `policy explain`, good input and bad.

use crate::support::fhirward;
use insta::assert_snapshot;
use rstest::rstest;

#[test]
fn check_accepts_a_valid_policy() {
    assert_snapshot!(fhirward(&["policy", "check", "policies/participant.json"]));
}

#[test]
fn check_names_a_missing_file_and_its_neighbour() {
    assert_snapshot!(fhirward(&["policy", "check", "policies/particpant.json"]));
}

#[test]
fn check_shows_where_json_is_broken() {
    assert_snapshot!(fhirward(&["policy", "check", "policies/broken.json"]));
}

#[test]
fn check_refuses_a_modifier() {
    assert_snapshot!(fhirward(&["policy", "check", "policies/contains.json"]));
}

#[test]
fn check_refuses_a_chain() {
    assert_snapshot!(fhirward(&["policy", "check", "policies/chain.json"]));
}

#[test]
fn check_suggests_the_parameter_that_was_meant() {
    assert_snapshot!(fhirward(&[
        "policy",
        "check",
        "policies/unknown-parameter.json"
    ]));
}

#[test]
fn check_misses_the_question_mark() {
    assert_snapshot!(fhirward(&[
        "policy",
        "check",
        "policies/no-question-mark.json"
    ]));
}

#[test]
fn check_finds_a_variable_without_a_value() {
    assert_snapshot!(fhirward(&[
        "policy",
        "check",
        "policies/organization.json",
        "policies/membership.json"
    ]));
}

#[test]
fn check_as_json() {
    assert_snapshot!(fhirward(&[
        "--format",
        "json",
        "policy",
        "check",
        "policies/unknown-parameter.json"
    ]));
}

fn ask(verb: &str, policy: &str, profile: &str, more: &[&str]) -> crate::support::Shown {
    let mut arguments = vec!["policy", verb, "--policy", policy, "--profile", profile];
    arguments.extend(["--resource", "resources/message.json", "--interaction"]);
    arguments.extend(more);
    fhirward(&arguments)
}

#[test]
fn decide_allows() {
    assert_snapshot!(ask(
        "decide",
        "policies/participant.json",
        "Practitioner/house",
        &["read"]
    ));
}

#[test]
fn decide_denies_by_exit_code() {
    assert_snapshot!(ask(
        "decide",
        "policies/participant.json",
        "Practitioner/nick",
        &["read"]
    ));
}

#[test]
fn decide_as_json() {
    assert_snapshot!(ask(
        "decide",
        "policies/participant.json",
        "Practitioner/nick",
        &["read", "--format", "json"]
    ));
}

#[test]
fn decide_with_an_invalid_policy_says_so_and_denies() {
    assert_snapshot!(ask(
        "decide",
        "policies/chain.json",
        "Practitioner/house",
        &["read"]
    ));
}

#[test]
fn decide_reads_an_export_and_names_its_broken_line() {
    assert_snapshot!(ask(
        "decide",
        "policies/export.ndjson",
        "Practitioner/house",
        &["read"]
    ));
}

#[test]
fn decide_says_what_to_do_about_a_program() {
    assert_snapshot!(ask(
        "decide",
        "policies/wild/policy.ts",
        "Practitioner/house",
        &["read"]
    ));
}

#[test]
fn decide_gives_a_variable_its_value() {
    let shown = ask(
        "decide",
        "policies/organization.json",
        "Practitioner/nick",
        &["read", "--parameter", "organization=Practitioner/house"],
    );
    assert_eq!(shown.code, 0, "{shown}");
}

#[test]
fn decide_needs_the_result_of_an_update() {
    assert_snapshot!(ask(
        "decide",
        "policies/participant.json",
        "Practitioner/alice",
        &["update"]
    ));
}

#[test]
fn decide_on_an_update_that_gives_the_resource_away() {
    let folder = tempfile::tempdir().unwrap();
    let given_away = folder.path().join("given-away.json");
    let message =
        std::fs::read_to_string(crate::support::fixtures().join("resources/message.json")).unwrap();
    std::fs::write(&given_away, message.replace("/house", "/jackie")).unwrap();
    let shown = ask(
        "decide",
        "policies/participant.json",
        "Practitioner/house",
        &["update", "--result", given_away.to_str().unwrap()],
    );
    assert_eq!(shown.code, 4, "{shown}");
}

#[test]
fn decide_refuses_an_unknown_interaction() {
    let shown = ask(
        "decide",
        "policies/participant.json",
        "Practitioner/house",
        &["peek"],
    );
    assert_eq!(shown.code, 1, "{shown}");
}

#[test]
fn explain_shows_the_nearest_miss() {
    assert_snapshot!(ask(
        "explain",
        "policies/participant.json",
        "Practitioner/nick",
        &["read"]
    ));
}

#[test]
fn explain_shows_which_entry_allowed() {
    assert_snapshot!(ask(
        "explain",
        "policies/participant.json",
        "Practitioner/house",
        &["read"]
    ));
}

/// What a file holds is no order to a terminal or a log, in a message, a quoted line or an annotation.
#[rstest]
#[case::human("human")]
#[case::github("github")]
#[case::junit("junit")]
#[case::html("html")]
#[case::sarif("sarif")]
fn a_policy_gives_no_orders_to_terminals(#[case] format: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.json");
    let text = "{\"resourceType\": \"AccessPolicy\", \"name\": \"n\", \"resource\": [\r\n  {\"resourceType\": \"Pati\\u001b[2Jent\", \"criteria\": \"Patient?nam\\u0007e=\\u202ex\"},\r\n  {\"resourceType\": \"Patient\", \"criteria\": \"Patient?x=\u{9b}2J\u{7f}\"}\r\n]}";
    std::fs::write(&path, text).unwrap();
    let shown = fhirward(&[
        "policy",
        "check",
        "--format",
        format,
        path.to_str().unwrap(),
    ]);
    assert_eq!(shown.code, 2, "{shown}");
    for c in (shown.stdout.clone() + &shown.stderr).chars() {
        let is_order = c.is_control() && !matches!(c, '\n' | '\t') || c == '\u{202e}';
        assert!(!is_order, "{c:?} in {shown}");
    }
}
