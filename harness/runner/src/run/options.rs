//! How to run.

use std::sync::Arc;

use fhirward_engine::semantics::Semantics;
use tokio::sync::watch;

use crate::client::Limits;
use crate::expect::AcceptedDeparture;
use crate::scenario::Scenario;

/// How many scenarios run at the same time, unless told otherwise.
pub const DEFAULT_JOBS: usize = 4;

/// How to run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Pieces of `page/scenario`; a scenario that has any of them runs. Empty: all run.
    pub filter: Vec<String>,
    /// How many scenarios run at the same time.
    pub jobs: usize,
    /// How long to wait and how much to take.
    pub limits: Limits,
    /// What to do with snapshots.
    pub snapshots: SnapshotMode,
    /// Whether this is a CI job: nothing is written, and warnings count.
    pub ci: bool,
    /// What the server is held to.
    pub expectation: Expectation,
    /// Stops the run.
    pub cancel: Cancel,
}

/// What the server is held to.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// What the policies mean: their promise, R4 search, or what a server of a version makes of
    /// them.
    pub semantics: Semantics,
    /// The kind of server whose known departures are named where it does not answer so.
    pub known: Option<Semantics>,
    /// The departures that the run accepts.
    pub accepted: Vec<AcceptedDeparture>,
}

impl Default for Expectation {
    fn default() -> Self {
        Self {
            semantics: Semantics::Documented,
            known: None,
            accepted: Vec::new(),
        }
    }
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            filter: Vec::new(),
            jobs: DEFAULT_JOBS,
            limits: Limits::default(),
            snapshots: SnapshotMode::Compare,
            ci: false,
            expectation: Expectation::default(),
            cancel: Cancel::default(),
        }
    }
}

impl RunOptions {
    /// Whether a scenario runs.
    pub fn selects(&self, scenario: &Scenario) -> bool {
        let name = format!("{}/{}", scenario.page, scenario.id);
        self.filter.is_empty() || self.filter.iter().any(|piece| name.contains(piece))
    }

    /// Whether a pending snapshot may be written.
    pub(crate) fn writes(&self) -> bool {
        !self.ci && self.snapshots == SnapshotMode::Compare
    }
}

/// What to do with snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SnapshotMode {
    /// Compare, and write what differs beside it as pending.
    Compare,
    /// Compare, and write nothing.
    CompareOnly,
    /// Do not look at them.
    Off,
}

/// How a run is stopped.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    by: Option<Stopped>,
    /// Whether what was created stays.
    abandoned: bool,
}

/// Who stopped a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    /// A person, by Ctrl-C.
    Interrupted,
    /// A supervisor, by SIGTERM.
    Terminated,
}

/// Stops a run between two requests; what was created is still removed. Clones stop together.
#[derive(Debug, Clone)]
pub struct Cancel {
    state: Arc<watch::Sender<State>>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(State::default())),
        }
    }
}

impl Cancel {
    /// Stops, as Ctrl-C does.
    pub fn cancel(&self) {
        self.stop(Stopped::Interrupted);
    }

    /// Stops, as SIGTERM does.
    pub fn terminate(&self) {
        self.stop(Stopped::Terminated);
    }

    fn stop(&self, by: Stopped) {
        self.state.send_modify(|state| state.by = Some(by));
    }

    /// Ends at once, after a stop or without: nothing is waited for, and nothing is removed any
    /// more.
    pub fn abandon(&self) {
        self.state.send_modify(|state| {
            state.by.get_or_insert(Stopped::Interrupted);
            state.abandoned = true;
        });
    }

    /// Whether it is stopped.
    pub fn is_cancelled(&self) -> bool {
        self.state.borrow().by.is_some()
    }

    /// Whether it is stopped by SIGTERM.
    pub fn is_terminated(&self) -> bool {
        self.state.borrow().by == Some(Stopped::Terminated)
    }

    /// Waits until it is stopped.
    pub async fn cancelled(&self) {
        let mut receiver = self.state.subscribe();
        // The sender is in `self`, so there is no other end than a stop.
        drop(receiver.wait_for(|state| state.by.is_some()).await);
    }

    /// Waits until it is abandoned.
    pub async fn abandoned(&self) {
        let mut receiver = self.state.subscribe();
        drop(receiver.wait_for(|state| state.abandoned).await);
    }
}
