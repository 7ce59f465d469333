//! What search parameters read, against FHIRPath engines that others wrote.
//!
//! For each of HL7's R4 examples, and for a generated resource for each path of each search
//! parameter, each search parameter of the type is evaluated by this project's compiled program
//! and by an independent engine on the published expression. A parameter's values are a set (R.6),
//! and are compared as one. Contained resources are no resources of their own here, as in a
//! server's search. `extraction/disagreements.txt` lists every disagreement with its reason;
//! an entry that no longer occurs fails as an unlisted disagreement does.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot set up its case fails; the counts are for people"
)]

use std::collections::{BTreeMap, BTreeSet};

use fhirward_spec::{SearchParam, spec};
use serde_json::Value;

#[path = "extraction/cases.rs"]
mod cases;
mod support;

/// What an engine says to one expression on one resource.
enum Answer {
    /// What it selects; `null` for a primitive with extensions and no value.
    Values(Vec<Value>),
    /// It cannot say.
    Error(String),
}

/// A value as a text that is the same for the same value: keys in order, numbers by value.
fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("{:?}", number.as_f64().unwrap()),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(object) => {
            let sorted: BTreeMap<&String, String> = object
                .iter()
                .map(|(key, value)| (key, canonical(value)))
                .collect();
            format!("{sorted:?}")
        }
        other => other.to_string(),
    }
}

fn set<'v>(values: impl Iterator<Item = &'v Value>) -> BTreeSet<String> {
    values
        .filter(|value| !value.is_null())
        .map(canonical)
        .collect()
}

/// Why the two differ; `None` when they do not.
fn difference(param: &SearchParam, resource: &Value, answer: &Answer) -> Option<String> {
    let theirs = match answer {
        Answer::Values(values) => values,
        Answer::Error(message) => {
            // Numbers of items differ from resource to resource.
            let kind = message.replace(|c: char| c.is_ascii_digit(), "N");
            return Some(format!("error: {kind}"));
        }
    };
    let ours = param.program.collect(resource);
    let (we, they) = (set(ours.iter().map(|e| e.value)), set(theirs.iter()));
    if we != they {
        let more = |a: &BTreeSet<String>, b: &BTreeSet<String>| !a.is_subset(b);
        return Some(match (more(&we, &they), more(&they, &we)) {
            (true, false) => "selects more".to_owned(),
            (false, true) => "selects less".to_owned(),
            _ => "selects others".to_owned(),
        });
    }
    match (param.program.is_empty_on(resource), theirs.is_empty()) {
        (true, false) => Some("is absent".to_owned()),
        (false, true) => Some("is there".to_owned()),
        _ => None,
    }
}

#[derive(Default)]
struct Comparison {
    types: BTreeSet<String>,
    parameters: BTreeSet<String>,
    filled: BTreeSet<String>,
    evaluations: usize,
    /// `Type code: how` to how often, and the first resource.
    different: BTreeMap<String, (usize, String)>,
}

impl Comparison {
    fn ask(&mut self, resource: &Value, answer: &mut dyn FnMut(&SearchParam) -> Answer) {
        let kind = resource["resourceType"].as_str().unwrap();
        for param in spec()
            .search_params(kind)
            .filter(|param| !param.expression.is_empty())
        {
            let name = format!("{kind} {}", param.code);
            self.evaluations += 1;
            if !param.program.collect(resource).is_empty() {
                self.filled.insert(name.clone());
            }
            if let Some(how) = difference(param, resource, &answer(param)) {
                let entry = self.different.entry(format!("{name}: {how}"));
                entry.or_insert_with(|| (0, resource.to_string())).0 += 1;
            }
            self.types.insert(kind.to_owned());
            self.parameters.insert(name);
        }
    }

