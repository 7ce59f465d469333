//! What is told of a run that somebody stops: what is left behind, and how it is removed.

use super::options::Cancel;
use crate::report::{CleanupReport, Event, SnapshotReport, SnapshotVerdict, Verdict};

/// What was told so far, as far as its end depends on it.
#[derive(Debug)]
pub(super) struct Told {
    run: String,
    /// Scenarios that have begun and not ended.
    open: Vec<String>,
    leaves: bool,
}

impl Told {
    pub(super) fn new(run: &str) -> Self {
        Self {
            run: run.to_owned(),
            open: Vec::new(),
            leaves: false,
        }
    }

    /// The event, with what only the whole run knows.
    pub(super) fn complete(&mut self, mut event: Event, cancel: &Cancel) -> Event {
        match &mut event {
            Event::ScenarioStarted(info) => self.open.push(info.id.clone()),
            Event::ScenarioFinished { scenario, .. } => self.open.retain(|open| open != scenario),
            Event::StateRemoved { cleanup, .. } => self.leaves |= !cleanup.problems.is_empty(),
            Event::CleanedUp { scenario, cleanup } => {
                self.leaves |= !cleanup.problems.is_empty();
                if scenario.is_none() && self.leaves && cancel.is_cancelled() {
                    cleanup.problems.push(self.way_out());
                }
            }
            _ => {}
        }
        event
    }

    fn way_out(&self) -> String {
        format!(
            "the run was stopped and left something behind; `fhirward clean --run {}` removes it",
            self.run
        )
    }

    /// The end of a run that nobody waits for.
    pub(super) fn abandoned(self) -> Vec<Event> {
        let mut events: Vec<Event> = self
            .open
            .iter()
            .map(|scenario| Event::ScenarioFinished {
                scenario: scenario.clone(),
                verdict: Verdict::Skipped,
                reason: Some("interrupted".to_owned()),
                duration_ms: 0,
                snapshot: SnapshotReport::of(SnapshotVerdict::NotCompared),
            })
            .collect();
        events.push(Event::CleanedUp {
            scenario: None,
            cleanup: CleanupReport {
                deleted: 0,
                problems: vec![self.way_out()],
            },
        });
        events
    }
}
