//! The report for people.

use std::fmt::Write as _;

use super::event::{SightChange, SnapshotVerdict, StateReport, StepReport, StepVerdict, Verdict};
use super::issues::obsolete;
use super::model::{Report, ScenarioReport};
use super::summary::Summary;
use crate::expect::{CellVerdict, Difference, Observed};
use crate::report::Cell;
use crate::scenario::{GIVEN, plural};

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

/// The whole report.
pub fn terminal(report: &Report, style: Style) -> String {
    let mut out = String::new();
    for state in &report.states {
        shared_state(&mut out, state, style);
    }
    for scenario in &report.scenarios {
        line(&mut out, &scenario_line(scenario, style));
        // What keeps every scenario from running is said once, below.
        let same = report.aborted.as_ref().map(|(reason, _)| reason) == scenario.reason.as_ref();
        if !same || scenario.reason.is_none() {
            details(&mut out, scenario, style);
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
    let summary = report.summary();
    for warning in &summary.warnings {
        line(&mut out, &format!("warning: {warning}"));
    }
    closing(&mut out, report, &summary, style);
    out
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
            step_details(out, step, style);
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
        scenario.info.page,
        scenario.info.id,
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

fn details(out: &mut String, scenario: &ScenarioReport, style: Style) {
    if scenario.verdict != Verdict::Passed {
        line(out, &format!("  {}", scenario.info.title));
        if let Some(reason) = &scenario.reason
            && let Some(reason) = beyond_steps(reason, &scenario.steps)
        {
            line(out, &format!("  {reason}"));
        }
        for step in &scenario.steps {
            step_details(out, step, style);
        }
        matrices(out, scenario, style);
        snapshot(out, scenario, style);
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

fn step_details(out: &mut String, step: &StepReport, style: Style) {
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
    }
}

fn is_wrong(cell: &Cell) -> bool {
    cell.verdict.is_wrong()
}

/// The matrices with a wrong cell. What goes wrong in the same way after several steps is shown
/// and explained the first time.
fn matrices(out: &mut String, scenario: &ScenarioReport, style: Style) {
    let mut afters: Vec<&str> = Vec::new();
    for cell in scenario.matrix.iter().filter(|cell| is_wrong(cell)) {
        if !afters.contains(&cell.after.as_str()) {
            afters.push(&cell.after);
        }
    }
    let mut shown: Vec<(&str, &str, CellVerdict)> = Vec::new();
    let mut again: Vec<&str> = Vec::new();
    for after in afters {
        let cells: Vec<&Cell> = scenario
            .matrix
            .iter()
            .filter(|cell| cell.after == after)
            .collect();
        let new: Vec<&Cell> = cells
            .iter()
            .copied()
            .filter(|cell| is_wrong(cell) && !shown.contains(&key(cell)))
            .collect();
        if new.is_empty() {
            again.push(after);
            continue;
        }
        let place = if after == GIVEN {
            "in the given state".to_owned()
        } else {
            format!("after step {after}")
        };
        line(out, &format!("  who sees what {place}:"));
        table(out, &cells, style, &|cell| (symbol(cell), is_wrong(cell)));
        for cell in new {
            shown.push(key(cell));
            explain(out, cell, style);
        }
    }
    if !again.is_empty() {
        line(out, &format!("  and the same after {}", again.join(", ")));
    }
}

fn key(cell: &Cell) -> (&str, &str, CellVerdict) {
    (&cell.actor, &cell.resource, cell.verdict)
}

/// What a cell shows, and whether it is marked.
type Mark<'m> = dyn Fn(&Cell) -> (String, bool) + 'm;

fn table(out: &mut String, cells: &[&Cell], style: Style, mark: &Mark<'_>) {
    let mut columns: Vec<&str> = Vec::new();
    let mut rows: Vec<&str> = Vec::new();
    for cell in cells {
        if !columns.contains(&cell.resource.as_str()) {
            columns.push(&cell.resource);
        }
        if !rows.contains(&cell.actor.as_str()) {
            rows.push(&cell.actor);
        }
    }
    let first = rows
        .iter()
        .map(|row| row.chars().count())
        .max()
        .unwrap_or(0);
    let width = |column: &str| {
        let widest = cells
            .iter()
            .filter(|cell| cell.resource == column)
            .map(|cell| mark(cell).0.chars().count())
            .max();
        column.chars().count().max(widest.unwrap_or(0))
    };
    let mut head = format!("    {:first$}", "");
    for column in &columns {
        let _ = write!(head, "  {column:<width$}", width = width(column));
    }
    line(out, head.trim_end());
    for row in rows {
        let mut text = format!("    {row:<first$}");
        for column in &columns {
            let cell = cells
                .iter()
                .find(|cell| cell.actor == row && cell.resource == *column);
            let (word, marked) = cell.map(|cell| mark(cell)).unwrap_or_default();
            let padded = format!("{word:<width$}", width = width(column));
            text.push_str("  ");
            if marked {
                text.push_str(&style.bad(&padded));
            } else {
                text.push_str(&padded);
            }
        }
        line(out, text.trim_end());
    }
}

/// What was seen; a wrong cell has a mark.
fn symbol(cell: &Cell) -> String {
    let seen = match (cell.read.seen(), cell.search.seen()) {
        (Some(true), Some(true)) => "yes",
        (Some(true), _) => "by id",
        (_, Some(true)) => "by search",
        (Some(false), Some(false)) => "-",
        _ => "?",
    };
    match cell.verdict {
        CellVerdict::ExpectedAllow | CellVerdict::ExpectedDeny => seen.to_owned(),
        CellVerdict::UnexpectedAllow => format!("{seen} LEAK"),
        CellVerdict::UnexpectedDeny => format!("{seen} MISSING"),
        CellVerdict::Departure => format!("{seen} KNOWN"),
        CellVerdict::Error | CellVerdict::Skipped | CellVerdict::Inconclusive => "?".to_owned(),
    }
}

fn explain(out: &mut String, cell: &Cell, style: Style) {
    let (actor, resource) = (&cell.actor, &cell.resource);
    let reason = cell.reason.as_deref().unwrap_or_default();
    line(
        out,
        &format!(
            "    {} {actor}, {resource}: {reason}",
            style.bad(cell.verdict.word())
        ),
    );
    for (way, observed) in [("read", &cell.read), ("search", &cell.search)] {
        if let Observed::Error(why) = observed
            && why != reason
        {
            line(out, &format!("      {way}: {why}"));
        }
    }
    if !cell.policies.is_empty() {
        let files: Vec<String> = cell
            .policies
            .iter()
            .map(|policy| format!("policies/{policy}.json"))
            .collect();
        line(out, &format!("      policy: {}", files.join(", ")));
    }
    for text in cell.explanation.iter().flat_map(|text| text.lines()) {
        line(out, format!("      | {text}").trim_end());
    }
}

fn snapshot(out: &mut String, scenario: &ScenarioReport, style: Style) {
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
        let sights: Vec<String> = report.changes.iter().map(sight_text).collect();
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
        changes(out, scenario, style);
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

/// The line of the snapshot's differences that says the same.
fn sight_text(change: &SightChange) -> String {
    Difference::Sight {
        step: change.after.clone(),
        actor: change.actor.clone(),
        resource: change.resource.clone(),
        was: change.was,
        is: change.is,
    }
    .to_string()
}

/// Who sees what otherwise than in the snapshot: a matrix for each moment that brings something
/// new, with the reason of each loss.
fn changes(out: &mut String, scenario: &ScenarioReport, style: Style) {
    let all = &scenario.snapshot.changes;
    let mut afters: Vec<&str> = Vec::new();
    for change in all {
        if !afters.contains(&change.after.as_str()) {
            afters.push(&change.after);
        }
    }
    let same = |a: &SightChange, b: &SightChange| {
        (&a.actor, &a.resource, a.was, a.is) == (&b.actor, &b.resource, b.was, b.is)
    };
    let mut told: Vec<&SightChange> = Vec::new();
    let mut again: Vec<&str> = Vec::new();
    for after in afters {
        let here: Vec<&SightChange> = all.iter().filter(|c| c.after == after).collect();
        let new: Vec<&SightChange> = here
            .iter()
            .copied()
            .filter(|change| !told.iter().any(|known| same(known, change)))
            .collect();
        if new.is_empty() {
            again.push(after);
            continue;
        }
        moment(out, scenario, after, &here, &new, style);
        told.extend(new);
    }
    if !again.is_empty() {
        line(out, &format!("    and the same after {}", again.join(", ")));
    }
}

fn moment(
    out: &mut String,
    scenario: &ScenarioReport,
    after: &str,
    here: &[&SightChange],
    new: &[&SightChange],
    style: Style,
) {
    let cells: Vec<&Cell> = scenario
        .matrix
        .iter()
        .filter(|cell| cell.after == after)
        .collect();
    let of = |cell: &Cell| {
        here.iter()
            .find(|change| change.actor == cell.actor && change.resource == cell.resource)
    };
    let (there, gone): (Vec<&SightChange>, Vec<&SightChange>) = new
        .iter()
        .copied()
        .partition(|change| cells.iter().any(|cell| cell.resource == change.resource));
    let place = if after == GIVEN {
        "in the given state".to_owned()
    } else {
        format!("after step {after}")
    };
    if !there.is_empty() {
        line(
            out,
            &format!("    who sees what {place}, and who did in the snapshot:"),
        );
        table(out, &cells, style, &|cell| match of(cell) {
            Some(change) if change.is.exceeds(change.was) => ("GAINED".to_owned(), true),
            Some(_) => ("LOST".to_owned(), true),
            None => (symbol(cell), false),
        });
        for change in &there {
            let word = if change.is.exceeds(change.was) {
                "gained"
            } else {
                "lost"
            };
            let cell = cells
                .iter()
                .find(|cell| cell.actor == change.actor && cell.resource == change.resource);
            let why = cell
                .and_then(|cell| cell.nearest_miss.as_deref().or(cell.entry.as_deref()))
                .map(|why| format!(": {why}"))
                .unwrap_or_default();
            line(
                out,
                &format!(
                    "    {} {} {}{why}",
                    change.actor,
                    style.bad(word),
                    change.resource
                ),
            );
        }
    }
    let mut missing: Vec<&str> = Vec::new();
    for change in gone {
        if !missing.contains(&change.resource.as_str()) {
            missing.push(&change.resource);
        }
    }
    if !missing.is_empty() {
        line(
            out,
            &format!(
                "    nobody sees {} {place}: not there any more",
                missing.join(", ")
            ),
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
    if summary.leaks > 0 {
        let text = format!("{} with a leak", plural(summary.leaks, "scenario"));
        line(out, &style.bad(&text));
    }
    if report.interrupted {
        line(out, "interrupted; what had been created was removed");
    }
}
