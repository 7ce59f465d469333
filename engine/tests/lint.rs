//! The rules together: over real policies, over nonsense, over very long ones.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::BTreeMap;
use std::path::Path;

use fhirward_engine::lint::{Finding, Options, Subject, catalogue, check, page};
use fhirward_engine::medplum::Version;
use fhirward_engine::source::Source;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

fn lint_on(json: &str, server: Version) -> Vec<Finding> {
    let mut subject = Subject::default();
    subject.add_text(&Source::new("policy.json", json));
    let options = Options {
        server,
        ..Options::default()
    };
    check(&subject, &options)
}

fn lint(json: &str) -> Vec<Finding> {
    lint_on(json, Version::NEWEST)
}

/// `level id: underlined text`.
fn lines(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .map(|finding| {
            let diagnostic = &finding.diagnostic;
            let source = diagnostic.source.as_ref().unwrap();
            let text = source.slice(diagnostic.labels[0].span);
            format!("{} {}: {text}", diagnostic.severity, finding.id())
        })
        .collect()
}

/// The policies of the scenario suite are meant as they are written, but for two that show what goes
/// wrong with one half of a conversation, and one of a program that is told everything.
#[test]
fn the_policies_of_the_suite_have_no_findings() {
    let flawed = BTreeMap::from([
        ("hooks.json", vec!["critical L50: \"Subscription\""]),
        (
            "sender-and-recipient.json",
            vec!["warning W03: sender=%profile"],
        ),
        (
            "sender-only.json",
            vec!["warning W04: Communication?sender=%profile"],
        ),
    ]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/policies");
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let findings = lint(&text);
        let loud: Vec<_> = lines(&findings)
            .into_iter()
            .filter(|line| !line.starts_with("info"))
            .collect();
        let name = path.file_name().unwrap().to_str().unwrap();
        let expected = flawed.get(name).cloned().unwrap_or_default();
        assert_eq!(loud, expected, "{}", path.display());
        read += 1;
    }
    assert!(read >= 6, "{read}");
}

/// Policies in the manner of the server's documentation (policies for patients, practitioners,
/// several clinics), as far as they are sound.
#[rstest]
#[case::patient(json!([
    {"resourceType": "Patient", "criteria": "Patient?_compartment=%patient"},
    {"resourceType": "Observation", "criteria": "Observation?_compartment=%patient", "readonly": true},
    {"resourceType": "Communication", "criteria": "Communication?_compartment=%patient"},
    {"resourceType": "Practitioner", "readonly": true},
    {"resourceType": "Questionnaire", "readonly": true},
]))]
#[case::oneself(json!([
    {"resourceType": "Patient", "criteria": "Patient?_id=%patient.id", "interaction": ["read", "search"]},
    {"resourceType": "Coverage", "criteria": "Coverage?beneficiary=%patient"},
]))]
#[case::care_team(json!([
    {"resourceType": "Patient", "criteria": "Patient?general-practitioner=%profile"},
    {"resourceType": "Task", "criteria": "Task?owner=%profile&status=requested,in-progress"},
    {"resourceType": "Subscription", "criteria": "Subscription?type=websocket&author=%profile"},
]))]
#[case::clinic(json!([
    {"resourceType": "Organization", "criteria": "Organization?_id=%clinic.id"},
    {"resourceType": "Patient", "criteria": "Patient?_compartment=%clinic"},
    {"resourceType": "Encounter", "criteria": "Encounter?_compartment=%clinic"},
]))]
#[case::life_cycle(json!([
    {"resourceType": "ServiceRequest", "criteria": "ServiceRequest?status=active"},
    {"resourceType": "ServiceRequest", "criteria": "ServiceRequest?status=completed", "readonly": true},
]))]
#[case::marked_as_restricted(json!([
    {"resourceType": "Observation", "criteria": "Observation?_security:not=http://terminology.hl7.org/CodeSystem/v3-Confidentiality|R", "readonly": true},
]))]
#[case::ranges(json!([
    {"resourceType": "Communication", "criteria": "Communication?sent=ge2024-01-01&sent=lt2025-01-01", "readonly": true},
    {"resourceType": "Patient", "criteria": "Patient?birthdate=ge1990-01-01&birthdate=le1999-12-31", "readonly": true},
]))]
#[case::fields(json!([
    {"resourceType": "Patient", "interaction": ["read"], "hiddenFields": ["birthDate"]},
    {"resourceType": "Practitioner", "interaction": ["read", "search", "update"], "readonlyFields": ["name", "qualification"]},
]))]
#[case::read_everything_write_tasks(json!([
    {"resourceType": "*", "readonly": true},
    {"resourceType": "Task", "criteria": "Task?requester=%profile"},
]))]
fn sound_policies_are_left_alone(#[case] entries: Value) {
    let policy = json!({"resourceType": "AccessPolicy", "id": "p", "resource": entries});
    let findings = lint(&policy.to_string());
    let loud: Vec<_> = lines(&findings)
        .into_iter()
        .filter(|line| !line.starts_with("info"))
        .collect();
    assert_eq!(loud, Vec::<String>::new());
}

