//! The run for GitHub Actions: annotations at the files, and the summary of the job.
//! Source: docs.github.com, "Workflow commands for GitHub Actions".

use std::fmt::Write as _;

use super::grid::{Grid, symbol, word};
use super::issues::{self, Issue, Place, Rule};
use super::markup::{command_message, command_property, markdown_cell};
use super::model::{Report, ScenarioReport};
use super::unplayed;
use crate::expect::CellVerdict;
use crate::report::Verdict;
use crate::scenario::plural;

/// GitHub shows no more annotations of a kind for a step.
const MAX_ANNOTATIONS: usize = 10;
/// A message may have 64 KB, in bytes; escaping makes at most three of one.
/// Source: docs.github.com, "REST API endpoints for check runs", `annotations.message`.
const MAX_MESSAGE: usize = 64 * 1024 / 3;
/// A step's summary may have 1 MiB; the rest is for other steps' words.
const MAX_SUMMARY: usize = 900 * 1024;
/// What of a row's reasons is shown: the matrix below it and the annotations have the others.
const MAX_ROW: usize = 2 * 1024;

/// The ten worst findings, leaks first, and how many more there are. What is left behind is a
/// warning, of which there are another ten.
pub fn annotations(report: &Report) -> String {
    let issues = issues::all(report);
    let (warnings, errors): (Vec<&Issue<'_>>, Vec<&Issue<'_>>) =
        issues.iter().partition(|issue| issue.rule == Rule::Cleanup);
    let mut out = String::new();
    for (command, list) in [("error", errors), ("warning", warnings)] {
        // The last place tells of the others.
        let shown = if list.len() > MAX_ANNOTATIONS {
            MAX_ANNOTATIONS - 1
        } else {
            list.len()
        };
        for issue in list.iter().take(shown) {
            annotation(&mut out, command, issue);
        }
        if list.len() > shown {
            let more = list.len() - shown;
            // Writing to a string cannot fail.
            let _infallible = writeln!(
                out,
                "::{command} title=fhirward::…and {more} more, see the summary of the job"
            );
        }
    }
    out
}

fn annotation(out: &mut String, command: &str, issue: &Issue<'_>) {
    let mut properties = Vec::new();
    if let Some(place) = &issue.place {
        properties.push(format!("file={}", command_property(&place.file)));
        if let Some(line) = place.line {
            properties.push(format!("line={line}"));
        }
    }
    let title = format!("fhirward {}", issue.rule.id());
    properties.push(format!("title={}", command_property(&title)));
    let _infallible = writeln!(
        out,
        "::{command} {}::{}",
        properties.join(","),
        command_message(&cut(&issue.text()))
    );
}

/// What fits into a message, and that there was more.
fn cut(text: &str) -> String {
    const MORE: &str = "\n… the rest stands in the other reports";
    if text.len() <= MAX_MESSAGE {
        return text.to_owned();
    }
    let mut end = MAX_MESSAGE - MORE.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{MORE}", text.get(..end).unwrap_or_default())
}

/// The Markdown of the summary: numbers, what is wrong, and who sees what in each scenario.
pub fn summary(report: &Report) -> String {
    let summary = report.summary();
    let open = unplayed::of_run(report);
    let mut out = String::from("### fhirward run: ");
    out.push_str(match summary.exit_code() {
        0 if open.is_some() => "conformant in what was played ✅\n\n",
        0 => "conformant ✅\n\n",
        5 => "leak ⚠\n\n",
        4 => "not as expected ❌\n\n",
        6 if report.selected > 0 => "nothing played\n\n",
        6 => "nothing selected\n\n",
        130 | 143 => "interrupted\n\n",
        _ => "could not tell ❗\n\n",
    });
    let _infallible = writeln!(
        out,
        "{}, {}, {} of the matrix against {} ({})\n",
        plural(summary.scenarios, "scenario"),
        plural(summary.steps, "step"),
        plural(summary.cells.total(), "cell"),
        markdown_cell(report.server.software.as_deref().unwrap_or("the server")),
        markdown_cell(&report.server.profile),
    );
    if let Some(open) = open {
        let _infallible = writeln!(out, "Not played or not judged: {open}.\n");
    }
    let issues = issues::all(report);
    if !issues.is_empty() {
        out.push_str("| | where | what |\n|---|---|---|\n");
        for (at, issue) in issues.iter().enumerate() {
            if out.len() > MAX_SUMMARY / 2 {
                let _infallible = writeln!(out, "\n… and {} more", issues.len() - at);
                break;
            }
            let place = issue.place.as_ref().map(Place::shown);
            let _infallible = writeln!(
                out,
                "| {} | {} | {} |",
                issue.rule.id(),
                markdown_cell(&place.unwrap_or_default()),
                markdown_cell(&with_why(issue))
            );
        }
        out.push('\n');
    }
    overview(&mut out, report);
    for (at, scenario) in report.scenarios.iter().enumerate() {
        let text = matrix(scenario);
        if out.len() + text.len() > MAX_SUMMARY {
            let left = report.scenarios.len() - at;
            let _infallible = writeln!(out, "\n… and the matrix of {}", plural(left, "scenario"));
            break;
        }
        out.push_str(&text);
    }
    out
}

