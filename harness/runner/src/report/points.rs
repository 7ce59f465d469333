//! A scenario as a list of points that pass or fail: what JUnit, TAP and TestReport are made of.

use super::event::{Cell, Problem, SnapshotVerdict, StateReport, StepReport, StepVerdict, Verdict};
use super::grid::{Grid, Mark, place};
use super::issues::{left_open, marked, more, obsolete, sentence};
use super::model::{Report, ScenarioReport};
use super::why::Why;
use crate::expect::CellVerdict;
use crate::scenario::plural;

/// Who does what the harness itself does.
pub(super) const HARNESS: &str = "fhirward";

/// The part of a scenario that a point belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Actors and the given state.
    Setup,
    /// A step.
    Step,
    /// What somebody sees.
    Look,
    /// The comparison with the snapshot.
    Snapshot,
    /// Removing what was created.
    Cleanup,
}

/// How a point ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As expected.
    Passed,
    /// The server did something else.
    Failed,
    /// Nobody can tell.
    Error,
    /// Not played, or nothing to judge.
    Skipped,
}

/// Something that passes or fails.
#[derive(Debug, Clone)]
pub(super) struct Point<'r> {
    pub(super) phase: Phase,
    pub(super) name: String,
    pub(super) title: Option<&'r str>,
    pub(super) actor: &'r str,
    pub(super) file: &'r str,
    pub(super) line: usize,
    pub(super) outcome: Outcome,
    pub(super) leak: bool,
    /// A word for the kind of what is wrong.
    pub(super) kind: &'static str,
    /// What is wrong, in one line.
    pub(super) message: Option<String>,
    /// All of it, a line each.
    pub(super) details: Vec<String>,
    pub(super) duration_ms: u64,
    /// Why earlier tries came to nothing.
    pub(super) retries: &'r [String],
    pub(super) step: Option<&'r StepReport>,
    pub(super) cell: Option<&'r Cell>,
}

impl<'r> Point<'r> {
    /// A point of the harness itself that passed.
    pub(super) fn new(phase: Phase, name: String, (file, line): (&'r str, usize)) -> Self {
        Self {
            phase,
            name,
            title: None,
            actor: HARNESS,
            file,
            line,
            outcome: Outcome::Passed,
            leak: false,
            kind: "",
            message: None,
            details: Vec::new(),
            duration_ms: 0,
            retries: &[],
            step: None,
            cell: None,
        }
    }

    fn ended(mut self, outcome: Outcome, kind: &'static str, message: String) -> Self {
        self.outcome = outcome;
        self.kind = kind;
        self.message = Some(message);
        self
    }

    /// Whether it passed, but not at the first try.
    pub(super) fn is_flaky(&self) -> bool {
        self.outcome == Outcome::Passed && !self.retries.is_empty()
    }
}

/// The points of a scenario, in the order in which things happen; never none.
pub(super) fn of_scenario<'r>(report: &'r Report, scenario: &'r ScenarioReport) -> Vec<Point<'r>> {
    let grids = Grid::all(scenario);
    let here = (scenario.info.file.as_str(), 1);
    let mut points = vec![setup(scenario, here)];
    let looks = |after: &str, points: &mut Vec<_>| {
        for grid in grids.iter().filter(|grid| grid.after == after) {
            points.extend(grid.rows.iter().flat_map(|row| {
                grid.columns
                    .iter()
                    .filter_map(|column| grid.cell(row, column))
                    .map(|cell| {
                        let mark = grid.mark(&cell.actor, &cell.resource);
                        look(report, scenario, cell, mark)
                    })
            }));
        }
    };
    let step = |one| explained(step(one), report, scenario, one);
    points.extend(scenario.steps.iter().filter(|s| s.given).map(step));
    looks(crate::scenario::GIVEN, &mut points);
    for played in scenario.steps.iter().filter(|step| !step.given) {
        points.push(step(played));
        looks(&played.id, &mut points);
    }
    points.push(snapshot(report, scenario, here));
    points.push(cleanup(
        &scenario.cleanup.problems,
        scenario.cleanup.deleted,
        here,
    ));
    points
}

/// The points of the run itself; never none.
pub(super) fn of_run(report: &Report) -> Vec<Point<'_>> {
    let nowhere = ("", 0);
    let mut setup = Point::new(Phase::Setup, "setup".to_owned(), nowhere);
    if let Some((reason, help)) = &report.aborted {
        setup = setup.ended(Outcome::Error, "could-not-run", reason.clone());
        setup
            .details
            .extend(Some(help.clone()).filter(|h| !h.is_empty()));
    } else if let Some((kind, text)) = left_open(report) {
        // Scenarios that the server cannot play are skipped by themselves, each with its reason.
        let outcome = match kind {
            "nothing-played" => Outcome::Skipped,
            _ => Outcome::Error,
        };
        setup = setup.ended(outcome, kind, text);
    }
    let mut points = vec![setup];
    for state in &report.states {
        points.extend(of_state(state));
    }
    for file in &report.obsolete {
        let point = Point::new(Phase::Snapshot, format!("obsolete {file}"), (file, 0));
        let (text, help) = obsolete(report, file);
        let mut point = point.ended(Outcome::Failed, "obsolete-snapshot", text);
        point.details.push(help);
        points.push(point);
    }
    for warning in &report.summary().warnings {
        let point = Point::new(Phase::Look, "plausibility".to_owned(), nowhere);
        points.push(if report.ci {
            point.ended(Outcome::Error, "warning", warning.clone())
        } else {
            Point {
                details: vec![format!("warning: {warning}")],
                ..point
            }
        });
    }
    points.push(cleanup(
        &report.cleanup.problems,
        report.cleanup.deleted,
        nowhere,
    ));
    points
}

