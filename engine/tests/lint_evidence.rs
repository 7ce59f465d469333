//! The rules against what a real server answered: where its paths part, a rule must say so.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

use std::path::Path;
use std::sync::Arc;

use fhirward_engine::diagnostic::Severity;
use fhirward_engine::lint::{Options, Subject, check};
use fhirward_engine::policy::{self, Membership, PolicyDocument, Reason, Request, assemble};
use fhirward_engine::source::Source;
use serde_json::{Value, json};

const MEASURED: &str = include_str!("fixtures/measured-5.0.10.tsv");
const PATIENT: &str = "9f3c6d1e-6a0b-4a5e-8f1d-2b7c9e4a1d01";
const ORGANIZATION: &str = "1b7e4c2a-93d5-4e8f-a6b0-5d2f8c7e3a02";

struct Row {
    criteria: String,
    entry: &'static str,
    /// memory, search, cached read, uncached read, cached reference, update
    answers: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    let line = |line: &'static str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [entry, criteria, _, answers @ ..] = cells.as_slice() else {
            panic!("{line}");
        };
        assert_eq!(answers.len(), 6, "{line}");
        let criteria = criteria
            .replace("$ORG", ORGANIZATION)
            .replace("$P", PATIENT);
        Row {
            criteria,
            entry,
            answers: answers.to_vec(),
        }
    };
    MEASURED
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(line)
        .collect()
}

impl Row {
    /// Whether every path gives the same answer.
    fn agrees(&self) -> bool {
        let all = |wanted: [&str; 6]| self.answers == wanted;
        all(["T", "T", "200", "200", "200", "200"]) || all(["F", "F", "404", "404", "404", "404"])
    }

    /// What the rules find: the worst first.
    fn findings(&self) -> Vec<(Severity, &'static str)> {
        let policy = json!({
            "resourceType": "AccessPolicy",
            "resource": [{"resourceType": self.entry, "criteria": self.criteria}],
        });
        let mut subject = Subject::default();
        subject.add_text(&Source::new("policy.json", policy.to_string()));
        let options = Options {
            server: "5.0.10".parse().unwrap(),
            ..Options::default()
        };
        let mut found: Vec<_> = check(&subject, &options)
            .iter()
            .filter(|finding| !ABOUT_THE_SERVER.contains(&finding.id()))
            .map(|finding| (finding.diagnostic.severity, finding.id()))
            .collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found
    }
}

/// Rules that are about the server and not about what is written: they prove nothing here.
const ABOUT_THE_SERVER: [&str; 2] = ["L56", "L59"];

/// What no rule can see in the policy alone: it depends on how the stored value is written.
const ABOUT_THE_DATA: [(&str, &str); 4] = [
    ("Patient?identifier=mrn1", "the case of an identifier"),
    ("Patient?identifier=HTTP://S|MRN1", "the case of a system"),
    ("Patient?_tag=vip", "the case of a code of no fixed list"),
    (
        "Patient?_compartment=Practitioner/1b7e4c2a-93d5-4e8f-a6b0-5d2f8c7e3a02",
        "an account of another type with the same id",
    ),
];

#[test]
fn where_the_paths_of_a_server_part_a_rule_says_so() {
    let mut silent = Vec::new();
    let mut parted = 0;
    for row in rows().iter().filter(|row| !row.agrees()) {
        parted += 1;
        if ABOUT_THE_DATA
            .iter()
            .any(|(criteria, _)| *criteria == row.criteria)
        {
            continue;
        }
        let worst = row.findings().first().map(|(severity, _)| *severity);
        if worst.is_none_or(|severity| severity < Severity::Warning) {
            silent.push(format!(
                "{} {:?} {:?}",
                row.criteria,
                row.answers,
                row.findings()
            ));
        }
    }
    assert!(parted > 60, "{parted}");
    assert!(
        silent.is_empty(),
        "{} of {parted}:\n{}",
        silent.len(),
        silent.join("\n")
    );
}

/// Recorded decisions of a server, beside those of the reference semantics: where they part, and it is
/// not about how a stored value is written, a rule says so of the policy.
#[test]
fn where_recorded_decisions_depart_a_rule_says_so() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let (mut cases, mut departing) = (0, 0);
    let mut silent = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "jsonl")
        {
            continue;
        }
        let text = with_uuids(&std::fs::read_to_string(path).unwrap());
        for line in text.lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            cases += 1;
            if !departs(&case) {
                continue;
            }
            departing += 1;
            let category = case["category"].as_str().unwrap();
            if !loud(&case) && !ABOUT_STORED_VALUES.contains(&category) {
                silent.push(format!("{} {}", case["id"], case["policies"]));
            }
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
    assert!(cases > 70 && departing > 8, "{departing} of {cases}");
}

