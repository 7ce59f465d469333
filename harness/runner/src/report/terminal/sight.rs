//! Who sees what, as tables: where it is not as it should be.

use std::fmt::Write as _;

use super::super::event::{Cell, SightChange};
use super::super::grid::{self, Grid, Mark};
use super::super::issues;
use super::super::model::{Report, ScenarioReport};
use super::super::why::{Place, Why};
use super::{Style, line};
use crate::expect::{CellVerdict, Difference, Observed};

fn is_wrong(cell: &Cell) -> bool {
    cell.verdict.is_wrong()
}

/// The matrices with a wrong cell. What goes wrong in the same way after several steps is shown
/// and explained the first time.
pub(super) fn matrices(out: &mut String, report: &Report, scenario: &ScenarioReport, style: Style) {
    let mut shown: Vec<(&str, &str, CellVerdict)> = Vec::new();
    let mut told: Vec<(&str, &str, Mark)> = Vec::new();
    let mut again: Vec<&str> = Vec::new();
    for grid in Grid::all(scenario) {
        let wrong: Vec<&Cell> = grid.wrong().collect();
        let of_here = |change: &&SightChange| change.after == grid.after;
        // What the snapshot says otherwise too stands in the matrix of the changes.
        let against: Vec<(&Cell, Mark)> = grid
            .against_the_scenario()
            .filter(|(cell, _)| {
                let same = |c: &SightChange| c.actor == cell.actor && c.resource == cell.resource;
                !scenario.snapshot.changes.iter().filter(of_here).any(same)
            })
            .collect();
        if wrong.is_empty() && against.is_empty() {
            continue;
        }
        let is_new = |cell: &Cell| !shown.contains(&key(cell));
        let new: Vec<&Cell> = wrong.iter().copied().filter(|cell| is_new(cell)).collect();
        let marked = |(cell, mark): &(&Cell, Mark)| {
            !told.contains(&(cell.actor.as_str(), cell.resource.as_str(), *mark))
        };
        if new.is_empty() && !against.iter().any(marked) {
            again.push(grid.after);
            continue;
        }
        line(out, &format!("  who sees what {}:", grid.moment()));
        let cells: Vec<&Cell> = scenario
            .matrix
            .iter()
            .filter(|cell| cell.after == grid.after)
            .collect();
        table(out, &cells, style, &|cell| {
            let mark = against.iter().find(|(known, _)| *known == cell);
            match mark {
                Some((_, mark)) => (format!("{} {}", seen(cell), mark.word()), true),
                None => (symbol(cell), is_wrong(cell)),
            }
        });
        for (cell, mark) in against {
            told.push((&cell.actor, &cell.resource, mark));
        }
        for cell in new {
            shown.push(key(cell));
            explain(out, report, cell, style);
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
type Shown<'m> = dyn Fn(&Cell) -> (String, bool) + 'm;

fn table(out: &mut String, cells: &[&Cell], style: Style, mark: &Shown<'_>) {
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

/// Through which ways it was seen.
fn seen(cell: &Cell) -> &'static str {
    match (cell.read.seen(), cell.search.seen()) {
        (Some(true), Some(true)) => "yes",
        (Some(true), _) => "by id",
        (_, Some(true)) => "by search",
        (Some(false), Some(false)) => "-",
        _ => "?",
    }
}

/// What was seen; a wrong cell has a mark.
fn symbol(cell: &Cell) -> String {
    let seen = seen(cell);
    match cell.verdict {
        CellVerdict::ExpectedAllow | CellVerdict::ExpectedDeny => seen.to_owned(),
        CellVerdict::UnexpectedAllow => format!("{seen} LEAK"),
        CellVerdict::UnexpectedDeny => format!("{seen} MISSING"),
        CellVerdict::Departure => format!("{seen} KNOWN"),
        CellVerdict::Error | CellVerdict::Skipped | CellVerdict::Inconclusive => "?".to_owned(),
    }
}

fn explain(out: &mut String, report: &Report, cell: &Cell, style: Style) {
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
    let policies: Vec<String> = issues::policies(report, cell)
        .iter()
        .map(Place::shown)
        .collect();
    if !policies.is_empty() {
        line(out, &format!("      policy: {}", policies.join(", ")));
    }
    for text in cell.explanation.iter().flat_map(|text| text.lines()) {
        line(out, format!("      | {text}").trim_end());
    }
}

/// The line of the snapshot's differences that says the same.
pub(super) fn text(change: &SightChange) -> String {
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
pub(super) fn changes(out: &mut String, report: &Report, scenario: &ScenarioReport, style: Style) {
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
        moment(out, (report, scenario), after, &here, &new, style);
        told.extend(new);
    }
    if !again.is_empty() {
        line(out, &format!("    and the same after {}", again.join(", ")));
    }
}

fn moment(
    out: &mut String,
    (report, scenario): (&Report, &ScenarioReport),
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
    let place = grid::moment(after);
    if !there.is_empty() {
        line(
            out,
            &format!("    who sees what {place}, and who did in the snapshot:"),
        );
        table(out, &cells, style, &|cell| match of(cell) {
            Some(change) => (Mark::of_change(change).word().to_owned(), true),
            None => (symbol(cell), false),
        });
        for change in &there {
            let word = if change.is.exceeds(change.was) {
                "gained"
            } else {
                "lost"
            };
            let why = Why::of_change(report, scenario, change)
                .map(|why| format!(": {}", why.sentence()))
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
