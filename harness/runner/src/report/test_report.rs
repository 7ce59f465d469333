//! The run as FHIR R4 TestReports, one for each scenario, in a Bundle.
//! Source: hl7.org/fhir/R4/testreport.html.

use serde_json::{Map, Value, json};

use super::model::{Report, ScenarioReport};
use super::points::{self, Outcome, Phase, Point};
use super::{Verdict, issues};

/// The Bundle. Without any scenario it is empty.
pub fn document(report: &Report) -> Value {
    let entries: Vec<Value> = report
        .scenarios
        .iter()
        .map(|scenario| json!({ "resource": resource(report, scenario) }))
        .collect();
    let mut bundle = Map::new();
    bundle.insert("resourceType".into(), "Bundle".into());
    bundle.insert("type".into(), "collection".into());
    if !report.started.is_empty() {
        bundle.insert("timestamp".into(), report.started.as_str().into());
    }
    if !entries.is_empty() {
        bundle.insert("entry".into(), entries.into());
    }
    Value::Object(bundle)
}

fn resource(report: &Report, scenario: &ScenarioReport) -> Value {
    let points = points::of_scenario(report, scenario);
    let of = |phase| points.iter().filter(move |point| point.phase == phase);
    let mut value = Map::new();
    let mut add = |name: &str, part: Value| value.insert(name.to_owned(), part);
    add("resourceType", "TestReport".into());
    add(
        "identifier",
        json!({ "value": format!("{}/{}", report.id, scenario.info.id) }),
    );
    add("name", issues::name(scenario).into());
    let status = if report.interrupted && scenario.verdict == Verdict::Skipped {
        "stopped"
    } else {
        "completed"
    };
    add("status", status.into());
    let file = &scenario.info.file;
    add(
        "testScript",
        json!({ "identifier": { "value": file }, "display": scenario.info.title }),
    );
    let result = match scenario.verdict {
        Verdict::Passed => "pass",
        Verdict::Failed => "fail",
        // Nothing was proved: R4 has no better word.
        Verdict::Error | Verdict::Skipped | Verdict::Inconclusive => "pending",
    };
    add("result", result.into());
    let judged: Vec<&Point<'_>> = points
        .iter()
        .filter(|point| matches!(point.outcome, Outcome::Passed | Outcome::Failed))
        .collect();
    if !judged.is_empty() {
        let passed = judged.iter().filter(|p| p.outcome == Outcome::Passed);
        add("score", score(passed.count(), judged.len()));
    }
    add("tester", "fhirward".into());
    if !report.started.is_empty() {
        add("issued", report.started.as_str().into());
    }
    let mut participants = vec![json!({
        "type": "test-engine",
        "uri": "urn:fhirward",
        "display": format!("fhirward {}", env!("CARGO_PKG_VERSION")),
    })];
    if !report.server.url.is_empty() {
        let mut server = json!({ "type": "server", "uri": report.server.url });
        if let (Some(software), Some(parts)) = (&report.server.software, server.as_object_mut()) {
            parts.insert("display".into(), software.as_str().into());
        }
        participants.push(server);
    }
    add("participant", participants.into());
    let setup: Vec<Value> = of(Phase::Setup).map(action).collect();
    if !setup.is_empty() {
        add("setup", json!({ "action": setup }));
    }
    add("test", tests(&points).into());
    let teardown: Vec<Value> = of(Phase::Cleanup)
        .map(|point| json!({ "operation": outcome(point) }))
        .collect();
    if !teardown.is_empty() {
        add("teardown", json!({ "action": teardown }));
    }
    Value::Object(value)
}

/// A test for each step with what everybody sees after it, one for what they see before the first,
/// and one for the snapshot.
fn tests(points: &[Point<'_>]) -> Vec<Value> {
    let mut tests: Vec<(String, Option<&str>, Vec<Value>)> = Vec::new();
    for point in points {
        match point.phase {
            Phase::Setup | Phase::Cleanup => {}
            Phase::Look => {
                let after = point
                    .cell
                    .map(|cell| cell.after.as_str())
                    .unwrap_or_default();
                match tests.last_mut() {
                    Some((name, _, actions)) if name == after => actions.push(action(point)),
                    _ => tests.push((after.to_owned(), None, vec![action(point)])),
                }
            }
            Phase::Step | Phase::Snapshot => {
                tests.push((point.name.clone(), point.title, vec![action(point)]));
            }
        }
    }
    tests
        .into_iter()
        .map(|(name, title, actions)| {
            let mut test = Map::new();
            test.insert("name".into(), name.into());
            if let Some(title) = title {
                test.insert("description".into(), title.into());
            }
            test.insert("action".into(), actions.into());
            Value::Object(test)
        })
        .collect()
}

/// Percent with two digits behind the point, as far as whole numbers give it.
fn score(passed: usize, judged: usize) -> Value {
    let hundredths = passed * 10_000 / judged.max(1);
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.parse::<serde_json::Number>()
        .map_or(Value::Null, Value::Number)
}

fn action(point: &Point<'_>) -> Value {
    // What is done is an operation, what is looked at an assertion.
    match point.phase {
        Phase::Look | Phase::Snapshot => json!({ "assert": outcome(point) }),
        Phase::Setup | Phase::Step | Phase::Cleanup => json!({ "operation": outcome(point) }),
    }
}

fn outcome(point: &Point<'_>) -> Value {
    let result = match point.outcome {
        Outcome::Passed if point.is_flaky() => "warning",
        Outcome::Passed => "pass",
        Outcome::Failed => "fail",
        Outcome::Error => "error",
        Outcome::Skipped => "skip",
    };
    let mut message = match point.step {
        Some(step) => format!("{} {} {}", step.actor, step.verb, step.target),
        None => format!("{} {}", point.actor, point.name),
    };
    let first = point.message.iter();
    let rest = point.details.iter();
    for line in first.chain(rest.filter(|line| Some(*line) != point.message.as_ref())) {
        message.push('\n');
        message.push_str(line);
    }
    for why in point.retries {
        message.push_str("\nretried: ");
        message.push_str(why);
    }
    json!({ "result": result, "message": message })
}