/// Categories whose departures hang on the stored value: its case, its zone, its display, a version
/// or a server in a reference, an account of another type.
const ABOUT_STORED_VALUES: [&str; 12] = [
    "clinical",
    "compartment",
    "date",
    "encoding",
    "meta-id-tag-security",
    "number-quantity",
    "parameters",
    "reference",
    "token-code",
    "token-concept",
    "token-contact",
    "token-identifier",
];

/// Whether a recorded read or search differs from the reference semantics.
fn departs(case: &Value) -> bool {
    let Ok(membership) = Membership::from_value(&membership(case)) else {
        // Nobody signed in with it.
        return false;
    };
    let policies: Vec<(String, Arc<PolicyDocument>)> = policies(case)
        .map(|(name, policy)| (name, Arc::new(PolicyDocument::from_value(&policy).0)))
        .collect();
    let find = |wanted: &str| {
        let found = policies.iter().find(|(name, _)| name == wanted);
        found.map(|(_, policy)| Arc::clone(policy))
    };
    let policy = assemble(&membership, &find, &policy::Options::default()).policy;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let resources = list(&case["resources"]);
    let deleted = list(&case["deleted"]);
    list(&case["decisions"]).iter().any(|decision| {
        let target = decision["target"].as_str().unwrap_or_default();
        let named = |resource: &&Value| {
            let part = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
            format!("{}/{}", part("resourceType"), part("id")) == target
        };
        let Some(resource) = resources.iter().find(named) else {
            return false;
        };
        let mut resource = resource.clone();
        let accounts: Vec<Value> = list(&case["accounts"][target])
            .into_iter()
            .map(|account| json!({"reference": account}))
            .collect();
        if !accounts.is_empty() {
            resource["meta"]["accounts"] = Value::Array(accounts);
        }
        let ours = match decision["interaction"].as_str() {
            Some("read") => Request::Read(&resource),
            Some("search") => Request::Search(&resource),
            _ => return false,
        };
        // The server was asked through its repository, which leaves the context of a Binary to the
        // handler in front of it; no policy could say so.
        let ours = policy.decide_with(&ours, None, &|_| None);
        if matches!(ours.reason, Reason::SecurityContext(_)) {
            return false;
        }
        !deleted.iter().any(|gone| gone == target)
            && ours.is_allowed() != (decision["allowed"] == json!(true))
    })
}

/// Whether the rules find more than something to know.
fn loud(case: &Value) -> bool {
    let mut subject = Subject::default();
    for (name, policy) in policies(case) {
        subject.add_text(&Source::new(name, policy.to_string()));
    }
    subject.add_text(&Source::new("membership", membership(case).to_string()));
    let options = Options {
        server: "5.0.10".parse().unwrap(),
        ..Options::default()
    };
    let findings = check(&subject, &options);
    findings
        .iter()
        .filter(|finding| !ABOUT_THE_SERVER.contains(&finding.id()))
        .any(|finding| finding.diagnostic.severity >= Severity::Warning)
}

fn policies(case: &Value) -> impl Iterator<Item = (String, Value)> {
    let all = case["policies"].as_object().into_iter().flatten();
    all.map(|(name, policy)| {
        let mut policy = policy.clone();
        policy["id"] = json!(name.trim_start_matches("AccessPolicy/"));
        (name.clone(), policy)
    })
}

fn membership(case: &Value) -> Value {
    let mut membership = case["membership"].clone();
    membership["resourceType"] = json!("ProjectMembership");
    membership
}

/// The text with a UUID for each `sid-a01`, as the server had it.
fn with_uuids(text: &str) -> String {
    let mut parts = text.split("sid-");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let letters = part.bytes().take_while(u8::is_ascii_lowercase).count();
        let digits = part.get(letters..letters + 2);
        if digits.is_none_or(|digits| !digits.bytes().all(|b| b.is_ascii_digit())) {
            out.push_str(&format!("sid-{part}"));
            continue;
        }
        let (name, rest) = part.split_at(letters + 2);
        let number = name
            .bytes()
            .fold(0_u64, |sum, b| (sum << 8 | u64::from(b)) & 0xffff_ffff_ffff);
        out.push_str(&format!("00000000-0000-4000-8000-{number:012x}{rest}"));
    }
    out
}

/// Everything that the rules say of every measured row; to be read when it changes.
#[test]
fn what_the_rules_say_of_each_measured_criteria() {
    let lines: Vec<String> = rows()
        .iter()
        .map(|row| {
            let found: Vec<String> = row
                .findings()
                .iter()
                .map(|(severity, rule)| format!("{severity} {rule}"))
                .collect();
            let paths = if row.agrees() { "agree" } else { "part" };
            format!("{:5} | {} | {}", paths, row.criteria, found.join(", "))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