/// The unsound ones of that documentation: what is found, and nothing else.
#[rstest]
#[case::id_and_reference_mixed(
    json!([{"resourceType": "Organization", "criteria": "Organization?_id=%profile"}]),
    &["warning L27: %profile"]
)]
#[case::doubled_prefix(
    json!([{"resourceType": "Goal", "criteria": "Goal?_compartment=Patient/%patient"}]),
    &["warning L27: Patient/%patient"]
)]
#[case::user_for_profile(
    json!([{"resourceType": "Subscription", "criteria": "Subscription?author=%user"}]),
    &["critical L50: Subscription?author=%user", "error L07: %user"]
)]
#[case::wildcard(
    json!([{"resourceType": "*", "criteria": "*?_compartment=%patient"}]),
    &["warning L20: *"]
)]
fn flawed_policies_of_the_documentation(#[case] entries: Value, #[case] expected: &[&str]) {
    let policy = json!({"resourceType": "AccessPolicy", "id": "p", "resource": entries});
    assert_eq!(lines(&lint(&policy.to_string())), expected);
}

/// One mistake, one finding: the reader and the rules never say the same twice.
#[rstest]
#[case("Patient", "gender=male", "L01")]
#[case("Patient", "Patient", "L02")]
#[case("Patient", "Patient?", "L02")]
#[case("Patient", "Patient?_count=1", "L02")]
#[case("Patient", "Patient?gender=male?active=true", "L03")]
#[case("Patient", "Patient?gender:not-in=male", "L04")]
#[case("Patient", "Patient?gender:foo=male", "L05")]
#[case("Patient", "Patient?active=%user.reference", "L07")]
#[case("Observation", "Observation?code-value-quantity=8867-4$80", "L22")]
#[case("Location", "Location?near=1|2", "L22")]
#[case("Patient", "Patient?foo=bar", "L23")]
#[case("Patient", "Patient?_text=bar", "L23")]
#[case("Patient", "Patient?_has:Observation:subject:code=1", "L24")]
#[case("Observation", "Observation?subject:Patient.name=x", "L24")]
#[case("Patient", "Patient?_filter=gender eq male", "L24")]
#[case("Patient", "Patient?birthdate=zzz", "L25")]
#[case("Observation", "Observation?subject:Patient=1", "L27")]
#[case("Observation", "Observation?subject=Patient/Patient/1", "L27")]
#[case("Patient", "Patient?identifier=a|b|c", "L28")]
#[case("Patient", "Patient?name=", "L29")]
#[case("Task", "Task?owner:missing=perhaps", "L30")]
#[case("Patient", "Patient?gender=male&", "L34")]
fn a_mistake_is_reported_once(#[case] kind: &str, #[case] criteria: &str, #[case] rule: &str) {
    let policy = json!({
        "resourceType": "AccessPolicy",
        "resource": [{"resourceType": kind, "criteria": criteria}],
    });
    let findings = lint(&policy.to_string());
    // L62 is about the criteria as a whole: it could not be saved today.
    let wrong: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.diagnostic.is_error() && finding.id() != "L62")
        .map(Finding::id)
        .collect();
    assert_eq!(wrong, [rule], "{:?}", lines(&findings));
}

