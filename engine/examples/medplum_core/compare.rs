//! The engine's answers against those of the real code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};

use fhirward_engine::medplum::parameters::search_param;
use fhirward_engine::medplum::{AccessPolicy, Version};
use fhirward_engine::policy::Interaction;
use serde_json::Value;

use crate::Fault;

/// Disagreements that are printed in full.
const SHOWN: usize = 20;

#[derive(Default)]
struct Tally {
    cases: usize,
    agreed: usize,
    granted: usize,
}

/// Compares all questions; true when each disagreement is listed, and each listed cause occurs.
pub fn run(questions: &str, answers: &str, known: &str) -> Result<bool, Fault> {
    let known = causes(known)?;
    let features = Version::V5_2.features();
    let mut unseen: BTreeSet<&str> = known.keys().map(String::as_str).collect();
    let (mut tallies, mut disagreements, mut listed) = (BTreeMap::<String, Tally>::new(), 0, 0);
    let mut total = Tally::default();
    let mut answers = BufReader::new(File::open(answers)?).lines();
    for question in BufReader::new(File::open(questions)?).lines() {
        let question: Value = serde_json::from_str(&question?)?;
        let answer: Value = match answers.next() {
            Some(line) => serde_json::from_str(&line?)?,
            None => return Err("there are fewer answers than questions".into()),
        };
        if question.get("case") != answer.get("case") {
            return Err(format!("the answers are not those of the questions: {answer}").into());
        }
        let ours = ask(&question, features)?;
        let theirs = Answer::of(&answer);
        total.cases += 1;
        total.granted += usize::from(theirs.entry.is_some());
        let agreed = ours == theirs;
        total.agreed += usize::from(agreed);
        let codes = params(&question);
        for category in categories(&question, &codes) {
            let tally = tallies.entry(category).or_default();
            tally.cases += 1;
            tally.agreed += usize::from(agreed);
            tally.granted += usize::from(theirs.entry.is_some());
        }
        if agreed {
            continue;
        }
        let causes: Vec<&String> = codes
            .iter()
            .filter(|code| known.contains_key(*code))
            .collect();
        if causes.is_empty() {
            disagreements += 1;
            if disagreements <= SHOWN {
                println!("{question}\n  the server: {theirs}\n  the engine: {ours}\n");
            }
        } else {
            listed += 1;
            causes.iter().for_each(|cause| {
                unseen.remove(cause.as_str());
            });
        }
    }
    if answers.next().is_some() {
        return Err("there are more answers than questions".into());
    }
    report(&total, &tallies, disagreements, listed);
    for cause in &unseen {
        println!("listed, but it does not occur: {cause}");
    }
    Ok(disagreements == 0 && unseen.is_empty() && total.cases > 0)
}

fn report(total: &Tally, tallies: &BTreeMap<String, Tally>, disagreements: usize, listed: usize) {
    println!(
        "{:<28} {:>8} {:>8} {:>8}",
        "category", "cases", "agreed", "granted"
    );
    for (category, tally) in tallies {
        println!(
            "{category:<28} {:>8} {:>8} {:>8}",
            tally.cases, tally.agreed, tally.granted
        );
    }
    println!(
        "{} cases, {} agreed, {} granted, {disagreements} disagreements, {listed} more with a listed cause",
        total.cases, total.agreed, total.granted
    );
}

/// `Type?code cause`, a line each.
fn causes(file: &str) -> Result<BTreeMap<String, String>, Fault> {
    let mut causes = BTreeMap::new();
    for line in std::fs::read_to_string(file)?.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((code, cause)) = line.split_once(' ') else {
            return Err(format!("`{line}` in {file} has no cause").into());
        };
        causes.insert(code.to_owned(), cause.to_owned());
    }
    Ok(causes)
}

/// What a question is answered with.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    /// Whether the type is granted at all.
    type_granted: bool,
    /// The first entry that allows it.
    entry: Option<usize>,
    /// Whether the question ends with an error.
    throws: bool,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entry = match (self.throws, self.entry) {
            (true, _) => "throws".to_owned(),
            (_, Some(entry)) => format!("entry {entry}"),
            (_, None) => "no entry".to_owned(),
        };
        write!(f, "{entry}, type granted: {}", self.type_granted)
    }
}

impl Answer {
    fn of(answer: &Value) -> Self {
        Self {
            type_granted: answer.get("type") == Some(&Value::Bool(true)),
            entry: answer
                .get("entry")
                .and_then(Value::as_u64)
                .and_then(|entry| usize::try_from(entry).ok()),
            throws: answer.get("error").is_some_and(Value::is_string),
        }
    }
}

fn ask(question: &Value, features: fhirward_engine::medplum::Features) -> Result<Answer, Fault> {
    let part = |name: &str| question.get(name).ok_or(format!("a question has `{name}`"));
    let resource = part("resource")?;
    let interaction: Interaction = part("interaction")?.as_str().unwrap_or_default().parse()?;
    let policy = AccessPolicy::resolved(part("policy")?, features);
    let kind = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let type_granted = policy.grants_type(kind, interaction);
    Ok(match policy.first_index(resource, interaction) {
        Ok(entry) => Answer {
            type_granted,
            entry,
            throws: false,
        },
        Err(_) => Answer {
            type_granted,
            entry: None,
            throws: true,
        },
    })
}

/// The search parameters in the criteria, `Type?code`.
fn params(question: &Value) -> Vec<String> {
    let kind = question
        .pointer("/resource/resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let entries = question
        .pointer("/policy/resource")
        .and_then(Value::as_array);
    let mut codes = BTreeSet::new();
    for criteria in entries
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.get("criteria"))
        .filter_map(Value::as_str)
    {
        let query = criteria.split('?').nth(1).unwrap_or_default();
        for (key, _) in fhirward_engine::medplum::parse::pairs(query) {
            let code = key.split(':').next().unwrap_or_default();
            codes.insert(format!("{kind}?{code}"));
        }
    }
    codes.into_iter().collect()
}

fn categories(question: &Value, codes: &[String]) -> BTreeSet<String> {
    let kind = question
        .pointer("/resource/resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let features = Version::V5_2.features();
    let mut categories: BTreeSet<String> = codes
        .iter()
        .filter_map(|code| code.split_once('?'))
        .map(|(_, code)| match search_param(kind, code, &features) {
            Some(param) => format!("parameter: {}", param.param_type.code()),
            None => "parameter: none of the type's".to_owned(),
        })
        .collect();
    if codes.is_empty() {
        categories.insert("no criteria".to_owned());
    }
    let interaction = question.get("interaction").and_then(Value::as_str);
    categories.insert(format!("interaction: {}", interaction.unwrap_or_default()));
    categories
}