/// The message, and the entries of policies that decide, with their places.
fn with_why(issue: &Issue<'_>) -> String {
    let mut text = issue.message.clone();
    for place in &issue.related {
        if text.len() > MAX_ROW {
            text.push_str("; …");
            break;
        }
        text.push_str(&format!("; {} ({})", place.text, place.shown()));
    }
    text
}

fn overview(out: &mut String, report: &Report) {
    if report.scenarios.is_empty() {
        return;
    }
    out.push_str("| scenario | verdict | steps | cells | time |\n|---|---|--:|--:|--:|\n");
    for scenario in &report.scenarios {
        let sign = match scenario.verdict {
            Verdict::Passed => "✅",
            Verdict::Failed if scenario.leaks() => "⚠ leak,",
            Verdict::Failed => "❌",
            Verdict::Error => "❗",
            Verdict::Inconclusive => "❔",
            Verdict::Skipped => "⏭",
        };
        // Why it was not played, or what it leaves open; what is wrong stands above.
        let open = matches!(scenario.verdict, Verdict::Passed | Verdict::Skipped);
        let reason = scenario.not_offered.as_ref().or(scenario.reason.as_ref());
        let mut notes: Vec<String> = reason.filter(|_| open).into_iter().cloned().collect();
        notes.extend(unplayed::lines(scenario));
        let note = (!notes.is_empty()).then(|| format!(": {}", markdown_cell(&notes.join("; "))));
        let _infallible = writeln!(
            out,
            "| {} | {sign} {}{} | {} | {} | {} ms |",
            markdown_cell(&issues::name(scenario)),
            scenario.verdict,
            note.unwrap_or_default(),
            scenario.steps.len(),
            scenario.matrix.len(),
            scenario.duration_ms,
        );
    }
    let problems = report
        .scenarios
        .iter()
        .map(|scenario| &scenario.cleanup)
        .chain(report.states.iter().map(|state| &state.cleanup))
        .chain([&report.cleanup])
        .map(|cleanup| cleanup.problems.len())
        .sum::<usize>();
    if problems > 0 {
        let _infallible = writeln!(
            out,
            "\ncleanup: {} left behind",
            plural(problems, "resource")
        );
    }
    out.push('\n');
}

/// Actor × resource: every moment with something wrong or not as in the snapshot, or else the last.
fn matrix(scenario: &ScenarioReport) -> String {
    let grids = Grid::all(scenario);
    let is_wrong = |grid: &Grid<'_>| grid.is_news || grid.wrong().next().is_some();
    let wrong: Vec<&Grid<'_>> = grids.iter().filter(|grid| is_wrong(grid)).collect();
    let shown = if wrong.is_empty() {
        grids.last().into_iter().collect()
    } else {
        wrong
    };
    let mut out = String::new();
    for grid in shown {
        let open = if is_wrong(grid) { " open" } else { "" };
        let _infallible = writeln!(
            out,
            "<details{open}><summary>{}: who sees what {}</summary>\n",
            markdown_cell(&scenario.info.id),
            markdown_cell(&grid.moment())
        );
        out.push_str("| |");
        for column in &grid.columns {
            let _infallible = write!(out, " {} |", markdown_cell(column));
        }
        out.push_str("\n|---|");
        out.push_str(&"---|".repeat(grid.columns.len()));
        out.push('\n');
        for row in &grid.rows {
            let _infallible = write!(out, "| **{}** |", markdown_cell(row));
            for column in &grid.columns {
                let text = match grid.mark(row, column) {
                    Some(mark) => format!("{} **{}**", mark.symbol(), mark.word()),
                    None => {
                        let cell = grid.cell(row, column);
                        cell.map(|cell| mark(cell.verdict)).unwrap_or_default()
                    }
                };
                let _infallible = write!(out, " {text} |");
            }
            out.push('\n');
        }
        out.push_str("\n</details>\n\n");
    }
    out
}

fn mark(verdict: CellVerdict) -> String {
    if verdict.is_expected() {
        symbol(verdict).to_owned()
    } else {
        format!("{} **{}**", symbol(verdict), word(verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_fits_also_when_every_byte_is_escaped() {
        assert_eq!(cut("short"), "short");
        for text in ["\n".repeat(100_000), "ü%".repeat(100_000)] {
            let sent = command_message(&cut(&text));
            assert!(sent.len() <= 64 * 1024, "{}", sent.len());
            assert!(sent.ends_with("other reports"));
        }
    }
}
