//! The numbers of a run, and how the process should end.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::event::Verdict;
use super::model::Report;
use crate::expect::CellVerdict;

/// From this share of hidden cells on, a run proves little: perhaps nobody was let in at all.
const MOSTLY_HIDDEN: f64 = 0.9;
/// Fewer cells than this say nothing about shares.
const FEW_CELLS: usize = 20;

/// The numbers of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Scenarios that were selected.
    pub scenarios: usize,
    /// Of them, passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Could not tell.
    pub error: usize,
    /// Not played.
    pub skipped: usize,
    /// Proved nothing.
    pub inconclusive: usize,
    /// Cells by verdict.
    pub cells: CellCounts,
    /// Scenarios in which somebody got what they must not get.
    pub leaks: usize,
    /// Steps, those of given states included.
    pub steps: usize,
    /// Doubts about the run as a whole.
    pub warnings: Vec<String>,
    /// How the process should end.
    pub exit_code: u8,
}

impl Summary {
    /// How the scenarios ended, in words: `3 passed, 1 failed`. Empty where there were none.
    pub fn endings(&self) -> String {
        let counts = [
            (self.passed, "passed"),
            (self.failed, "failed"),
            (self.error, "error"),
            (self.inconclusive, "inconclusive"),
            (self.skipped, "skipped"),
        ];
        let told = counts.iter().filter(|(count, _)| *count > 0);
        let told: Vec<String> = told
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        told.join(", ")
    }
}

/// Cells by verdict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CellCounts {
    counts: [usize; CellVerdict::ALL.len()],
}

impl CellCounts {
    /// How many have this verdict.
    pub fn get(&self, verdict: CellVerdict) -> usize {
        CellVerdict::ALL
            .iter()
            .zip(&self.counts)
            .find(|(known, _)| **known == verdict)
            .map_or(0, |(_, count)| *count)
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    fn add(&mut self, verdict: CellVerdict) {
        for (known, count) in CellVerdict::ALL.iter().zip(&mut self.counts) {
            if *known == verdict {
                *count += 1;
            }
        }
    }
}

impl Serialize for CellCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.counts.len()))?;
        for (verdict, count) in CellVerdict::ALL.iter().zip(&self.counts) {
            map.serialize_entry(verdict.word(), count)?;
        }
        map.end()
    }
}

impl Summary {
    pub(super) fn of(report: &Report) -> Self {
        let with = |verdict| {
            report
                .scenarios
                .iter()
                .filter(|scenario| scenario.verdict == verdict)
                .count()
        };
        let mut cells = CellCounts::default();
        for cell in report.scenarios.iter().flat_map(|s| &s.matrix) {
            cells.add(cell.verdict);
        }
        let mut summary = Self {
            scenarios: report.selected,
            passed: with(Verdict::Passed),
            failed: with(Verdict::Failed),
            error: with(Verdict::Error),
            skipped: with(Verdict::Skipped)
                + report.selected.saturating_sub(report.scenarios.len()),
            inconclusive: with(Verdict::Inconclusive),
            leaks: report.scenarios.iter().filter(|s| s.leaks()).count(),
            steps: report
                .scenarios
                .iter()
                .map(|s| s.steps.len())
                .sum::<usize>()
                + report.states.iter().map(|s| s.steps.len()).sum::<usize>(),
            warnings: warnings(&cells),
            cells,
            exit_code: 0,
        };
        summary.exit_code = summary.worst(report);
        summary
    }

    /// How the process should end: 130 or 143 stopped, 6 nothing selected, else the worst of 5 leak,
    /// 4 not as expected, 3 could not tell.
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }

    fn worst(&self, report: &Report) -> u8 {
        let could_not_tell = report.aborted.is_some()
            || self.error > 0
            || self.inconclusive > 0
            || report.scenarios.iter().any(|s| s.has_errors())
            || (report.ci && !self.warnings.is_empty());
        if self.leaks > 0 {
            5
        } else if report.terminated {
            143
        } else if report.interrupted {
            130
        } else if self.failed > 0 || !report.obsolete.is_empty() {
            4
        } else if could_not_tell || self.skipped > not_offered(report) {
            3
        } else if self.scenarios > 0 && self.scenarios == self.skipped {
            // Nothing was played, and so nothing is proved.
            6
        } else if self.scenarios == 0 {
            6
        } else {
            0
        }
    }
}

/// Scenarios that are skipped rightly: the server does not offer what they need.
fn not_offered(report: &Report) -> usize {
    let scenarios = report.scenarios.iter();
    scenarios.filter(|s| s.not_offered.is_some()).count()
}

fn warnings(cells: &CellCounts) -> Vec<String> {
    let mut warnings = Vec::new();
    let hidden = cells.get(CellVerdict::ExpectedDeny) + cells.get(CellVerdict::UnexpectedDeny);
    let seen = cells.get(CellVerdict::ExpectedAllow) + cells.get(CellVerdict::UnexpectedAllow);
    let known = hidden + seen;
    if cells.total() > 0 && known == 0 {
        warnings.push("no cell of the matrix could be judged".to_owned());
    } else if known > 0 && seen == 0 {
        warnings.push("nobody saw anything: are the actors signed in at all?".to_owned());
    } else if known >= FEW_CELLS && share(hidden, known) >= MOSTLY_HIDDEN {
        warnings.push(format!(
            "{hidden} of {known} cells are hidden: a server that refuses everything looks the same"
        ));
    }
    warnings
}

fn share(part: usize, whole: usize) -> f64 {
    // Counts of cells are far below the precision of a double.
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    number(part) / number(whole)
}