/// A state that scenarios share: its steps, and that it is gone again.
fn of_state(state: &StateReport) -> Vec<Point<'_>> {
    let here = (state.file.as_str(), 1);
    let name = |what: &str| format!("shared state {} {what}", state.state);
    let mut built = Point::new(Phase::Setup, name("setup"), here);
    built.duration_ms = state.duration_ms;
    if let Some(reason) = &state.reason {
        built = built.ended(Outcome::Error, "setup", reason.clone());
    }
    let mut points = vec![built];
    points.extend(state.steps.iter().map(step));
    let gone = cleanup(&state.cleanup.problems, state.cleanup.deleted, here);
    points.push(Point {
        name: name("cleanup"),
        ..gone
    });
    points
}

/// Creating the actors, as far as it can be told: where it fails, no step is played.
fn setup<'r>(scenario: &'r ScenarioReport, here: (&'r str, usize)) -> Point<'r> {
    let point = Point::new(Phase::Setup, "setup".to_owned(), here);
    let played = |step: &StepReport| step.verdict != StepVerdict::Skipped;
    if let Some(reason) = &scenario.not_offered {
        let text = format!("not offered: {reason}");
        return point.ended(Outcome::Skipped, "not-offered", text);
    }
    let reason = scenario.reason.clone().unwrap_or_default();
    match scenario.verdict {
        Verdict::Error if !scenario.steps.iter().any(played) => {
            point.ended(Outcome::Error, "setup", reason)
        }
        Verdict::Skipped if !scenario.steps.iter().any(played) => {
            point.ended(Outcome::Skipped, "skipped", reason)
        }
        // What a scenario that passed leaves open.
        Verdict::Passed if !reason.is_empty() => Point {
            details: vec![reason],
            ..point
        },
        _ => point,
    }
}

fn step(step: &StepReport) -> Point<'_> {
    let phase = if step.given {
        Phase::Setup
    } else {
        Phase::Step
    };
    let mut point = Point::new(phase, step.id.clone(), (&step.file, step.line));
    point.title = step.title.as_deref();
    point.actor = &step.actor;
    point.duration_ms = step.duration_ms;
    point.retries = &step.retries;
    point.step = Some(step);
    point.leak = step.problems.iter().any(|problem| problem.leak);
    let (outcome, kind) = match step.verdict {
        StepVerdict::Passed => (Outcome::Passed, ""),
        StepVerdict::Failed if point.leak => (Outcome::Failed, "leak"),
        StepVerdict::Failed => (Outcome::Failed, "mismatch"),
        StepVerdict::Error => (Outcome::Error, "error"),
        StepVerdict::Inconclusive => (Outcome::Error, "inconclusive"),
        StepVerdict::Blocked => (Outcome::Skipped, "blocked"),
        StepVerdict::Skipped => (Outcome::Skipped, "skipped"),
    };
    point.outcome = outcome;
    point.kind = kind;
    let text = |problem: &Problem| match step.verdict {
        _ if problem.leak => format!("leak: {}", problem.message),
        StepVerdict::Blocked => format!("blocked: {}", problem.message),
        _ => problem.message.clone(),
    };
    point.message = step.problems.first().map(text);
    if step.looks > 1 {
        point.details.push(format!("looked {} times", step.looks));
    }
    if step.probe {
        let what = step.outcome.as_deref().unwrap_or("no answer");
        point
            .details
            .push(format!("probe, which cannot fail: {what}"));
    }
    for problem in &step.problems {
        point.details.push(text(problem));
        if let Some(help) = &problem.help {
            point.details.push(format!("help: {help}"));
        }
    }
    point
}

