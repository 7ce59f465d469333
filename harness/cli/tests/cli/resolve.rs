//! `policy resolve`, and what `decide` and `explain` share with it: bundles, scopes, addresses.

use crate::support::{Shown, command, fhirward, run};
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

/// A Binary is decided with its security context, and without one at hand not in favour.
#[test]
fn decide_asks_for_the_security_context_of_a_binary() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let policy = file(
        "policy.json",
        r#"{"resourceType": "AccessPolicy", "resource": [{"resourceType": "Binary"},
            {"resourceType": "Communication", "criteria": "Communication?recipient=%profile"}]}"#,
    );
    let binary = file(
        "binary.json",
        r#"{"resourceType": "Binary", "id": "b", "contentType": "text/plain",
            "securityContext": {"reference": "Communication/m1"}}"#,
    );
    let ask = |verb: &str, profile: &str, more: &[&str]| {
        let mut arguments = vec!["policy", verb, "--policy", &policy, "--profile", profile];
        arguments.extend(["--resource", &binary, "--interaction", "read"]);
        arguments.extend(more);
        fhirward(&arguments)
    };
    let context = ["--context", "resources/message.json"];
    assert_eq!(ask("decide", "Practitioner/house", &context).code, 0);
    assert_eq!(ask("decide", "Practitioner/nick", &context).code, 4);
    assert_eq!(ask("decide", "Practitioner/house", &[]).code, 4);
    let told = ask("explain", "Practitioner/nick", &context);
    assert!(
        told.stdout
            .contains("the securityContext of the Binary cannot be read"),
        "{told}"
    );
}

/// An export holds patients beside the policies; a resource alone of another type is a mistake.
#[test]
fn what_is_beside_policies_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = include_str!("../fixtures/policies/clinic.json");
    let clinic: Value = serde_json::from_str(clinic).unwrap();
    let mut entries = clinic["entry"].as_array().unwrap().clone();
    entries.push(serde_json::json!({ "resource": { "resourceType": "Patient", "id": "p" } }));
    let export = serde_json::json!({
        "resourceType": "Bundle", "type": "collection", "entry": entries,
    });
    std::fs::write(folder.path().join("export.json"), export.to_string()).unwrap();
    std::fs::write(
        folder.path().join("patient.json"),
        r#"{"resourceType":"Patient"}"#,
    )
    .unwrap();
    let resolve = |file: &str| {
        run(command(
            folder.path(),
            &["policy", "resolve", "--policy", file, "--member", "m-alice"],
        ))
    };
    let shown = resolve("export.json");
    assert_eq!(shown.code, 0, "{shown}");
    assert!(!shown.stderr.contains("not-a-policy"), "{shown}");
    let alone = resolve("patient.json");
    assert_eq!(alone.code, 1, "{alone}");
    assert!(alone.stderr.contains("not-a-policy"), "{alone}");
}
