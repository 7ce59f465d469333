//! What happens in a run, as it happens.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::places::PolicyPlaces;
use crate::expect::against::Seen;
use crate::expect::{CellVerdict, KnownDeparture, Observed, Sight};

/// Takes events. Called in the order in which things happen; scenarios that run at the same time
/// take turns.
pub trait EventSink: Send {
    /// Something happened.
    fn event(&mut self, event: &Event);
}

impl<F: FnMut(&Event) + Send> EventSink for F {
    fn event(&mut self, event: &Event) {
        self(event);
    }
}

/// Something that happened. Holds no token, no secret and no body. What begins says only what it
/// is; what came of it stands in the event of its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The run begins.
    RunStarted {
        /// Its id, which is in the names of what it creates.
        id: String,
        /// RFC 3339, UTC.
        started: String,
        /// How many scenarios will run.
        scenarios: usize,
        /// The server.
        server: ServerInfo,
    },
    /// The server is there, and says what it is.
    ServerFound {
        /// Name and version, where it says them.
        software: Option<String>,
    },
    /// A policy of the suite that the run uses, and where its entries stand.
    PolicyRead(PolicyPlaces),
    /// No scenario can run.
    RunAborted {
        /// Why.
        reason: String,
        /// What to try.
        help: String,
    },
    /// A state that scenarios share is being built.
    StateStarted {
        /// The state.
        state: String,
    },
    /// A state that scenarios share is there, or could not be built.
    StateFinished(StateReport),
    /// A state was removed, after the last scenario that shared it.
    StateRemoved {
        /// The state.
        state: String,
        /// How it went.
        cleanup: CleanupReport,
    },
    /// A scenario begins.
    ScenarioStarted(ScenarioInfo),
    /// A scenario is not played, because the server, or the file of its actors, does not offer what
    /// it needs. Nothing is wrong.
    NotOffered {
        /// The scenario.
        scenario: String,
        /// What, and who says so.
        reason: String,
    },
    /// A step begins.
    StepStarted {
        /// The scenario.
        scenario: String,
        /// The step.
        step: String,
        /// Who.
        #[serde(rename = "as")]
        actor: String,
        /// What.
        verb: Cow<'static, str>,
    },
    /// A step is done.
    StepFinished {
        /// The scenario.
        scenario: String,
        /// The step.
        step: StepReport,
    },
    /// Everybody has looked at everything.
    MatrixObserved {
        /// The scenario.
        scenario: String,
        /// The step, or `given`.
        after: String,
        /// One for each actor and resource.
        cells: Vec<Cell>,
    },
    /// What was created is about to be removed.
    CleanupStarted {
        /// The scenario; none for what the run itself created.
        scenario: Option<String>,
    },
    /// What was created is removed.
    CleanedUp {
        /// The scenario; none for what the run itself created.
        scenario: Option<String>,
        /// How it went.
        cleanup: CleanupReport,
    },
    /// A scenario is over.
    ScenarioFinished {
        /// The scenario.
        scenario: String,
        /// How it ended.
        verdict: Verdict,
        /// Why, in one line.
        reason: Option<String>,
        /// How long it took, cleanup included.
        duration_ms: u64,
        /// What the snapshot says.
        snapshot: SnapshotReport,
    },
    /// The run is over.
    RunFinished {
        /// How long it took.
        duration_ms: u64,
        /// Whether somebody stopped it.
        interrupted: bool,
        /// Whether it was SIGTERM that stopped it.
        terminated: bool,
        /// Snapshot files without a scenario.
        obsolete: Vec<String>,
        /// Whether warnings count.
        ci: bool,
    },
}

/// The server of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// The FHIR base.
    pub url: String,
    /// What its CapabilityStatement calls it.
    pub software: Option<String>,
    /// The server profile.
    pub profile: String,
}

/// A scenario, before it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioInfo {
    /// Its place in the order of reports, from 0.
    pub index: usize,
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
    /// The page.
    pub page: String,
    /// The file.
    pub file: String,
    /// How many steps it has, those of its state included where it builds that for itself.
    pub planned_steps: usize,
}

/// How a scenario ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As the scenario, the policies and the snapshot say.
    Passed,
    /// Not played.
    Skipped,
    /// Nothing is proved: the admin could not see the resources either.
    Inconclusive,
    /// Nobody can tell.
    Error,
    /// The server did something else.
    Failed,
}

impl Verdict {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepVerdict {
    /// As expected.
    Passed,
    /// The server did something else.
    Failed,
    /// No usable answer.
    Error,
    /// An answer that proves nothing: there is more of it than the run reads.
    Inconclusive,
    /// Something that it needs does not exist.
    Blocked,
    /// The scenario ended before it.
    Skipped,
}

impl fmt::Display for StepVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Inconclusive => "inconclusive",
            Self::Blocked => "blocked",
            Self::Skipped => "skipped",
        })
    }
}

/// A state that scenarios share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateReport {
    /// Its name.
    pub state: String,
    /// The file.
    pub file: String,
    /// The scenarios that share it.
    pub scenarios: Vec<String>,
    /// Why it could not be built; then none of them was played.
    pub reason: Option<String>,
    /// How long building it took.
    pub duration_ms: u64,
    /// The steps that built it.
    pub steps: Vec<StepReport>,
    /// How removing it went.
    pub cleanup: CleanupReport,
}

