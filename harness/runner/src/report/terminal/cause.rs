//! What a run with much that is wrong comes down to: who got what they must not get, and the
//! entries of policies that decide about it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::grid::{Grid, Mark};
use super::super::issues;
use super::super::model::{Report, ScenarioReport};
use super::super::why::Why;
use super::{Style, line};
use crate::expect::CellVerdict;
use crate::report::Verdict;
use crate::scenario::plural;

/// Scenarios with a leak that are named, each in a line.
const MAX_LEAKS: usize = 20;
/// Entries of policies that are named.
const MAX_CAUSES: usize = 8;
/// Names of scenarios in the list of the others.
const MAX_OTHERS: usize = 40;
/// What of one thing is listed in a line.
const MAX_LISTED: usize = 4;
/// Characters in a line of names.
const WIDTH: usize = 96;

/// An entry of a policy, and what hangs on it.
#[derive(Debug, Default)]
struct Cause {
    cells: BTreeSet<(usize, String, String, String)>,
    scenarios: BTreeSet<usize>,
    leaks: BTreeSet<usize>,
}

/// The last block of a run in which several scenarios did not pass.
pub(super) fn write(out: &mut String, report: &Report, style: Style) {
    let wrong: Vec<&ScenarioReport> = report
        .scenarios
        .iter()
        .filter(|scenario| scenario.verdict == Verdict::Failed)
        .collect();
    if wrong.len() < 2 {
        return;
    }
    let (leaking, others): (Vec<&ScenarioReport>, Vec<&ScenarioReport>) =
        wrong.into_iter().partition(|scenario| scenario.leaks());
    if !leaking.is_empty() {
        let count = plural(leaking.len(), "scenario");
        line(out, &format!("{} in {count}:", style.bad("leaks")));
        for scenario in leaking.iter().take(MAX_LEAKS) {
            let what = leaks(scenario);
            line(out, &format!("  {}: {what}", issues::name(scenario)));
        }
        if leaking.len() > MAX_LEAKS {
            line(out, &format!("  … {} more", leaking.len() - MAX_LEAKS));
        }
    }
    if !others.is_empty() {
        let count = plural(others.len(), "scenario");
        let also = if leaking.is_empty() {
            ""
        } else {
            " without a leak"
        };
        line(out, &format!("not as expected{also}, {count}:"));
        names(out, &others);
    }
    causes(out, report, style);
    out.push('\n');
}

/// Who got what they must not get, in a line.
fn leaks(scenario: &ScenarioReport) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut add = |part: String| {
        if !parts.contains(&part) {
            parts.push(part);
        }
    };
    for grid in Grid::all(scenario) {
        for row in &grid.rows {
            let leaked = |column: &&&str| {
                let leak = |cell: &crate::report::Cell| {
                    cell.verdict == CellVerdict::UnexpectedAllow
                        || matches!(grid.mark(row, column), Some(Mark::Leak | Mark::Gained))
                };
                grid.cell(row, column).is_some_and(leak)
            };
            for column in grid.columns.iter().filter(leaked) {
                add(format!("{row} sees {column}"));
            }
        }
    }
    for (step, problem) in scenario.problems().filter(|(_, problem)| problem.leak) {
        // What the matrix shows too is told by it.
        if problem.cells.is_empty() || !problem.message.starts_with("see:") {
            add(format!("step {}: {}", step.id, problem.message));
        }
    }
    if parts.is_empty() {
        parts.extend(scenario.reason.clone());
    }
    shortened(&parts)
}

fn shortened(parts: &[String]) -> String {
    let shown: Vec<&str> = parts.iter().take(MAX_LISTED).map(String::as_str).collect();
    let mut text = shown.join("; ");
    if parts.len() > MAX_LISTED {
        text.push_str(&format!("; … {} more", parts.len() - MAX_LISTED));
    }
    text
}

/// Names in lines of a bearable width.
fn names(out: &mut String, scenarios: &[&ScenarioReport]) {
    let mut text = String::new();
    for scenario in scenarios.iter().take(MAX_OTHERS) {
        let name = issues::name(scenario);
        if !text.is_empty() && text.chars().count() + name.chars().count() > WIDTH {
            line(out, &format!("  {text},"));
            text.clear();
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&name);
    }
    if scenarios.len() > MAX_OTHERS {
        text.push_str(&format!(", … {} more", scenarios.len() - MAX_OTHERS));
    }
    line(out, &format!("  {text}"));
}

/// The entries of policies on which what is wrong depends, the one with the most cells first.
fn causes(out: &mut String, report: &Report, style: Style) {
    let mut all: BTreeMap<String, Cause> = BTreeMap::new();
    for (at, scenario) in report.scenarios.iter().enumerate() {
        let mut add = |cell: &crate::report::Cell, why: &Why<'_>, leak: bool| {
            let cause = all.entry(why.entry()).or_default();
            cause.cells.insert((
                at,
                cell.after.clone(),
                cell.actor.clone(),
                cell.resource.clone(),
            ));
            cause.scenarios.insert(at);
            if leak {
                cause.leaks.insert(at);
            }
        };
        for grid in Grid::all(scenario) {
            for row in &grid.rows {
                for column in &grid.columns {
                    let Some(cell) = grid.cell(row, column) else {
                        continue;
                    };
                    // Of what is not as the policies say no entry is the cause: the server is.
                    let Some(mark) = grid.mark(row, column) else {
                        continue;
                    };
                    if let Some(why) = Why::of_mark(report, cell, mark) {
                        add(cell, &why, matches!(mark, Mark::Leak | Mark::Gained));
                    }
                }
            }
        }
    }
    let mut list: Vec<(&String, &Cause)> = all.iter().collect();
    list.sort_by_key(|(_, cause)| std::cmp::Reverse(cause.cells.len()));
    if list.is_empty() {
        return;
    }
    line(out, "what decides about it, by the policies:");
    for (entry, cause) in list.iter().take(MAX_CAUSES) {
        let leaks = match cause.leaks.len() {
            0 => String::new(),
            count => {
                let text = format!("{} with a leak", plural(count, "scenario"));
                format!(", {}", style.bad(&text))
            }
        };
        line(out, &format!("  {entry}"));
        line(
            out,
            &format!(
                "    {} in {}{leaks}",
                plural(cause.cells.len(), "cell"),
                plural(cause.scenarios.len(), "scenario")
            ),
        );
    }
    if list.len() > MAX_CAUSES {
        line(out, &format!("  … {} more", list.len() - MAX_CAUSES));
    }
}
