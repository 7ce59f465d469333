//! `policy decide` and `policy explain` under several semantics.

use crate::support::fhirward;
use insta::assert_snapshot;

fn ask(command: &str, policy: &str, interaction: &str, more: &[&str]) -> String {
    let mut words = vec![
        "policy",
        command,
        "--policy",
        policy,
        "--profile",
        "Practitioner/house",
        "--interaction",
        interaction,
        "--resource",
        "resources/patient.json",
    ];
    words.extend(more);
    fhirward(&words).to_string()
}

#[test]
fn explain_shows_where_three_semantics_part() {
    // The example of docs/semantics.md.
    let names = [
        "--semantics",
        "documented",
        "--semantics",
        "r4",
        "--semantics",
        "medplum-5.0",
    ];
    let shown = ask("explain", "policies/upper-case.json", "read", &names);
    let page = include_str!("../../../../docs/semantics.md");
    let (_, example) = page
        .split_once("fixtures/resources/patient.json\n")
        .unwrap();
    let (example, _) = example.split_once("\n```").unwrap();
    assert!(shown.contains(example), "the page shows another answer");
    assert_snapshot!(shown);
}

#[test]
fn explain_shows_all_semantics_of_a_search() {
    assert_snapshot!(ask(
        "explain",
        "policies/by-identifier.json",
        "search",
        &["--semantics", "all"]
    ));
}

#[test]
fn explain_as_json() {
    assert_snapshot!(ask(
        "explain",
        "policies/upper-case.json",
        "read",
        &["--semantics", "medplum-5.1.11", "--format", "json"]
    ));
}

#[test]
fn decide_ends_with_the_answer_of_the_only_semantics() {
    // Allowed from the cache alone is not allowed.
    assert_snapshot!(ask(
        "decide",
        "policies/upper-case.json",
        "read",
        &["--semantics", "medplum-5.0"]
    ));
}

#[test]
fn decide_with_several_ends_with_the_documented_answer() {
    assert_snapshot!(ask(
        "decide",
        "policies/by-identifier.json",
        "create",
        &["--semantics", "medplum-5.2", "--semantics", "documented"]
    ));
}

#[test]
fn an_unknown_version_says_which_are_known() {
    assert_snapshot!(ask(
        "explain",
        "policies/upper-case.json",
        "read",
        &["--semantics", "medplum-6.0"]
    ));
}
