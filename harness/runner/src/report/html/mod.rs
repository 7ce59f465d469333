//! The run as one page that needs nothing else: no scripts, no fonts, no pictures. Where a server of
//! reports forbids styles too, what matters is still there as text.

mod matrix;
mod scenario;
mod style;

use super::event::Verdict;
use super::issues::{self, Issue};
use super::markup::Html;
use super::model::{Report, ScenarioReport};
use super::{curl, unplayed};
use crate::scenario::plural;

/// Findings that are shown in full; each stands in its scenario too.
const MAX_ISSUES: usize = 100;

/// The page.
pub(super) fn document(report: &Report) -> String {
    let mut out = Html::default();
    out.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
    out.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    let (class, words) = conclusion(report);
    out.element("title", "", &format!("fhirward: {words}"));
    out.raw("<style>").raw(style::STYLE).raw("</style>\n");
    out.raw("</head>\n<body>\n<header class=\"")
        .raw(class)
        .raw("\">\n");
    out.element("p", "tool", "fhirward run");
    out.element("h1", "", words);
    numbers(report, &mut out);
    out.raw("</header>\n<main>\n");
    let found = issues::all(report);
    if !found.is_empty() {
        wrong(&found, &mut out);
    }
    if !report.states.is_empty() {
        out.raw("<section>\n<h2>Shared states</h2>\n");
        for state in &report.states {
            scenario::shared_state(state, &mut out);
        }
        out.raw("</section>\n");
    }
    out.raw("<section>\n<h2>Scenarios</h2>\n");
    if report.scenarios.is_empty() {
        out.element("p", "", "None was played.");
    }
    // What did not pass is what the page is opened for.
    let (passed, others): (Vec<&ScenarioReport>, Vec<&ScenarioReport>) = report
        .scenarios
        .iter()
        .partition(|scenario| scenario.verdict == Verdict::Passed);
    for scenario in others.into_iter().chain(passed) {
        scenario::write(report, scenario, &mut out);
    }
    out.raw("</section>\n");
    matrix::legend(&mut out);
    about(report, &mut out);
    out.raw("</main>\n</body>\n</html>\n");
    out.into_string()
}

/// The class of the whole, and the words of the heading.
fn conclusion(report: &Report) -> (&'static str, &'static str) {
    match report.summary().exit_code() {
        0 if unplayed::of_run(report).is_some() => ("passed", "✓ Conformant in what was played"),
        0 => ("passed", "✓ Conformant"),
        5 => ("leak", "⚠ Leak: somebody sees what they must not see"),
        4 => ("failed", "✗ Not as expected"),
        6 if report.selected > 0 => ("skipped", "○ Nothing played"),
        6 => ("skipped", "○ Nothing selected"),
        130 | 143 => ("error", "! Interrupted"),
        _ => ("error", "! Could not tell"),
    }
}

fn numbers(report: &Report, out: &mut Html) {
    let summary = report.summary();
    let endings = summary.endings();
    let text = format!(
        "{}: {} · {} · {} of the matrix · {}",
        plural(summary.scenarios, "scenario"),
        if endings.is_empty() { "none" } else { &endings },
        plural(summary.steps, "step"),
        plural(summary.cells.total(), "cell"),
        duration(report.duration_ms)
    );
    out.element("p", "", &text);
    if let Some(open) = unplayed::of_run(report) {
        out.element(
            "p",
            "problem",
            &format!("Not played or not judged: {open}."),
        );
    }
    let server = &report.server;
    let software = server.software.as_deref().unwrap_or("unknown software");
    out.element(
        "p",
        "faint",
        &format!("{software} at {}, profile {}", server.url, server.profile),
    );
}

fn wrong(found: &[Issue<'_>], out: &mut Html) {
    out.raw("<section>\n");
    out.element("h2", "", &format!("What is wrong ({})", found.len()));
    for issue in found.iter().take(MAX_ISSUES) {
        let class = match issue.rule {
            rule if rule.is_leak() => "leak",
            rule if rule.is_of_server() => "failed",
            _ => "error",
        };
        out.raw("<article class=\"").raw(class).raw("\">\n");
        out.element("p", "rule", issue.rule.id());
        out.element("p", "", &issue.message);
        places(issue, out);
        if !issue.details.is_empty() {
            out.element("pre", "", &issue.details.join("\n"));
        }
        if let Some(cell) = issue.cell {
            reproducer(&curl::of_cell(cell), out);
        }
        if let Some(scenario) = issue.scenario {
            out.raw("<p><a href=\"#s")
                .text(&scenario.info.index.to_string())
                .raw("\">")
                .text(&scenario.info.title)
                .raw("</a></p>\n");
        }
        out.raw("</article>\n");
    }
    if found.len() > MAX_ISSUES {
        let more = found.len() - MAX_ISSUES;
        out.element("p", "", &format!("… and {more} more, in their scenarios."));
    }
    out.raw("</section>\n");
}

fn places(issue: &Issue<'_>, out: &mut Html) {
    for place in issue.place.iter().chain(&issue.related) {
        let mut text = place.shown();
        if !place.text.is_empty() {
            text.push_str(" — ");
            text.push_str(&place.text);
        }
        out.element("p", "place", &text);
    }
}

fn reproducer(command: &str, out: &mut Html) {
    out.raw("<details><summary>To see it again</summary>\n");
    out.element("pre", "", command);
    out.raw("</details>\n");
}

fn about(report: &Report, out: &mut Html) {
    out.raw("<footer>\n");
    out.element("p", "", curl::LEGEND);
    let text = format!(
        "Run {} began {} with fhirward {}; exit code {}.",
        report.id,
        report.started,
        env!("CARGO_PKG_VERSION"),
        report.summary().exit_code()
    );
    out.element("p", "", &text);
    for problem in &report.cleanup.problems {
        out.element("p", "problem", &format!("cleanup: {problem}"));
    }
    let removed = plural(report.cleanup.deleted, "resource");
    out.element("p", "", &format!("Cleanup of the run: {removed} removed."));
    out.raw("</footer>\n");
}

fn duration(milliseconds: u64) -> String {
    if milliseconds < 1000 {
        format!("{milliseconds} ms")
    } else {
        format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
    }
}

/// The class and the sign of a verdict.
fn sign(scenario: &ScenarioReport) -> (&'static str, &'static str, &'static str) {
    match scenario.verdict {
        Verdict::Failed if scenario.leaks() => ("leak", "⚠", "leak"),
        Verdict::Passed => ("passed", "✓", "passed"),
        Verdict::Failed => ("failed", "✗", "failed"),
        Verdict::Error => ("error", "!", "error"),
        Verdict::Inconclusive => ("error", "?", "inconclusive"),
        Verdict::Skipped => ("skipped", "○", "skipped"),
    }
}
