//! `policy resolve`, and what `decide` and `explain` share with it: bundles, scopes, addresses.

use crate::support::{Shown, fhirward};
use insta::assert_snapshot;
use serde_json::Value;

const CLINIC: &str = "policies/clinic.json";

fn resolve(more: &[&str]) -> Shown {
    let mut arguments = vec!["policy", "resolve", "--policy", CLINIC];
    arguments.extend(more);
    fhirward(&arguments)
}

const ALICE: [&str; 2] = ["--member", "Practitioner/alice"];
const SCOPED: [&str; 4] = [
    "--member",
    "m-alice",
    "--scope",
    "openid user/Communication.rs",
];

#[test]
fn resolve_shows_the_origin_of_each_entry() {
    assert_snapshot!(resolve(&ALICE));
}

#[test]
fn resolve_within_scopes() {
    assert_snapshot!(resolve(&SCOPED));
}

/// What the page shows is what the command prints.
#[test]
fn the_page_about_resolve_shows_what_it_prints() {
    let page = include_str!("../../../../docs/policy-resolve.md");
    for shown in [resolve(&ALICE), resolve(&SCOPED)] {
        assert!(page.contains(shown.stdout.trim_end()), "{shown}");
    }
}

#[test]
fn resolve_as_json() {
    let shown = resolve(&["--member", "m-alice", "--format", "json"]);
    let document: Value = serde_json::from_str(&shown.stdout).unwrap();
    let at = |pointer: &str| document.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(shown.code, 0, "{shown}");
    assert_eq!(at("/resolved/account"), "Organization/north");
    assert_eq!(at("/resolved/entries/1/policy"), "Clinic");
    assert_eq!(at("/resolved/entries/1/access"), 1);
    assert_eq!(
        at("/resolved/entries/1/filters/0"),
        "_compartment=Organization/north"
    );
    assert_eq!(at("/resolved/entries/2/from"), "policy");
    assert_eq!(at("/resolved/entries/3/from"), "default");
    assert_eq!(at("/diagnostics/0/code"), "policy/admin-type");
}

#[test]
fn several_memberships_are_listed() {
    assert_snapshot!(resolve(&[]));
}

#[test]
fn an_unknown_member_is_told_who_there_is() {
    let shown = resolve(&["--member", "Practitioner/nick"]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(
        shown
            .stderr
            .contains("no membership is `Practitioner/nick`'s"),
        "{shown}"
    );
    assert!(shown.stderr.contains("(id `m-house`)"), "{shown}");
}

#[test]
fn a_bundle_may_be_the_membership() {
    let shown = fhirward(&[
        "policy",
        "resolve",
        "--membership",
        CLINIC,
        "--member",
        "m-house",
    ]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(
        shown.stdout.starts_with("policy of Practitioner/house"),
        "{shown}"
    );
}

#[test]
fn resolve_needs_a_policy() {
    let shown = fhirward(&["policy", "resolve"]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.stderr.contains("--policy <FILE>"), "{shown}");
}

#[test]
fn a_scope_that_is_not_understood_is_marked() {
    assert_snapshot!(resolve(&[
        "--member",
        "m-house",
        "--scope",
        "openid user/Patient.sr"
    ]));
}

fn ask(verb: &str, more: &[&str]) -> Shown {
    let mut arguments = vec!["policy", verb, "--policy", CLINIC, "--member", "m-house"];
    arguments.extend([
        "--resource",
        "resources/message.json",
        "--interaction",
        "read",
    ]);
    arguments.extend(more);
    fhirward(&arguments)
}

#[test]
fn decide_takes_a_bundle_and_scopes() {
    assert_eq!(ask("decide", &[]).code, 0);
    assert_eq!(ask("decide", &["--scope", "openid"]).code, 0);
    let within = ask("decide", &["--scope", "user/Communication.s"]);
    assert_eq!(within.code, 4, "{within}");
    let told = ask("explain", &["--scope", "user/Communication.s"]);
    assert!(
        told.stdout
            .contains("no scope of the token covers read on Communication"),
        "{told}"
    );
}

#[test]
fn decide_asks_for_the_patient_of_a_patient_scope() {
    let without = ask("decide", &["--scope", "patient/Communication.rs"]);
    assert_eq!(without.code, 2, "{without}");
    assert!(
        without
            .stderr
            .contains("the patient of the launch is not known"),
        "{without}"
    );
}

fn from(verb: &str, address: &str, more: &[&str]) -> Shown {
    let mut arguments = vec!["policy", verb, "--policy", CLINIC, "--member", "m-alice"];
    arguments.extend([
        "--resource",
        "resources/message.json",
        "--interaction",
        "read",
    ]);
    arguments.extend(["--ip", address]);
    arguments.extend(more);
    fhirward(&arguments)
}

#[test]
fn decide_refuses_an_address() {
    assert_snapshot!(from("decide", "10.100.0.1", &[]));
    let data = from("decide", "10.100.0.1", &["--format", "json"]);
    let document: Value = serde_json::from_str(&data.stdout).unwrap();
    assert_eq!(
        document.pointer("/sign_in/admitted"),
        Some(&Value::Bool(false))
    );
    assert_eq!(
        document.pointer("/status").and_then(Value::as_u64),
        Some(400)
    );
}

#[test]
fn explain_tells_the_rule_of_an_address() {
    let shown = from("explain", "10.1.0.1", &[]);
    assert!(
        shown
            .stdout
            .starts_with("sign-in: admitted; Clinic ipAccessRule #1 (allow 10.1) allows it"),
        "{shown}"
    );
}
