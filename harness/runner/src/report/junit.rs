//! The run as JUnit XML: a suite for the run itself and one for each scenario file.
//!
//! Consumers read different parts of it: GitLab looks at no suite, class or message attribute,
//! Jenkins at no flaky runs. So what matters also stands in the text of a case.
//! Sources: github.com/testmoapp/junitxml; for what is strict, `junit-10.xsd` in
//! github.com/jenkinsci/xunit-plugin (MIT).

use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Property, SerializeError, TestCase, TestCaseStatus, TestRerun, TestSuite,
};

use super::event::Cell;
use super::model::{Report, ScenarioReport};
use super::points::{self, Outcome, Phase, Point};
use super::{curl, issues};

/// The suite of what belongs to no scenario.
const RUN: &str = "fhirward run";

/// What a reader takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// Also where a case stands, and what is known of it.
    Usual,
    /// Only what the schema of Surefire and of the Jenkins xUnit plugin names.
    Strict,
}

/// The document.
///
/// # Errors
/// The XML cannot be written, which a string never causes.
pub(super) fn document(report: &Report, flavour: Flavour) -> Result<String, SerializeError> {
    let mut document = quick_junit::Report::new(RUN);
    if flavour == Flavour::Usual {
        document.timestamp = report.started.parse().ok();
    }
    document.set_time(Duration::from_millis(report.duration_ms));
    let mut run = TestSuite::new(RUN);
    run.timestamp = report.started.parse().ok();
    run.set_time(Duration::ZERO);
    for (name, value) in [
        ("run", report.id.as_str()),
        ("server", &report.server.url),
        ("server-profile", &report.server.profile),
        ("software", report.server.software.as_deref().unwrap_or("")),
    ] {
        if !value.is_empty() {
            run.add_property(Property::new(name, value));
        }
    }
    for point in points::of_run(report) {
        run.add_test_case(case(&point, "fhirward", flavour));
    }
    let states = report.states.iter().map(|state| &state.cleanup);
    let problems: Vec<String> = states
        .chain([&report.cleanup])
        .flat_map(|cleanup| cleanup.problems.iter().cloned())
        .collect();
    if !problems.is_empty() {
        run.set_system_err(cleanup_text(&problems));
    }
    document.add_test_suite(run);
    for scenario in &report.scenarios {
        document.add_test_suite(suite(report, scenario, flavour));
    }
    let skipped = format!(" skipped=\"{}\"", document.skipped);
    let text = document.to_string()?;
    Ok(match flavour {
        Flavour::Usual => text,
        // The number stands in each suite; the first in the text is the one of the whole.
        Flavour::Strict => text.replacen(&skipped, "", 1),
    })
}

fn suite(report: &Report, scenario: &ScenarioReport, flavour: Flavour) -> TestSuite {
    let mut suite = TestSuite::new(scenario.info.file.as_str());
    suite.timestamp = report.started.parse().ok();
    suite.set_time(Duration::from_millis(scenario.duration_ms));
    suite.add_property(Property::new("scenario", issues::name(scenario)));
    suite.add_property(Property::new("title", &scenario.info.title));
    suite.add_property(Property::new("verdict", scenario.verdict.word()));
    for point in points::of_scenario(report, scenario) {
        let class = format!("{}.{}", scenario.info.id, point.actor);
        suite.add_test_case(case(&point, &class, flavour));
    }
    if !scenario.cleanup.problems.is_empty() {
        suite.set_system_err(cleanup_text(&scenario.cleanup.problems));
    }
    suite
}

fn cleanup_text(problems: &[String]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("cleanup: {problem}"))
        .collect();
    lines.join("\n")
}

fn case(point: &Point<'_>, class: &str, flavour: Flavour) -> TestCase {
    let name = match point.phase {
        Phase::Setup if point.step.is_some() => format!("given {}", point.name),
        _ => point.name.clone(),
    };
    let mut case = TestCase::new(name, status(point, class));
    case.set_classname(class);
    case.set_time(Duration::from_millis(point.duration_ms));
    if point.outcome == Outcome::Passed && !point.details.is_empty() {
        case.set_system_out(point.details.join("\n"));
    }
    if flavour == Flavour::Strict {
        // All of the rest stands in the text of a case that did not pass.
        return case;
    }
    if !point.file.is_empty() {
        let file = point.file;
        case.extra.insert("file".into(), file.into());
        case.add_property(Property::new("file", file));
        if point.line > 0 {
            let line = point.line.to_string();
            case.extra.insert("line".into(), line.as_str().into());
            case.add_property(Property::new("line", line.as_str()));
        }
    }
    if let Some(title) = point.title {
        case.add_property(Property::new("title", title));
    }
    if let Some(cell) = point.cell {
        case.add_property(Property::new("verdict", cell.verdict.word()));
    }
    case
}

fn status(point: &Point<'_>, class: &str) -> TestCaseStatus {
    let kind = match point.outcome {
        Outcome::Passed => {
            let mut status = TestCaseStatus::success();
            status.add_reruns(reruns(point));
            return status;
        }
        Outcome::Skipped => {
            let mut status = TestCaseStatus::skipped();
            set_texts(&mut status, point, class);
            return status;
        }
        Outcome::Failed => NonSuccessKind::Failure,
        Outcome::Error => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    set_texts(&mut status, point, class);
    status.add_reruns(reruns(point));
    status
}

fn reruns(point: &Point<'_>) -> Vec<TestRerun> {
    let rerun = |why: &String| {
        let mut rerun = TestRerun::new(NonSuccessKind::Error);
        rerun.set_message(why).set_type("retried");
        rerun
    };
    point.retries.iter().map(rerun).collect()
}

fn set_texts(status: &mut TestCaseStatus, point: &Point<'_>, class: &str) {
    let message = point.message.as_deref().unwrap_or(point.kind);
    status.set_message(message);
    status.set_type(point.kind);
    // Once more, for those who read the text alone.
    let mut lines = vec![format!("{class}: {}", point.name)];
    if !point.file.is_empty() {
        let file = point.file;
        lines.push(match point.line {
            0 => format!("at {file}"),
            line => format!("at {file}:{line}"),
        });
    }
    if let Some(step) = point.step {
        let answer = step.status.map(|status| format!(" → {status}"));
        lines.push(format!(
            "{} {} {}{}",
            step.actor,
            step.verb,
            step.target,
            answer.unwrap_or_default()
        ));
    }
    if !point.details.iter().any(|line| line == message) {
        lines.push(message.to_owned());
    }
    lines.extend(point.details.iter().cloned());
    if matches!(point.outcome, Outcome::Failed | Outcome::Error) {
        lines.extend(reproducer(point.step.and_then(curl::of_step), point.cell));
    }
    status.set_description(lines.join("\n"));
}

fn reproducer(step: Option<String>, cell: Option<&Cell>) -> Option<String> {
    let command = step.or_else(|| cell.map(curl::of_cell))?;
    Some(format!("\nto see it again:\n{command}"))
}
