//! One scenario: who sees what, its steps, its snapshot, its cleanup.

use super::super::event::{
    Cell, Problem, SightChange, SnapshotVerdict, StateReport, StepReport, StepVerdict, Verdict,
};
use super::super::grid::{Grid, Mark};
use super::super::markup::Html;
use super::super::model::{Report, ScenarioReport};
use super::super::why::Why;
use super::super::{curl, issues, unplayed};
use super::{duration, matrix, reproducer, sign};
use crate::expect::CellVerdict;
use crate::scenario::plural;

/// The scenario, folded away where it passed.
pub(super) fn write(report: &Report, scenario: &ScenarioReport, out: &mut Html) {
    let (class, symbol, word) = sign(scenario);
    out.raw("<details class=\"scenario ")
        .raw(class)
        .raw("\" id=\"s")
        .text(&scenario.info.index.to_string())
        .raw("\"");
    if scenario.verdict != Verdict::Passed {
        out.raw(" open");
    }
    out.raw("><summary><span class=\"sign\">")
        .raw(symbol)
        .raw(" ")
        .raw(word)
        .raw("</span> <strong>")
        .text(&scenario.info.id)
        .raw("</strong> <span class=\"faint\">")
        .text(&scenario.info.page)
        .raw(" · ")
        .text(&duration(scenario.duration_ms))
        .raw("</span></summary>\n");
    out.element("p", "", &scenario.info.title);
    if let Some(reason) = &scenario.not_offered {
        out.element("p", "", &format!("Not offered: {reason}"));
    } else if let Some(reason) = &scenario.reason {
        out.element("p", "problem", reason);
    }
    for text in unplayed::lines(scenario) {
        out.element("p", "problem", &text);
    }
    out.element("p", "place", &scenario.info.file);
    matrices(report, scenario, out);
    steps(report, scenario, out);
    snapshot(scenario, out);
    cleanup(scenario, out);
    out.raw("</details>\n");
}

/// The moments with something new that is wrong are open; the others are there to look at.
fn matrices(report: &Report, scenario: &ScenarioReport, out: &mut Html) {
    let mut told: Vec<(&str, &str, CellVerdict)> = Vec::new();
    let mut changed: Vec<&SightChange> = Vec::new();
    let same = |a: &SightChange, b: &SightChange| {
        (&a.actor, &a.resource, a.was, a.is) == (&b.actor, &b.resource, b.was, b.is)
    };
    for grid in Grid::all(scenario) {
        let wrong: Vec<_> = grid.wrong().collect();
        let is_new = |cell: &&Cell| {
            !told.contains(&(cell.actor.as_str(), cell.resource.as_str(), cell.verdict))
        };
        let new: Vec<&Cell> = wrong.iter().copied().filter(is_new).collect();
        let all = scenario.snapshot.changes.iter();
        let changes: Vec<&SightChange> = all.filter(|c| c.after == grid.after).collect();
        let is_first = |change: &&&SightChange| !changed.iter().any(|known| same(known, change));
        let first: Vec<&SightChange> = changes.iter().filter(is_first).copied().collect();
        out.raw("<details class=\"moment\"");
        if grid.is_news {
            out.raw(" open");
        }
        out.raw("><summary>Who sees what ").text(&grid.moment());
        if !wrong.is_empty() {
            let again = if new.is_empty() { ", as before" } else { "" };
            let text = format!(": {} wrong{again}", plural(wrong.len(), "cell"));
            out.raw("<strong class=\"problem\">")
                .text(&text)
                .raw("</strong>");
        }
        let against: Vec<(&Cell, Mark)> = grid.against_the_scenario().collect();
        if !against.is_empty() {
            let text = format!(
                ": {} not as the scenario says",
                plural(against.len(), "cell")
            );
            out.raw("<strong class=\"problem\">")
                .text(&text)
                .raw("</strong>");
        }
        if !changes.is_empty() {
            let again = if first.is_empty() { ", as before" } else { "" };
            let text = format!(
                ": {} not as in the snapshot{again}",
                plural(changes.len(), "cell")
            );
            out.raw("<strong class=\"problem\">")
                .text(&text)
                .raw("</strong>");
        }
        out.raw("</summary>\n");
        matrix::write(&grid, out);
        for (cell, mark) in against {
            out.element("p", "problem", &issues::marked(cell, mark));
            if let Some(why) = Why::of_mark(report, cell, mark) {
                out.element("pre", "", &why.line());
            }
            reproducer(&curl::of_cell(cell), out);
        }
        for change in &first {
            let text = format!("{} {} {}", change.actor, gained(change), change.resource);
            out.element("p", "problem", &text);
            if let Some(why) = Why::of_change(report, scenario, change) {
                out.element("pre", "", &why.line());
            }
        }
        changed.extend(first);
        for cell in new {
            told.push((&cell.actor, &cell.resource, cell.verdict));
            let text = issues::sentence(cell);
            out.element("p", "problem", &text);
            let mut lines: Vec<String> = issues::more(cell).into_iter().collect();
            lines.extend(cell.explanation.iter().cloned());
            if !lines.is_empty() {
                out.element("pre", "", &lines.join("\n"));
            }
            reproducer(&curl::of_cell(cell), out);
        }
        out.raw("</details>\n");
    }
}

