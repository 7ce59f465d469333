//! The events of a run, put in order.

use serde::{Deserialize, Serialize};

use super::event::{
    Cell, CleanupReport, Event, EventSink, Problem, ScenarioInfo, ServerInfo, SnapshotReport,
    SnapshotVerdict, StateReport, StepReport, StepVerdict, Verdict,
};
use super::places::PolicyPlaces;
use super::summary::Summary;
use crate::expect::CellVerdict;

/// A run. The same for the same happenings, whatever ran at the same time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// The id of the run.
    pub id: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// How long it took.
    pub duration_ms: u64,
    /// The server.
    pub server: ServerInfo,
    /// Sorted as in the suite.
    pub scenarios: Vec<ScenarioReport>,
    /// The states that they shared, by name.
    pub states: Vec<StateReport>,
    /// How removing what the run itself created went.
    pub cleanup: CleanupReport,
    /// Why nothing could run, and what to try.
    pub aborted: Option<(String, String)>,
    /// Whether somebody stopped it.
    pub interrupted: bool,
    /// Whether it was SIGTERM that stopped it.
    pub terminated: bool,
    /// Snapshot files without a scenario.
    pub obsolete: Vec<String>,
    /// Whether warnings count.
    pub ci: bool,
    /// How many scenarios were selected.
    pub selected: usize,
    /// The policies in use, and where their entries stand.
    pub policies: Vec<PolicyPlaces>,
}

/// A scenario of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScenarioReport {
    /// Which.
    #[serde(flatten)]
    pub info: ScenarioInfo,
    /// How it ended.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
    /// Its steps.
    pub steps: Vec<StepReport>,
    /// Its cells.
    pub matrix: Vec<Cell>,
    /// What the snapshot says.
    pub snapshot: SnapshotReport,
    /// How cleaning up went.
    pub cleanup: CleanupReport,
    /// Why the server does not offer what it needs; then it is skipped, and nothing is wrong.
    pub not_offered: Option<String>,
}

impl ScenarioReport {
    /// Whether somebody got what they must not get.
    pub fn leaks(&self) -> bool {
        self.snapshot.widening
            || self.problems().any(|(_, problem)| problem.leak)
            || self
                .matrix
                .iter()
                .any(|cell| cell.verdict == CellVerdict::UnexpectedAllow)
    }

    /// The problems of the steps, with their steps.
    pub fn problems(&self) -> impl Iterator<Item = (&StepReport, &Problem)> {
        self.steps
            .iter()
            .flat_map(|step| step.problems.iter().map(move |problem| (step, problem)))
    }

    /// Whether some steps of its flow were not played, or not judged.
    pub fn is_partly_played(&self) -> bool {
        self.steps.iter().any(|step| {
            !step.given && matches!(step.verdict, StepVerdict::Skipped | StepVerdict::Blocked)
        })
    }

    /// Whether there is something that nobody can tell.
    pub fn has_errors(&self) -> bool {
        matches!(self.verdict, Verdict::Error | Verdict::Inconclusive)
            || self
                .steps
                .iter()
                .any(|step| step.verdict == StepVerdict::Error)
            || self.matrix.iter().any(|cell| {
                matches!(
                    cell.verdict,
                    CellVerdict::Error | CellVerdict::Skipped | CellVerdict::Inconclusive
                )
            })
    }
}

impl Report {
    /// From all the events of a run.
    pub fn of(events: &[Event]) -> Self {
        let mut report = Self::default();
        for event in events {
            report.event(event);
        }
        report
    }

    /// The numbers.
    pub fn summary(&self) -> Summary {
        Summary::of(self)
    }

    fn scenario(&mut self, id: &str) -> Option<&mut ScenarioReport> {
        self.scenarios
            .iter_mut()
            .find(|scenario| scenario.info.id == id)
    }
}

impl EventSink for Report {
    fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted {
                id,
                started,
                scenarios,
                server,
            } => {
                self.id.clone_from(id);
                self.started.clone_from(started);
                self.server.clone_from(server);
                self.selected = *scenarios;
            }
            Event::ServerFound { software } => self.server.software.clone_from(software),
            Event::PolicyRead(policy) => self.policies.push(policy.clone()),
            // What begins adds nothing that its end does not say.
            Event::StepStarted { .. }
            | Event::StateStarted { .. }
            | Event::CleanupStarted { .. } => {}
            Event::StateFinished(state) => {
                let at = self
                    .states
                    .partition_point(|known| known.state < state.state);
                self.states.insert(at, state.clone());
            }
            Event::StateRemoved { state, cleanup } => {
                let mut known = self.states.iter_mut();
                if let Some(known) = known.find(|known| known.state == *state) {
                    known.cleanup = cleanup.clone();
                }
            }
            Event::RunAborted { reason, help } => {
                self.aborted = Some((reason.clone(), help.clone()));
            }
            Event::ScenarioStarted(info) => {
                let at = self
                    .scenarios
                    .partition_point(|scenario| scenario.info.index < info.index);
                self.scenarios.insert(
                    at,
                    ScenarioReport {
                        info: info.clone(),
                        verdict: Verdict::Skipped,
                        reason: None,
                        duration_ms: 0,
                        steps: Vec::new(),
                        matrix: Vec::new(),
                        snapshot: SnapshotReport::of(SnapshotVerdict::NotCompared),
                        cleanup: CleanupReport::default(),
                        not_offered: None,
                    },
                );
            }
            Event::StepFinished { scenario, step } => {
                if let Some(scenario) = self.scenario(scenario) {
                    scenario.steps.push(step.clone());
                }
            }
            Event::NotOffered { scenario, reason } => {
                if let Some(scenario) = self.scenario(scenario) {
                    scenario.not_offered = Some(reason.clone());
                }
            }
            Event::MatrixObserved {
                scenario, cells, ..
            } => {
                if let Some(scenario) = self.scenario(scenario) {
                    scenario.matrix.extend(cells.iter().cloned());
                }
            }
            Event::CleanedUp { scenario, cleanup } => match scenario {
                None => self.cleanup = cleanup.clone(),
                Some(scenario) => {
                    if let Some(scenario) = self.scenario(scenario) {
                        scenario.cleanup = cleanup.clone();
                    }
                }
            },
            Event::ScenarioFinished {
                scenario,
                verdict,
                reason,
                duration_ms,
                snapshot,
            } => {
                if let Some(scenario) = self.scenario(scenario) {
                    scenario.verdict = *verdict;
                    scenario.reason.clone_from(reason);
                    scenario.duration_ms = *duration_ms;
                    scenario.snapshot = snapshot.clone();
                }
            }
            Event::RunFinished {
                duration_ms,
                interrupted,
                terminated,
                obsolete,
                ci,
            } => {
                self.duration_ms = *duration_ms;
                self.interrupted = *interrupted;
                self.terminated = *terminated;
                self.obsolete.clone_from(obsolete);
                self.ci = *ci;
            }
        }
    }
}