    /// Holds the disagreements against those that are listed for the engine.
    fn finish(self, engine: &str) {
        println!(
            "{engine}: {} types, {} parameters, {} of them with a value, {} evaluations, {} kinds of disagreement",
            self.types.len(),
            self.parameters.len(),
            self.filled.len(),
            self.evaluations,
            self.different.len(),
        );
        let listed: BTreeSet<&str> = include_str!("extraction/disagreements.txt")
            .lines()
            .filter_map(|line| line.strip_prefix(engine)?.strip_prefix(" | "))
            .map(|line| line.split(" | ").next().unwrap())
            .collect();
        let unlisted: Vec<String> = self
            .different
            .iter()
            .filter(|(key, _)| !listed.contains(key.as_str()))
            .map(|(key, (times, first))| {
                format!("{engine} | {key} | {times} times, first in {first:.400}")
            })
            .collect();
        let gone: Vec<&&str> = listed
            .iter()
            .filter(|key| !self.different.contains_key(**key))
            .collect();
        assert!(
            unlisted.is_empty(),
            "{} unlisted:\n{}",
            unlisted.len(),
            unlisted.join("\n")
        );
        assert!(gone.is_empty(), "listed, but they agree: {gone:?}");
    }
}

/// Every search parameter with an expression has a value in some resource, so that no agreement
/// is one about nothing.
fn assert_all_are_filled(comparison: &Comparison) {
    let empty: Vec<&String> = comparison
        .parameters
        .difference(&comparison.filled)
        .collect();
    assert!(empty.is_empty(), "{empty:?}");
    let all = spec()
        .resource_types()
        .flat_map(|kind| spec().search_params(kind))
        .filter(|param| !param.expression.is_empty())
        .count();
    assert_eq!(comparison.parameters.len(), all);
}

#[test]
fn programs_read_what_the_fhirpath_engine_of_npm_reads() {
    let answers = cases::inflate(include_bytes!("extraction/fhirpath-answers.ndjson.gz"));
    let answers: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let resources = cases::all();
    assert_eq!(
        resources.len(),
        answers.len(),
        "engine/peers/fhirpath/record.sh records the answers again"
    );
    let mut comparison = Comparison::default();
    for (resource, answer) in resources.iter().zip(&answers) {
        comparison.ask(resource, &mut |param| match answer.get(&*param.code) {
            None => Answer::Values(Vec::new()),
            Some(Value::Array(values)) => Answer::Values(values.clone()),
            Some(error) => Answer::Error(error["error"].to_string()),
        });
    }
    assert_all_are_filled(&comparison);
    comparison.finish("fhirpath");
}

#[cfg(feature = "fhirpath")]
mod rh {
    use rh_fhirpath::{EvaluationContext, FhirPathEvaluator, FhirPathParser, FhirPathValue};

    use super::*;

    fn values(value: &FhirPathValue) -> Vec<Value> {
        match value {
            FhirPathValue::Empty => Vec::new(),
            FhirPathValue::Collection(items) | FhirPathValue::UnorderedCollection(items) => {
                items.iter().flat_map(values).collect()
            }
            one => vec![one.to_json()],
        }
    }

    #[test]
    fn programs_read_what_rh_fhirpath_reads() {
        let evaluator = FhirPathEvaluator::new();
        let mut parsed = BTreeMap::new();
        let mut comparison = Comparison::default();
        for resource in cases::all() {
            let context = EvaluationContext::new(resource.clone());
            comparison.ask(&resource, &mut |param| {
                // The engine takes the name of a base type at the start of a path for no type of
                // the resource.
                let base = format!("{}.", resource["resourceType"].as_str().unwrap());
                let expression = param.expression.replace("Resource.", &base);
                let expression = parsed
                    .entry(expression)
                    .or_insert_with_key(|expression| FhirPathParser::new().parse(expression));
                let found = expression
                    .as_ref()
                    .map_err(ToString::to_string)
                    .and_then(|e| evaluator.evaluate(e, &context).map_err(|e| e.to_string()));
                match found {
                    Ok(found) => Answer::Values(values(&found)),
                    Err(message) => Answer::Error(message),
                }
            });
        }
        comparison.finish("rh-fhirpath");
    }
}
