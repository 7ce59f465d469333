//! Bad input: what is absurdly large, deep or long ends with a limit and its place, and what is
//! only large is read. Nothing is timed; each case is a few seconds of work at most.

use std::sync::Arc;

use fhirward_engine::criteria::syntax::{MAX_FAULTS, MAX_LENGTH};
use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::lint;
use fhirward_engine::policy::{Interaction, Membership, Options, PolicyDocument, assemble};
use fhirward_engine::source::Source;
use fhirward_engine::source::json::{Document, MAX_BYTES};
use rstest::rstest;
use serde_json::json;

/// All that is wrong with a file, and the entries that are left to grant something.
fn read(text: String) -> (Vec<Diagnostic>, Vec<PolicyDocument>) {
    match Document::parse(&Source::new("policy.json", text)) {
        Ok(document) => {
            let (policies, _, findings) = PolicyDocument::from_json(&document);
            (findings, policies)
        }
        Err(fault) => (vec![fault], Vec::new()),
    }
}

fn file(entries: &str) -> String {
    format!(r#"{{"resourceType": "AccessPolicy", "id": "p", "resource": [{entries}]}}"#)
}

fn with_criteria(criteria: &str) -> String {
    file(&format!(
        r#"{{"resourceType": "Communication", "criteria": "{criteria}"}}"#
    ))
}

fn repeated(item: &str, times: usize) -> String {
    let mut text = item.repeat(times);
    text.truncate(text.len() - 1);
    text
}

const ENTRY: &str =
    r#"{"resourceType":"Communication","criteria":"Communication?status=completed"},"#;

#[rstest]
#[case::a_file_of_100_mb(file(&repeated(ENTRY, 100 * 1024 * 1024 / ENTRY.len())), "json/too-large")]
#[case::a_hundred_thousand_entries(file(&repeated(ENTRY, 100_000)), "policy/too-many-entries")]
#[case::three_million_values(file(&repeated("1,", 3_000_000)), "json/too-many-values")]
#[case::ten_thousand_wildcards(file(&repeated(r#"{"resourceType": "*", "criteria": "*?_compartment=Patient/a"},"#, 10_000)), "policy/too-many-wildcards")]
#[case::depth_10_000(file(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))), "json/too-deep")]
#[case::depth_10_000_of_objects(file(&format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000))), "json/too-deep")]
#[case::depth_without_end("[".repeat(1_000_000), "json/too-deep")]
#[case::a_criteria_of_100_mb(with_criteria(&"x".repeat(100 * 1024 * 1024)), "json/too-large")]
#[case::a_criteria_of_50_mb(with_criteria(&format!("Communication?status={}", "x".repeat(50 * 1024 * 1024))), "criteria/too-long")]
#[case::a_criteria_of_escapes(with_criteria(&format!("Communication?status={}", r"\u0041".repeat(1_000_000))), "criteria/too-long")]
#[case::a_million_alternatives(with_criteria(&format!("Communication?status={}", repeated("a,", 1_000_000))), "criteria/too-long")]
#[case::ten_thousand_alternatives(with_criteria(&format!("Communication?status={}", repeated("a,", 10_000))), "criteria/too-many-alternatives")]
#[case::ten_thousand_filters(with_criteria(&format!("Communication?{}", repeated("_id=a&", 10_000))), "criteria/too-many-filters")]
#[case::thirty_thousand_ampersands(with_criteria(&format!("Communication?{}", "&".repeat(30_000))), "criteria/more-faults")]
#[case::a_million_keys(
    format!(r#"{{"resourceType": "AccessPolicy", {}}}"#, repeated_keys(1_000_000)),
    "policy/unknown-key"
)]
#[case::a_key_of_10_mb(file(&format!(r#"{{"resourceType": "Patient", "{}": 1}}"#, "k".repeat(10 * 1024 * 1024))), "policy/unknown-key")]
#[case::a_type_of_10_mb(file(&format!(r#"{{"resourceType": "{}"}}"#, "K".repeat(10 * 1024 * 1024))), "policy/unknown-type")]
#[case::half_a_million_interactions(file(&format!(r#"{{"resourceType": "Communication", "interaction": [{}]}}"#, repeated(r#""x","#, 500_000))), "policy/too-many-items")]
#[case::half_a_million_hidden_fields(file(&format!(r#"{{"resourceType": "*", "hiddenFields": [{}]}}"#, repeated(r#""payload","#, 500_000))), "policy/too-many-items")]
#[case::half_a_million_constraints(file(&format!(r#"{{"resourceType": "Communication", "writeConstraint": [{}]}}"#, repeated(r#"{},"#, 500_000))), "policy/too-many-items")]
#[case::the_same_key_a_thousand_times(format!("{{{}}}", repeated(r#""a": 1,"#, 1_000)), "json/repeated-key")]
fn too_much_is_refused_with_its_place(#[case] text: String, #[case] code: &str) {
    let length = text.len();
    let (findings, policies) = read(text);
    assert!(
        findings.len() <= 2 * MAX_FAULTS,
        "{} findings",
        findings.len()
    );
    let finding = findings
        .iter()
        .find(|finding| finding.code == code)
        .unwrap_or_else(|| {
            let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
            panic!("{codes:?}")
        });
    assert!(finding.is_error());
    assert!(finding.source.is_some());
    assert!(finding.labels[0].span.end <= length);
    for policy in policies {
        let policy = Arc::new(policy);
        let member = Membership::of("Practitioner/a", &["AccessPolicy/p"]);
        let find = |_: &str| Some(Arc::clone(&policy));
        let assembled = assemble(&member, &find, &Options::default()).policy;
        assert!(
            !assembled.grants_type("Communication", Interaction::Read),
            "{code}"
        );
    }
}

