//! The rules against what a real server answered: where its paths part, a rule must say so.

use fhirward_engine::diagnostic::Severity;
use fhirward_engine::lint::{Options, Subject, check};
use fhirward_engine::source::Source;
use serde_json::json;

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
            entry: *entry,
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
            .map(|finding| (finding.diagnostic.severity, finding.id()))
            .collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found
    }
}

/// What no rule can see in the policy alone: it depends on how the stored value is written.
const ABOUT_THE_DATA: [(&str, &str); 5] = [
    ("Patient?identifier=mrn1", "the case of an identifier"),
    ("Patient?identifier=HTTP://S|MRN1", "the case of a system"),
    ("Patient?_tag=vip", "the case of a code of no fixed list"),
    ("Observation?code=heart rate", "the case of a text"),
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