/// With the entries of the policies that decide about what the step is about.
fn explained<'r>(
    mut point: Point<'r>,
    report: &Report,
    scenario: &ScenarioReport,
    step: &StepReport,
) -> Point<'r> {
    for problem in &step.problems {
        let reasons = Why::of_problem(report, scenario, step, problem);
        point.details.extend(reasons.iter().map(Why::line));
    }
    point
}

fn look<'r>(
    report: &Report,
    scenario: &'r ScenarioReport,
    cell: &'r Cell,
    mark: Option<Mark>,
) -> Point<'r> {
    let name = format!("{}/{}", cell.after, cell.resource);
    let mut point = Point::new(Phase::Look, name, place(scenario, &cell.after));
    point.actor = &cell.actor;
    point.cell = Some(cell);
    point.leak = cell.verdict == CellVerdict::UnexpectedAllow;
    if let Some(mark) = mark.filter(|mark| mark.is_of_scenario()) {
        point.leak = mark == Mark::Leak;
        let kind = if point.leak { "leak" } else { "mismatch" };
        point = point.ended(Outcome::Failed, kind, marked(cell, mark));
        if let Some(why) = Why::of_mark(report, cell, mark) {
            point.details.push(why.line());
        }
        return point;
    }
    point.outcome = match cell.verdict {
        CellVerdict::ExpectedAllow | CellVerdict::ExpectedDeny => return point,
        CellVerdict::UnexpectedAllow | CellVerdict::UnexpectedDeny => Outcome::Failed,
        CellVerdict::Error | CellVerdict::Inconclusive => Outcome::Error,
        CellVerdict::Skipped => Outcome::Skipped,
        CellVerdict::Departure => {
            point.details.push(sentence(cell));
            return point;
        }
    };
    point.kind = cell.verdict.word();
    point.message = Some(sentence(cell));
    point.details.extend(more(cell));
    let policies = cell.policies.join(", ");
    if !policies.is_empty() {
        point.details.push(format!("policy: {policies}"));
    }
    let explanation = cell.explanation.iter().flat_map(|text| text.lines());
    point.details.extend(explanation.map(str::to_owned));
    point
}

fn snapshot<'r>(run: &Report, scenario: &'r ScenarioReport, here: (&'r str, usize)) -> Point<'r> {
    let report = &scenario.snapshot;
    let mut point = Point::new(Phase::Snapshot, "snapshot".to_owned(), here);
    point.leak = report.widening;
    let differences = report.diff.as_deref().unwrap_or_default();
    let (outcome, kind, text) = match report.verdict {
        SnapshotVerdict::Matches => return point,
        SnapshotVerdict::Differs if report.widening => (
            Outcome::Failed,
            "leak",
            "somebody sees more than the snapshot says",
        ),
        SnapshotVerdict::Differs => (Outcome::Failed, "snapshot", "the snapshot differs"),
        SnapshotVerdict::Missing => (Outcome::Failed, "snapshot", "there is no snapshot"),
        SnapshotVerdict::Unreadable => (Outcome::Failed, "snapshot", "the snapshot cannot be read"),
        SnapshotVerdict::NotCompared => (
            Outcome::Skipped,
            "not-compared",
            "the snapshot was not compared",
        ),
    };
    point = point.ended(outcome, kind, text.to_owned());
    if report.verdict != SnapshotVerdict::Missing {
        point.details.extend(differences.iter().cloned());
    }
    for (change, why) in Why::of_changes(run, scenario) {
        let text = format!("{change}: {}", why.line());
        point.details.push(text);
    }
    if let Some(pending) = &report.pending {
        let text = format!("written to {pending}; look at it with `fhirward review`");
        point.details.push(text);
    }
    point
}

/// What could not be removed does not change what was found out; it is shown everywhere.
fn cleanup<'r>(problems: &[String], deleted: usize, here: (&'r str, usize)) -> Point<'r> {
    let point = Point::new(Phase::Cleanup, "cleanup".to_owned(), here);
    if problems.is_empty() {
        return Point {
            details: vec![format!("{} removed", plural(deleted, "resource"))],
            ..point
        };
    }
    let text = format!("{} left behind", plural(problems.len(), "resource"));
    Point {
        details: problems.to_vec(),
        ..point.ended(Outcome::Error, "cleanup", text)
    }
}