/// What became of somebody's view, in a word.
fn gained(change: &SightChange) -> &'static str {
    if change.is.exceeds(change.was) {
        "gained"
    } else {
        "lost"
    }
}

fn steps(report: &Report, scenario: &ScenarioReport, out: &mut Html) {
    let (given, own): (Vec<&StepReport>, Vec<&StepReport>) =
        scenario.steps.iter().partition(|step| step.given);
    let why = |step: &StepReport, problem: &Problem| {
        let reasons = Why::of_problem(report, scenario, step, problem);
        reasons.iter().map(Why::line).collect()
    };
    listed("Given state", &given, &why, out);
    listed("Steps", &own, &why, out);
}

/// The reasons of a problem, by the policies.
type Reasons<'w> = dyn Fn(&StepReport, &Problem) -> Vec<String> + 'w;

fn listed(words: &str, steps: &[&StepReport], why: &Reasons<'_>, out: &mut Html) {
    if steps.is_empty() {
        return;
    }
    out.raw("<details class=\"moment\"");
    if steps.iter().any(|s| s.verdict != StepVerdict::Passed) {
        out.raw(" open");
    }
    out.raw("><summary>")
        .text(&format!("{words} ({})", steps.len()))
        .raw("</summary>\n<ol>\n");
    for one in steps {
        step(one, why, out);
    }
    out.raw("</ol>\n</details>\n");
}

/// A state that scenarios share: what built it, and that it is gone again.
pub(super) fn shared_state(state: &StateReport, out: &mut Html) {
    let (class, sign) = match state.reason {
        None => ("passed", "✓"),
        Some(_) => ("error", "!"),
    };
    out.raw("<article class=\"").raw(class).raw("\">\n");
    out.element("h3", "", &format!("{sign} {}", state.state));
    let took = duration(state.duration_ms);
    let by = state.scenarios.join(", ");
    out.element("p", "faint", &format!("built in {took} for {by}"));
    if let Some(reason) = &state.reason {
        out.element("p", "problem", reason);
    }
    let steps: Vec<&StepReport> = state.steps.iter().collect();
    listed("Steps", &steps, &|_, _| Vec::new(), out);
    for problem in &state.cleanup.problems {
        out.element("p", "problem", &format!("cleanup: {problem}"));
    }
    let removed = plural(state.cleanup.deleted, "resource");
    out.element("p", "faint", &format!("Cleanup: {removed} removed."));
    out.raw("</article>\n");
}

