//! The report for people.

mod cause;
mod sight;

use super::event::{SnapshotVerdict, StateReport, StepReport, StepVerdict, Verdict};
use super::issues::obsolete;
use super::model::{Report, ScenarioReport};
use super::printable::printable;
use super::summary::Summary;
use super::unplayed;
use super::why::Why;
use crate::scenario::plural;

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Whether to use ANSI colours.
    pub color: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn verdict(self, verdict: Verdict) -> String {
        let code = match verdict {
            Verdict::Passed => "32",
            Verdict::Failed => "1;31",
            Verdict::Error => "31",
            Verdict::Inconclusive => "33",
            Verdict::Skipped => "2",
        };
        self.paint(code, &format!("{verdict:<12}"))
    }

    fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }
}

/// Lines about scenarios that did not pass, shared among them: beyond that nobody reads on.
const MAX_LINES: usize = 240;
/// What each of them gets, however many they are.
const MIN_LINES: usize = 6;

/// What a terminal shows: of many scenarios that did not pass a part each, and what it comes down
/// to.
pub fn terminal(report: &Report, style: Style) -> String {
    let failed = report
        .scenarios
        .iter()
        .filter(|scenario| scenario.verdict != Verdict::Passed)
        .count();
    written(report, style, MIN_LINES.max(MAX_LINES / failed.max(1)))
}

/// The same, with all about each scenario.
pub(super) fn in_full(report: &Report, style: Style) -> String {
    written(report, style, usize::MAX)
}

fn written(report: &Report, style: Style, lines: usize) -> String {
    let report = &report.printable();
    let mut out = String::new();
    for state in &report.states {
        shared_state(&mut out, state, style);
    }
    for scenario in &report.scenarios {
        line(&mut out, &scenario_line(scenario, style));
        // What keeps every scenario from running is said once, below.
        let same = report.aborted.as_ref().map(|(reason, _)| reason) == scenario.reason.as_ref();
        if !same || scenario.reason.is_none() {
            let mut text = String::new();
            details(&mut text, report, scenario, style);
            bounded(&mut out, &text, lines);
        }
    }
    if let Some((reason, help)) = &report.aborted {
        line(
            &mut out,
            &format!("{}: {reason}", style.bad("could not run")),
        );
        if !help.is_empty() {
            line(&mut out, &format!("  help: {help}"));
        }
    }
    for file in &report.obsolete {
        let (message, help) = obsolete(report, file);
        line(&mut out, &format!("{}: {message}", style.bad("obsolete")));
        line(&mut out, &format!("  help: {help}"));
    }
    for problem in &report.cleanup.problems {
        line(&mut out, &format!("cleanup: {problem}"));
    }
    cause::write(&mut out, report, style);
    let summary = report.summary();
    for warning in &summary.warnings {
        line(&mut out, &format!("warning: {warning}"));
    }
    closing(&mut out, report, &summary, style);
    out
}

/// As many lines as there is room for, and how many more there are.
fn bounded(out: &mut String, text: &str, lines: usize) {
    let count = text.trim_end().lines().count();
    if count <= lines {
        out.push_str(text);
        return;
    }
    let shown = lines.saturating_sub(1);
    for part in text.lines().take(shown) {
        line(out, part);
    }
    line(
        out,
        &format!("  … {} more lines, see --report html=FILE\n", count - shown),
    );
}

/// A state that scenarios share: a line, and what is wrong with it.
fn shared_state(out: &mut String, state: &StateReport, style: Style) {
    let verdict = match state.reason {
        None => style.verdict(Verdict::Passed),
        Some(_) => style.verdict(Verdict::Error),
    };
    let by = plural(state.scenarios.len(), "scenario");
    let took = style.faint(&format!("({})", duration(state.duration_ms)));
    line(
        out,
        &format!("{verdict} shared state {}, for {by} {took}", state.state),
    );
    if let Some(reason) = &state.reason {
        if let Some(reason) = beyond_steps(reason, &state.steps) {
            line(out, &format!("  {reason}"));
        }
        for step in &state.steps {
            step_details(out, step, None, style);
        }
    }
    for problem in &state.cleanup.problems {
        line(out, &format!("  cleanup: {problem}"));
    }
}

