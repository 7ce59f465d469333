//! Why somebody sees a resource, or does not: the entry of the policy that allows it, or comes
//! nearest to it, and where that entry stands.

use std::path::Path;

use super::event::{Cell, Problem, SightChange, StepReport};
use super::grid::Mark;
use super::model::{Report, ScenarioReport};
use crate::scenario::GIVEN;

/// A place in a file that belongs to a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: Option<usize>,
    pub(super) text: String,
}

impl Place {
    /// `policies/participant.json:5`.
    pub(super) fn shown(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        }
    }
}

/// What decides about a cell, according to the engine.
#[derive(Debug, Clone)]
pub(super) struct Why<'r> {
    /// The entry, and what it lacks where it does not allow the look.
    pub(super) text: &'r str,
    /// Whether the entry allows the look.
    pub(super) allows: bool,
    /// Where the entry stands; several where policies call themselves the same.
    pub(super) places: Vec<Place>,
}

impl<'r> Why<'r> {
    /// Why an actor sees what they must not see (`more`), or not what they must see.
    fn new(report: &Report, cell: &'r Cell, more: bool) -> Option<Self> {
        let (entry, nearest) = (cell.entry.as_deref(), cell.nearest_miss.as_deref());
        let allowed = entry.map(|text| (text, true));
        let missed = nearest.map(|text| (text, false));
        let (text, allows) = if more {
            allowed.or(missed)
        } else {
            missed.or(allowed)
        }?;
        let of_cell = |name: &str| {
            cell.policies.is_empty() || cell.policies.iter().any(|policy| policy == name)
        };
        let words = if allows {
            "allowed by"
        } else {
            "comes nearest:"
        };
        let places = report
            .policies
            .iter()
            .filter(|policy| of_cell(&policy.name))
            .filter_map(|policy| {
                Some(Place {
                    file: policy.file.clone(),
                    line: Some(policy.line_of(text)?),
                    text: format!("{words} {text}"),
                })
            })
            .collect();
        Some(Self {
            text,
            allows,
            places,
        })
    }

    /// Of a cell that is not as the scenario says.
    pub(super) fn of_mark(report: &Report, cell: &'r Cell, mark: Mark) -> Option<Self> {
        Self::new(report, cell, matches!(mark, Mark::Leak | Mark::Gained))
    }

    /// Of somebody's view that is not the one of the snapshot.
    pub(super) fn of_change(
        report: &Report,
        scenario: &'r ScenarioReport,
        change: &SightChange,
    ) -> Option<Self> {
        let cell = scenario.matrix.iter().find(|cell| {
            cell.after == change.after
                && cell.actor == change.actor
                && cell.resource == change.resource
        })?;
        Self::new(report, cell, change.is.exceeds(change.was))
    }

    /// Of all that is seen otherwise than in the snapshot, with the words of the change. What changes
    /// in the same way after several steps is told once.
    pub(super) fn of_changes(report: &Report, scenario: &'r ScenarioReport) -> Vec<(String, Self)> {
        let mut all: Vec<(String, Self)> = Vec::new();
        for change in &scenario.snapshot.changes {
            let word = match Mark::of_change(change) {
                Mark::Gained | Mark::Leak => "gained",
                Mark::Lost | Mark::Missing => "lost",
            };
            let words = format!("{} {word} {}", change.actor, change.resource);
            if let Some(why) = Self::of_change(report, scenario, change)
                && !all.iter().any(|(known, _)| *known == words)
            {
                all.push((words, why));
            }
        }
        all
    }

    /// Of what is wrong with a step: of each cell that it is about, without repetitions.
    pub(super) fn of_problem(
        report: &Report,
        scenario: &'r ScenarioReport,
        step: &StepReport,
        problem: &Problem,
    ) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for cell in cells(scenario, step, problem) {
            if let Some(why) = Self::new(report, cell, problem.leak)
                && !all.iter().any(|known| known.text == why.text)
            {
                all.push(why);
            }
        }
        all
    }

    /// The entry with its place.
    pub(super) fn sentence(&self) -> String {
        let mut text = self.text.to_owned();
        let places: Vec<String> = self.places.iter().map(Place::shown).collect();
        if !places.is_empty() {
            text.push_str(&format!(" — {}", places.join(" or ")));
        }
        text
    }

    /// The entry by its name alone, with its place: the same for all that hangs on it.
    pub(super) fn entry(&self) -> String {
        let name = self.text.split([':', '(']).next().unwrap_or(self.text);
        let mut text = name.trim_end().to_owned();
        for (at, place) in self.places.iter().enumerate() {
            text.push_str(if at == 0 { " — " } else { " or " });
            text.push_str(&place.shown());
        }
        text
    }

    /// The sentence, for those who do not know yet whether somebody sees it.
    pub(super) fn line(&self) -> String {
        let words = if self.allows {
            "allowed by"
        } else {
            "comes nearest:"
        };
        format!("{words} {}", self.sentence())
    }
}

/// Why somebody sees something otherwise than in the snapshot, for what a run left pending in this
/// file.
pub fn why_changed<'r>(report: &'r Report, pending: &Path) -> Vec<(&'r SightChange, String)> {
    let is_this = |known: &String| {
        let known = Path::new(known);
        pending.ends_with(known) || known.ends_with(pending)
    };
    let of_file =
        |scenario: &&ScenarioReport| scenario.snapshot.pending.as_ref().is_some_and(is_this);
    let Some(scenario) = report.scenarios.iter().find(of_file) else {
        return Vec::new();
    };
    let changes = scenario.snapshot.changes.iter();
    changes
        .filter_map(|change| {
            let why = Why::of_change(report, scenario, change)?;
            Some((change, why.line()))
        })
        .collect()
}

/// The cells that a problem is about: after the step, or else last before it.
pub(super) fn cells<'r>(
    scenario: &'r ScenarioReport,
    step: &StepReport,
    problem: &Problem,
) -> Vec<&'r Cell> {
    let own = scenario.steps.iter().filter(|one| !one.given);
    let mut moments = vec![GIVEN];
    for one in own {
        moments.push(&one.id);
        if one.id == step.id {
            break;
        }
    }
    problem
        .cells
        .iter()
        .filter_map(|name| {
            moments.iter().rev().find_map(|after| {
                scenario.matrix.iter().find(|cell| {
                    cell.after == *after
                        && cell.actor == name.actor
                        && cell.resource == name.resource
                })
            })
        })
        .collect()
}