/// A step, done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// Its id.
    pub id: String,
    /// Whether it belongs to the given state.
    pub given: bool,
    /// Its title.
    pub title: Option<String>,
    /// Who.
    #[serde(rename = "as")]
    pub actor: String,
    /// What.
    pub verb: Cow<'static, str>,
    /// To what, as written in the file.
    pub target: String,
    /// The file it stands in.
    pub file: String,
    /// The line it begins at.
    pub line: usize,
    /// How it ended.
    pub verdict: StepVerdict,
    /// The status of the answer.
    pub status: Option<u16>,
    /// What came of it, in a few words: `404 not-found`, `1 of 2 succeeded`.
    pub outcome: Option<String>,
    /// Whether it only found something out, and cannot fail.
    pub probe: bool,
    /// How often it was looked at: more than once with `eventually` and `throughout`.
    pub looks: usize,
    /// How long the request took.
    pub duration_ms: u64,
    /// Why each earlier try came to nothing, where the request was sent again.
    #[serde(default)]
    pub retries: Vec<String>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// In one line.
    pub message: String,
    /// What to try.
    pub help: Option<String>,
    /// Whether somebody got what they must not get.
    pub leak: bool,
    /// The cells that it is about, as everybody looked at them after the step, or last before it.
    #[serde(default)]
    pub cells: Vec<CellName>,
    /// Whether it only adds to another problem of the step, and is none by itself.
    #[serde(default)]
    pub remark: bool,
}

/// A cell of a matrix, by its row and column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellName {
    /// Who.
    pub actor: String,
    /// What, by its alias.
    pub resource: String,
}

impl Problem {
    /// A mismatch.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
            leak: false,
            cells: Vec::new(),
            remark: false,
        }
    }

    /// Somebody got what they must not get.
    pub fn leak(message: impl Into<String>) -> Self {
        Self {
            leak: true,
            ..Self::new(message)
        }
    }

    /// What is to be known beside another problem of the step.
    pub fn remark(message: impl Into<String>) -> Self {
        Self {
            remark: true,
            ..Self::new(message)
        }
    }

    /// About what an actor sees of a resource.
    #[must_use]
    pub fn about(mut self, actor: &str, resource: &str) -> Self {
        self.cells.push(CellName {
            actor: actor.to_owned(),
            resource: resource.to_owned(),
        });
        self
    }

    /// With advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// One actor and one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The step, or `given`.
    pub after: String,
    /// Who.
    pub actor: String,
    /// What, by its alias.
    pub resource: String,
    /// What the engine says; nothing without a positive control.
    pub predicted: Option<Sight>,
    /// What a read by id gave.
    pub read: Observed,
    /// What a search gave.
    pub search: Observed,
    /// The verdict.
    pub verdict: CellVerdict,
    /// Where it is not as predicted: the known departures of the server that explain it.
    pub departures: Vec<KnownDeparture>,
    /// The policy entry that allows it, according to the engine.
    pub entry: Option<String>,
    /// Where the engine says hidden: the entry that comes nearest, and what it lacks.
    pub nearest_miss: Option<String>,
    /// Why the cell is not as expected, in one line.
    pub reason: Option<String>,
    /// The engine's reasoning, where the cell is wrong.
    pub explanation: Option<String>,
    /// The policy files of the actor, where the cell is wrong.
    pub policies: Vec<String>,
}

/// Somebody sees a resource in another way than the snapshot says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SightChange {
    /// After which step, or `given`.
    pub after: String,
    /// Who.
    pub actor: String,
    /// What, by its alias.
    pub resource: String,
    /// In the snapshot.
    pub was: Sight,
    /// In the run.
    pub is: Sight,
}

/// What the snapshot says of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotReport {
    /// In one word.
    pub verdict: SnapshotVerdict,
    /// The differences, or why there is no comparison.
    pub diff: Option<Vec<String>>,
    /// The differences that are about who sees what, once more for programs.
    pub changes: Vec<SightChange>,
    /// Whether somebody sees more than the snapshot says.
    pub widening: bool,
    /// The file with what was seen, where one was written.
    pub pending: Option<String>,
    /// What was seen, for a comparison with another run.
    #[serde(skip)]
    pub seen: Option<Box<Seen>>,
}

impl SnapshotReport {
    /// A verdict without differences.
    pub fn of(verdict: SnapshotVerdict) -> Self {
        Self {
            verdict,
            diff: None,
            changes: Vec::new(),
            widening: false,
            pending: None,
            seen: None,
        }
    }
}

/// What a comparison with a snapshot gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotVerdict {
    /// Equal.
    Matches,
    /// Different.
    Differs,
    /// There is none.
    Missing,
    /// It cannot be read.
    Unreadable,
    /// Not asked for, or nothing to compare.
    NotCompared,
}

impl SnapshotVerdict {
    /// Whether the scenario fails by it.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Differs | Self::Missing | Self::Unreadable)
    }
}

/// How cleaning up went.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CleanupReport {
    /// How many resources were removed.
    pub deleted: usize,
    /// What could not be removed, and why.
    pub problems: Vec<String>,
}