/// JSON escapes, then percent escapes: the place stays right.
#[test]
fn places_are_right_under_escapes() {
    let text = r#"{"resourceType": "AccessPolicy", "resource": [{"resourceType": "Patient",
        "criteria": "Patient?\u0067ender:n\u006ft-in=f%65male"}]}"#;
    assert_eq!(lines(&lint(text)), [r"critical L04: :n\u006ft-in"]);
}

/// A repair is JSON: what it puts in is escaped.
#[test]
fn repairs_are_written_with_escapes() {
    let text = r#"{"resourceType": "AccessPolicy", "resource": [{"resourceType": "Observation",
        "criteria": "Observation?subject:Patient=a\"b"}]}"#;
    let findings = lint(text);
    let fixes: Vec<_> = findings
        .into_iter()
        .filter_map(|finding| finding.diagnostic.fix)
        .collect();
    let repaired = fhirward_engine::lint::apply_fixes(text, &fixes);
    let value: Value = serde_json::from_str(&repaired).unwrap();
    assert_eq!(
        value["resource"][0]["criteria"],
        "Observation?subject=Patient/a\"b"
    );
}

/// Policies and memberships may lie in different files.
#[test]
fn memberships_of_another_file_count() {
    let policy = json!({"resourceType": "AccessPolicy", "id": "p",
        "resource": [{"resourceType": "Task", "criteria": "Task?owner:not=%team"}]});
    let member = json!({"resourceType": "ProjectMembership", "profile": {"reference": "Patient/1"},
        "access": [{"policy": {"reference": "AccessPolicy/p"}}]});
    let mut subject = Subject::default();
    subject.add_text(&Source::new("policy.json", policy.to_string()));
    subject.add_text(&Source::new("member.json", member.to_string()));
    let findings = check(&subject, &Options::default());
    assert_eq!(
        lines(&findings),
        ["warning L31: :not", "critical L07: %team"]
    );
}

/// Ten thousand entries of one type, each with fields, constraints and filters of its own: entries
/// that were compared in pairs would be a hundred million pairs.
#[test]
fn a_very_long_policy_is_checked() {
    let entries: Vec<Value> = (0..10_000)
        .map(|at| {
            json!({
                "resourceType": "Task",
                "criteria": format!("Task?code=c{at}&owner=%profile&status=draft"),
                "hiddenFields": ["note"],
                "readonlyFields": ["description"],
            })
        })
        .collect();
    let policy = json!({"resourceType": "AccessPolicy", "resource": entries});
    let findings = lint_on(&policy.to_string(), "5.0.0".parse().unwrap());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &findings {
        *counts.entry(finding.id()).or_default() += 1;
    }
    assert_eq!(counts.get("L19"), Some(&10_000));
    assert_eq!(counts.get("L12"), None);
}

/// Members are alike when their policies and parameters are: each of these is checked with its own.
#[test]
fn each_kind_of_member_is_checked() {
    let member = |profile: &str, value: &str| {
        json!({"resourceType": "ProjectMembership", "profile": {"reference": profile}, "access": [
            {"policy": {"reference": "AccessPolicy/p"}, "parameter": [{"name": "day", "valueString": value}]},
        ]})
    };
    let text = json!([
        {"resourceType": "AccessPolicy", "id": "p",
         "resource": [{"resourceType": "Patient", "criteria": "Patient?birthdate=%day"}]},
        member("Practitioner/1", "1990-01-01"),
        member("Practitioner/2", "1990-01-01"),
        member("Practitioner/3", "yesterday"),
        member("Practitioner/4", "yesterday"),
        {"resourceType": "ProjectMembership", "profile": {"reference": "Practitioner/5"}},
        {"resourceType": "ProjectMembership", "profile": {"reference": "Practitioner/6"}},
    ]);
    let findings = lint(&text.to_string());
    let saying = |word: &str| {
        let said = |finding: &&Finding| {
            finding.diagnostic.message.contains(word)
                || lines(std::slice::from_ref(*finding))[0].contains(word)
        };
        findings.iter().filter(said).count()
    };
    assert_eq!(saying("yesterday"), 1);
    assert_eq!(saying("Practitioner/1"), 0);
    assert_eq!(saying("Practitioner/5"), 1);
    assert_eq!(saying("Practitioner/6"), 1);
}