/// One line about a scenario: verdict, name, duration.
pub fn scenario_line(scenario: &ScenarioReport, style: Style) -> String {
    format!(
        "{} {}/{} {}",
        style.verdict(scenario.verdict),
        printable(&scenario.info.page),
        printable(&scenario.info.id),
        style.faint(&format!("({})", duration(scenario.duration_ms)))
    )
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn duration(milliseconds: u64) -> String {
    if milliseconds < 1000 {
        format!("{milliseconds} ms")
    } else {
        format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
    }
}

fn details(out: &mut String, report: &Report, scenario: &ScenarioReport, style: Style) {
    if scenario.verdict != Verdict::Passed {
        line(out, &format!("  {}", scenario.info.title));
        if let Some(reason) = &scenario.reason
            && let Some(reason) = beyond_steps(reason, &scenario.steps)
        {
            line(out, &format!("  {reason}"));
        }
        for step in &scenario.steps {
            step_details(out, step, Some((report, scenario)), style);
        }
        sight::matrices(out, report, scenario, style);
        snapshot(out, report, scenario, style);
    } else if let Some(reason) = &scenario.reason
        && scenario.is_partly_played()
    {
        line(out, &format!("  {reason}"));
    }
    // A scenario may pass in what was played of it: what was not is said in any case.
    for text in unplayed::lines(scenario) {
        line(out, &format!("  {text}"));
    }
    for problem in &scenario.cleanup.problems {
        line(out, &format!("  cleanup: {problem}"));
    }
    if scenario.verdict != Verdict::Passed {
        out.push('\n');
    }
}

/// What a reason says beyond the problem that stands under its step anyway.
fn beyond_steps<'r>(reason: &'r str, steps: &[StepReport]) -> Option<&'r str> {
    let rest = steps.iter().filter(|step| is_shown(step)).find_map(|step| {
        let problem = step.problems.first()?;
        reason.strip_suffix(&format!("step {}: {}", step.id, problem.message))
    });
    match rest {
        None => Some(reason),
        Some("") => None,
        Some(rest) => Some(rest.trim_end_matches([':', ' '])),
    }
}

fn is_shown(step: &StepReport) -> bool {
    !matches!(step.verdict, StepVerdict::Passed | StepVerdict::Skipped)
}

/// A step that is not as it should be. The steps of a scenario say why, by the policies.
fn step_details(
    out: &mut String,
    step: &StepReport,
    of: Option<(&Report, &ScenarioReport)>,
    style: Style,
) {
    if !is_shown(step) {
        return;
    }
    let verdict = style.bad(&step.verdict.to_string());
    line(
        out,
        &format!(
            "  step {} {verdict}: {} {} {}  {}",
            step.id,
            step.actor,
            step.verb,
            step.target,
            style.faint(&format!("{}:{}", step.file, step.line))
        ),
    );
    if let Some(title) = &step.title {
        line(out, &format!("    {title}"));
    }
    for problem in &step.problems {
        let mark = if problem.leak {
            format!("{} ", style.bad("leak:"))
        } else {
            String::new()
        };
        line(out, &format!("    {mark}{}", problem.message));
        if let Some(help) = &problem.help {
            line(out, &format!("    help: {help}"));
        }
        if let Some((report, scenario)) = of {
            for why in Why::of_problem(report, scenario, step, problem) {
                line(out, &format!("      {}", why.line()));
            }
        }
    }
}

fn snapshot(out: &mut String, run: &Report, scenario: &ScenarioReport, style: Style) {
    let report = &scenario.snapshot;
    let words = match report.verdict {
        SnapshotVerdict::Differs => "the snapshot differs:",
        SnapshotVerdict::Missing => "the snapshot is missing",
        SnapshotVerdict::Unreadable => "the snapshot cannot be read:",
        SnapshotVerdict::Matches | SnapshotVerdict::NotCompared => {
            return;
        }
    };
    line(out, &format!("  {words}"));
    if report.verdict != SnapshotVerdict::Missing {
        let sights: Vec<String> = report.changes.iter().map(sight::text).collect();
        for difference in report.diff.iter().flatten() {
            if !sights.contains(difference) {
                let text = if difference.contains(" now finds ") {
                    style.bad(difference)
                } else {
                    difference.clone()
                };
                line(out, &format!("    {text}"));
            }
        }
        sight::changes(out, run, scenario, style);
    }
    if report.widening {
        line(
            out,
            "    somebody sees more than before: to accept it, `fhirward review` wants a reason",
        );
    }
    if let Some(pending) = &report.pending {
        line(
            out,
            &format!("    written to {pending}; look at it with `fhirward review`"),
        );
    }
}

fn closing(out: &mut String, report: &Report, summary: &Summary, style: Style) {
    if summary.scenarios == 0 {
        line(out, "no scenario selected");
        return;
    }
    line(
        out,
        &format!(
            "{}: {} ({}, {} of the matrix) in {}",
            plural(summary.scenarios, "scenario"),
            summary.endings(),
            plural(summary.steps, "step"),
            plural(summary.cells.total(), "cell"),
            duration(report.duration_ms),
        ),
    );
    if let Some(text) = unplayed::of_run(report) {
        line(out, &format!("not played or not judged: {text}"));
    }
    if summary.leaks > 0 {
        let text = format!("{} with a leak", plural(summary.leaks, "scenario"));
        line(out, &style.bad(&text));
    }
    if report.interrupted {
        line(out, "interrupted; what had been created was removed");
    }
}
