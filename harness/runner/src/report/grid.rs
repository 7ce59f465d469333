//! The cells of one moment as rows and columns, and what each of them shows.

use std::collections::BTreeMap;

use super::event::{Cell, StepReport};
use super::model::ScenarioReport;
use crate::expect::CellVerdict;
use crate::scenario::GIVEN;

/// Everybody's look at everything, at one moment of a scenario.
#[derive(Debug)]
pub(super) struct Grid<'r> {
    /// The step after which they looked, or `given`.
    pub(super) after: &'r str,
    /// The actors, in order.
    pub(super) rows: Vec<&'r str>,
    /// The resources, in order.
    pub(super) columns: Vec<&'r str>,
    cells: BTreeMap<(&'r str, &'r str), &'r Cell>,
}

impl<'r> Grid<'r> {
    /// The moments of a scenario, in order.
    pub(super) fn all(scenario: &'r ScenarioReport) -> Vec<Self> {
        let mut grids: Vec<Self> = Vec::new();
        for cell in &scenario.matrix {
            let known = grids.iter().position(|grid| grid.after == cell.after);
            let at = known.unwrap_or(grids.len());
            if known.is_none() {
                grids.push(Self {
                    after: &cell.after,
                    rows: Vec::new(),
                    columns: Vec::new(),
                    cells: BTreeMap::new(),
                });
            }
            if let Some(grid) = grids.get_mut(at) {
                grid.add(cell);
            }
        }
        grids
    }

    fn add(&mut self, cell: &'r Cell) {
        let (actor, resource) = (cell.actor.as_str(), cell.resource.as_str());
        if !self.rows.contains(&actor) {
            self.rows.push(actor);
        }
        if !self.columns.contains(&resource) {
            self.columns.push(resource);
        }
        self.cells.insert((actor, resource), cell);
    }

    /// What one actor saw of one resource.
    pub(super) fn cell(&self, actor: &str, resource: &str) -> Option<&'r Cell> {
        self.cells.get(&(actor, resource)).copied()
    }

    /// The cells that are not as expected, by row.
    pub(super) fn wrong(&self) -> impl Iterator<Item = &'r Cell> {
        self.rows.iter().flat_map(|row| {
            self.columns
                .iter()
                .filter_map(|column| self.cell(row, column))
                .filter(|cell| cell.verdict.is_wrong())
        })
    }

    /// `in the given state`, `after step remove-jackie`.
    pub(super) fn moment(&self) -> String {
        moment(self.after)
    }
}

/// `in the given state`, `after step remove-jackie`.
pub(super) fn moment(after: &str) -> String {
    if after == GIVEN {
        "in the given state".to_owned()
    } else {
        format!("after step {after}")
    }
}

/// What a cell shows: never by colour alone.
pub(super) fn symbol(verdict: CellVerdict) -> &'static str {
    match verdict {
        CellVerdict::ExpectedAllow => "✓",
        CellVerdict::ExpectedDeny => "–",
        CellVerdict::UnexpectedAllow => "⚠",
        CellVerdict::UnexpectedDeny => "✗",
        CellVerdict::Departure => "≈",
        CellVerdict::Error => "!",
        CellVerdict::Skipped => "○",
        CellVerdict::Inconclusive => "?",
    }
}

/// The same as a word.
pub(super) fn word(verdict: CellVerdict) -> &'static str {
    match verdict {
        CellVerdict::ExpectedAllow => "sees",
        CellVerdict::ExpectedDeny => "hidden",
        CellVerdict::UnexpectedAllow => "LEAK",
        CellVerdict::UnexpectedDeny => "MISSING",
        CellVerdict::Departure => "KNOWN",
        CellVerdict::Error => "error",
        CellVerdict::Skipped => "skipped",
        CellVerdict::Inconclusive => "unproved",
    }
}

/// Where a moment stands in the files: at its step, or, for the given state, at the scenario.
pub(super) fn place<'r>(scenario: &'r ScenarioReport, after: &str) -> (&'r str, usize) {
    step_of(scenario, after).map_or((scenario.info.file.as_str(), 1), |step| {
        (step.file.as_str(), step.line)
    })
}

/// The step of the scenario itself with this id.
pub(super) fn step_of<'r>(scenario: &'r ScenarioReport, id: &str) -> Option<&'r StepReport> {
    scenario
        .steps
        .iter()
        .find(|step| step.id == id && !step.given)
}