/// The page of a rule is what people read: its whole text.
#[test]
fn a_page_shows_examples_with_their_findings() {
    let rule = catalogue::find("L04").unwrap();
    insta::assert_snapshot!(page(rule));
}

#[test]
fn every_rule_has_a_page() {
    for rule in catalogue::all() {
        let text = page(rule);
        assert!(text.starts_with(&format!("# {} {}\n", rule.id, rule.slug)));
        assert!(text.contains("\n> **"), "{}: no finding is shown", rule.id);
    }
}

#[test]
fn rules_are_found_by_id_and_slug() {
    assert_eq!(
        catalogue::find("l01").unwrap().slug,
        "criteria-names-another-type"
    );
    assert_eq!(catalogue::find("second-question-mark").unwrap().id, "L03");
    assert!(catalogue::find("L00").is_none());
    assert_eq!(
        catalogue::nearest("second-question-marks").unwrap().id,
        "L03"
    );
}

fn criteria() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z*]{0,8}\\?[a-zA-Z_:.%=&?|,\\\\0-9+#/$-]{0,40}",
        "(Task|Patient|\\*)\\?(owner|status|_id|_compartment|birthdate|name|_lastUpdated|foo)(:[a-z-]{1,8})?=[%a-z0-9,|/.:+#-]{0,20}(&[a-z]{0,6}=[a-z0-9]{0,6})?",
        "\\PC{0,40}",
    ]
}

proptest! {
    /// Whatever a policy says, every finding has a place in the text and keeps to the conventions.
    #[test]
    fn findings_point_into_the_text(
        criteria in criteria(),
        kind in prop_oneof![Just("Task"), Just("Patient"), Just("*"), Just("Binary"), Just("Nonsense")],
        field in "[a-z]{1,6}(\\.[a-z]{1,6}|\\[x\\])?",
        value in "\\PC{0,12}",
        server in prop_oneof![Just("5.0.0"), Just("4.5.2"), Just("5.2.13")],
    ) {
        let text = json!([
            {"resourceType": "AccessPolicy", "id": "p", "resource": [
                {"resourceType": kind, "criteria": criteria, "hiddenFields": [field], "readonlyFields": [field]},
                {"resourceType": "*", "readonly": true},
            ]},
            {"resourceType": "ProjectMembership", "profile": {"reference": "Patient/1"}, "access": [
                {"policy": {"reference": "AccessPolicy/p"}, "parameter": [{"name": "p", "valueString": value}]},
            ]},
        ]).to_string();
        for finding in lint_on(&text, server.parse().unwrap()) {
            let diagnostic = &finding.diagnostic;
            let source = diagnostic.source.as_ref().unwrap();
            for label in &diagnostic.labels {
                prop_assert!(source.text.get(label.span.start..label.span.end).is_some(), "{diagnostic:?}");
            }
            prop_assert!(!diagnostic.message.is_empty() && !diagnostic.labels.is_empty());
            if let Some(fix) = &diagnostic.fix {
                let repaired = fhirward_engine::lint::apply_fixes(&text, std::slice::from_ref(fix));
                prop_assert!(serde_json::from_str::<Value>(&repaired).is_ok(), "{diagnostic:?}\n{repaired}");
            }
        }
    }
}