fn step(step: &StepReport, why: &Reasons<'_>, out: &mut Html) {
    let (class, symbol) = match step.verdict {
        StepVerdict::Passed => ("passed", "✓"),
        StepVerdict::Failed if step.problems.iter().any(|p| p.leak) => ("leak", "⚠"),
        StepVerdict::Failed => ("failed", "✗"),
        StepVerdict::Error => ("error", "!"),
        StepVerdict::Inconclusive => ("error", "?"),
        StepVerdict::Blocked => ("skipped", "⊘"),
        StepVerdict::Skipped => ("skipped", "○"),
    };
    out.raw("<li class=\"")
        .raw(class)
        .raw("\"><span class=\"sign\">")
        .raw(symbol)
        .raw(" ")
        .text(&step.verdict.to_string())
        .raw("</span> <strong>")
        .text(&step.id)
        .raw("</strong> <code>")
        .text(&format!("{} {} {}", step.actor, step.verb, step.target))
        .raw("</code> <span class=\"faint\">");
    if let Some(outcome) = &step.outcome {
        out.text(&format!("→ {outcome} · "));
    } else if let Some(status) = step.status {
        out.text(&format!("→ {status} · "));
    }
    if step.probe {
        out.raw("probe · ");
    }
    if step.looks > 1 {
        out.text(&format!("{} looks · ", step.looks));
    }
    out.text(&duration(step.duration_ms)).raw("</span>\n");
    if let Some(title) = &step.title {
        out.element("p", "faint", title);
    }
    if !step.retries.is_empty() {
        let tries = plural(step.retries.len(), "failed attempt");
        let mark = match step.verdict {
            StepVerdict::Passed => "flaky: ",
            _ => "",
        };
        out.element("p", "problem", &format!("{mark}sent again after {tries}"));
        out.element("pre", "", &step.retries.join("\n"));
    }
    for problem in &step.problems {
        let mark = if problem.leak { "leak: " } else { "" };
        out.element("p", "problem", &format!("{mark}{}", problem.message));
        if let Some(help) = &problem.help {
            out.element("p", "", help);
        }
        let reasons = why(step, problem);
        if !reasons.is_empty() {
            out.element("pre", "", &reasons.join("\n"));
        }
    }
    if matches!(step.verdict, StepVerdict::Failed | StepVerdict::Error) {
        out.element("p", "place", &format!("{}:{}", step.file, step.line));
        if let Some(command) = curl::of_step(step) {
            reproducer(&command, out);
        }
    }
    out.raw("</li>\n");
}

fn snapshot(scenario: &ScenarioReport, out: &mut Html) {
    let report = &scenario.snapshot;
    let words = match report.verdict {
        SnapshotVerdict::Matches => "Snapshot: ✓ matches",
        SnapshotVerdict::Differs if report.widening => {
            "Snapshot: ⚠ differs, and somebody sees more than before"
        }
        SnapshotVerdict::Differs => "Snapshot: ✗ differs",
        SnapshotVerdict::Missing => "Snapshot: ✗ missing",
        SnapshotVerdict::Unreadable => "Snapshot: ✗ cannot be read",
        SnapshotVerdict::NotCompared => "Snapshot: ○ not compared",
    };
    out.element("p", "", words);
    let differences = report.diff.as_deref().unwrap_or_default();
    if !differences.is_empty() && report.verdict != SnapshotVerdict::Missing {
        out.raw("<pre class=\"diff\">");
        for line in differences {
            if line.contains(" gained ") || line.contains(" now finds ") {
                out.raw("<ins>+ ").text(line).raw("</ins>\n");
            } else if line.contains(" lost ") {
                out.raw("<del>- ").text(line).raw("</del>\n");
            } else {
                out.raw("~ ").text(line).raw("\n");
            }
        }
        out.raw("</pre>\n");
    }
    if let Some(pending) = &report.pending {
        let text = format!("Written to {pending}; look at it with `fhirward review`.");
        out.element("p", "", &text);
    }
}

fn cleanup(scenario: &ScenarioReport, out: &mut Html) {
    let report = &scenario.cleanup;
    let text = format!("Cleanup: {} removed", plural(report.deleted, "resource"));
    out.element("p", "", &text);
    for problem in &report.problems {
        out.element("p", "problem", &format!("cleanup: {problem}"));
    }
}
