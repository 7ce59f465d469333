//! What no server could ever meet, or what proves nothing, is refused before the run.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken fixture should stop the test where it is"
)]

use fhirward_harness::Suite;
use fhirward_harness::client::ServerProfile;
use fhirward_harness::scenario::LoadError;
use rstest::rstest;

const POLICY: &str =
    r#"{ "resourceType": "AccessPolicy", "name": "w", "resource": [{ "resourceType": "Task" }] }"#;

fn errors(steps: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("scenarios");
    for (name, text) in [
        ("policies/worker.json", POLICY.to_owned()),
        (
            "p/flow.yaml",
            format!(
                "scenario: flow\ntitle: T\npage: p\nactors:\n  bob: {{ profile: Practitioner, name: Bob, policy: worker }}\n{steps}"
            ),
        ),
    ] {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    match Suite::load(&[root]) {
        Ok(_) => Vec::new(),
        Err(LoadError::Invalid(findings)) => findings
            .iter()
            .map(|f| format!("{} {}", f.message, f.help.as_deref().unwrap_or_default()))
            .collect(),
        Err(other) => panic!("{other}"),
    }
}

fn step(text: &str) -> String {
    format!("steps:\n  - step: a\n    as: bob\n{text}")
}

const CREATE: &str = "    create: Task\n    body: { resourceType: Task, status: requested }\n    capture: t\n    expect: ";

#[rstest]
#[case::capture_of_a_refusal("{ status: 400 }", "expects 400")]
#[case::capture_of_refusals("{ status: [400, 404] }", "nothing comes back")]
#[case::capture_of_a_class("4xx", "nothing comes back")]
#[case::capture_of_an_outcome("{ outcome: forbidden }", "expects the issue code `forbidden`")]
fn nothing_is_captured_from_a_refusal(#[case] expect: &str, #[case] told: &str) {
    let errors = errors(&step(&format!("{CREATE}{expect}\n")));
    assert!(errors.iter().any(|e| e.contains(told)), "{errors:#?}");
}

#[rstest]
#[case::issue_code(
    "steps: [{ step: a, as: bob, read: Task/1, expect: { status: 403, outcome: forbiden } }]\n",
    "did you mean `forbidden`?"
)]
#[case::quoted_status(
    "steps: [{ step: a, as: bob, read: Task/1, expect: { status: \"404\" } }]\n",
    "write 404 without quotes"
)]
#[case::too_long(
    "steps: [{ step: a, as: bob, read: Task/1, expect: hidden, throughout: { for: 99999999999999m } }]\n",
    "longer than 60 minutes"
)]
#[case::longer_than_anybody_waits(
    "steps: [{ step: a, as: bob, read: Task/1, expect: hidden, throughout: { for: 61m } }]\n",
    "longer than 60 minutes"
)]
#[case::member_of_a_patch(
    "steps: [{ step: a, as: bob, patch: Task/1, body: [{ opp: add, path: /x, value: 1 }] }]\n",
    "did you mean `op`?"
)]
#[case::operation_of_a_patch(
    "steps: [{ step: a, as: bob, patch: Task/1, body: [{ op: repalce, path: /x, value: 1 }] }]\n",
    "did you mean `replace`?"
)]
#[case::path_of_a_patch(
    "steps: [{ step: a, as: bob, patch: Task/1, body: [{ op: add, path: status, value: 1 }] }]\n",
    "write `/status`"
)]
#[case::value_of_a_patch(
    "steps: [{ step: a, as: bob, patch: Task/1, body: [{ op: add, path: /status }] }]\n",
    "has no `value`"
)]
fn what_cannot_be_meant_is_one_error(#[case] steps: &str, #[case] told: &str) {
    let errors = errors(steps);
    assert!(
        matches!(&errors[..], [one] if one.contains(told)),
        "{errors:#?}"
    );
}

/// Whoever tests what a server makes of a wrong patch may send it.
#[test]
fn a_patch_that_is_to_be_refused_may_be_wrong() {
    let steps = "steps: [{ step: a, as: bob, patch: Task/1, body: [{ op: nonsense }], expect: { status: 400 } }]\n";
    assert_eq!(errors(steps), Vec::<String>::new());
}

/// A status of success that counts as a refusal would let every leak pass.
#[rstest]
#[case::success("hidden = [200, 404]", "`hidden` names 200")]
#[case::bad_token("hidden = [404, 401]", "`hidden` names 401")]
#[case::of_denials("denied = [302]", "`denied` names 302")]
fn a_profile_takes_only_refusals_for_refusals(#[case] line: &str, #[case] told: &str) {
    let shipped = include_str!("../profiles/embedded.toml").lines();
    let others: Vec<&str> = shipped
        .filter(|line| !line.starts_with("hidden") && !line.starts_with("denied"))
        .collect();
    let error = ServerProfile::parse(&format!("{line}\n{}\n", others.join("\n"))).unwrap_err();
    assert!(error.to_string().contains(told), "{error}");
}

/// The embedded server answers no request asynchronously, and its profile does not say so.
#[test]
fn the_embedded_profile_offers_nothing_that_the_server_has_not() {
    let profile = ServerProfile::named("embedded").unwrap();
    let offered = profile.offers.needs.iter().map(ToString::to_string);
    assert!(offered.into_iter().all(|need| need != "async"));
}