fn repeated_keys(times: usize) -> String {
    let keys: Vec<String> = (0..times).map(|n| format!("\"k{n}\":1")).collect();
    keys.join(",")
}

/// Large is not too large: each place in a file of many entries is found.
#[test]
fn ten_thousand_broken_entries_are_reported_one_by_one() {
    let entries: Vec<String> = (0..10_000)
        .map(|n| {
            format!(
                r#"{{"resourceType":"Communication","criteria":"Communication?nonsense{n}=1"}}"#
            )
        })
        .collect();
    let (findings, _) = read(file(&entries.join(",")));
    assert_eq!(findings.len(), 10_000);
    for (n, finding) in findings.iter().enumerate() {
        let source = finding.source.as_ref().unwrap();
        assert_eq!(source.slice(finding.labels[0].span), format!("nonsense{n}"));
        assert_eq!(finding.line_column().unwrap().0, 1);
    }
}

/// R.5: the reason and the nearest right thing stand in the finding, and the entry grants nothing.
#[test]
fn a_long_criteria_says_what_to_do() {
    let long = format!(
        "Communication?recipient={}",
        repeated("Patient/a,", MAX_LENGTH / 5)
    );
    let (findings, _) = read(with_criteria(&long));
    let [finding] = findings.as_slice() else {
        panic!("{findings:?}");
    };
    assert_eq!(finding.code, "criteria/too-long");
    assert!(finding.help.as_deref().unwrap().contains("several entries"));
    let source = finding.source.as_ref().unwrap();
    assert_eq!(source.slice(finding.labels[0].span), "C");
}

/// A text at the limit is read; values of a stored policy meet the same limits.
#[test]
fn the_limit_of_a_text_is_no_limit_of_less() {
    let blank = " ".repeat(MAX_BYTES - 2);
    assert!(Document::parse(&Source::new("p.json", format!("[{blank}]"))).is_ok());
    let mut deep = json!(1);
    for _ in 0..500 {
        deep = json!([deep]);
    }
    let (policy, findings) =
        PolicyDocument::from_value(&json!({"resourceType": "AccessPolicy", "resource": deep}));
    assert_eq!(findings[0].code, "json/too-deep");
    assert!(policy.entries().is_empty());
}

/// A project has thousands of members: what is asked of one does not grow with the others.
#[test]
fn many_members_of_one_policy_take_no_long_time() {
    let entries: Vec<String> = (0..20)
        .map(|n| {
            format!(r#"{{"resourceType": "Task", "criteria": "Task?owner=%profile&code=c{n}"}}"#)
        })
        .collect();
    let mut all = vec![file(&entries.join(","))];
    all.extend((0..20_000).map(|n| {
        format!(
            r#"{{"resourceType": "ProjectMembership", "profile": {{"reference": "Practitioner/{n}"}}, "accessPolicy": {{"reference": "AccessPolicy/p"}}}}"#
        )
    }));
    let mut subject = lint::Subject::default();
    subject.add_text(&Source::new("all.json", format!("[{}]", all.join(","))));
    let begun = std::time::Instant::now();
    let found = lint::check(&subject, &lint::Options::default());
    assert!(
        !found.iter().any(|finding| finding.diagnostic.is_error()),
        "{found:#?}"
    );
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
