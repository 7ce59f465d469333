//! The cells of one moment as rows and columns, and what each of them shows.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Cell, SightChange, StepReport, StepVerdict};
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
    marks: BTreeMap<(&'r str, &'r str), Mark>,
    /// Whether something is not as it should be that was not so at an earlier moment.
    pub(super) is_news: bool,
}

/// What is wrong with a cell that is as the engine says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// The scenario says that it must be hidden.
    Leak,
    /// The scenario says that it must be seen.
    Missing,
    /// It was hidden in the snapshot.
    Gained,
    /// It was seen in the snapshot.
    Lost,
}

impl Mark {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Leak | Self::Gained => "⚠",
            Self::Missing | Self::Lost => "✗",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Leak => "LEAK",
            Self::Missing => "MISSING",
            Self::Gained => "GAINED",
            Self::Lost => "LOST",
        }
    }

    /// Against the snapshot.
    pub(super) fn of_change(change: &SightChange) -> Self {
        if change.is.exceeds(change.was) {
            Self::Gained
        } else {
            Self::Lost
        }
    }

    /// Whether it is about what the scenario says, and not about the snapshot.
    pub(super) fn is_of_scenario(self) -> bool {
        matches!(self, Self::Leak | Self::Missing)
    }
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
                    marks: BTreeMap::new(),
                    is_news: false,
                });
            }
            if let Some(grid) = grids.get_mut(at) {
                grid.add(cell);
            }
        }
        let mut known = BTreeSet::new();
        for grid in &mut grids {
            grid.mark_all(scenario);
            for ((actor, resource), cell) in &grid.cells {
                let mark = grid.marks.get(&(*actor, *resource)).copied();
                let verdict = Some(cell.verdict).filter(|verdict| verdict.is_wrong());
                if mark.is_some() || verdict.is_some() {
                    grid.is_news |= known.insert((*actor, *resource, mark, verdict));
                }
            }
        }
        grids
    }

    /// The marks of the cells: what the scenario says of them counts for more than the snapshot.
    fn mark_all(&mut self, scenario: &'r ScenarioReport) {
        for change in &scenario.snapshot.changes {
            if change.after == self.after {
                let key = (change.actor.as_str(), change.resource.as_str());
                self.marks.insert(key, Mark::of_change(change));
            }
        }
        let Some(step) = step_of(scenario, self.after) else {
            return;
        };
        for problem in &step.problems {
            for name in &problem.cells {
                let key = (name.actor.as_str(), name.resource.as_str());
                let Some(cell) = self.cells.get(&key) else {
                    continue;
                };
                let seen = cell.read.seen() == Some(true) && cell.search.seen() == Some(true);
                if problem.leak {
                    self.marks.insert(key, Mark::Leak);
                } else if !seen && step.verdict == StepVerdict::Failed {
                    self.marks.insert(key, Mark::Missing);
                }
            }
        }
    }

    /// What is wrong with a cell that is as the engine says. Of one that is not, its verdict says
    /// it.
    pub(super) fn mark(&self, actor: &str, resource: &str) -> Option<Mark> {
        let cell = self.cell(actor, resource)?;
        let mark = self.marks.get(&(actor, resource)).copied();
        mark.filter(|_| !cell.verdict.is_wrong())
    }

    /// The cells with what the scenario says against them.
    pub(super) fn against_the_scenario(&self) -> impl Iterator<Item = (&'r Cell, Mark)> {
        self.rows.iter().flat_map(|row| {
            self.columns.iter().filter_map(|column| {
                let mark = self.mark(row, column).filter(|m| m.is_of_scenario())?;
                Some((self.cell(row, column)?, mark))
            })
        })
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
