//! From a suite to events: scenarios are played at the same time, each by actors of its own.

mod bindings;
mod bundle;
mod clock;
mod delivered;
mod ending;
mod found;
mod gone;
mod inbox;
mod judge;
mod matrix;
mod note;
mod options;
mod pace;
mod place;
mod player;
mod race;
mod request;
mod setup;
mod shared;
mod sink;
mod snapshots;
mod step;
mod told;
mod whose;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use shared::Shared;
use told::Told;
use whose::Ledger;

pub use options::{Cancel, DEFAULT_JOBS, Expectation, RunOptions, SnapshotMode};

use crate::actor::{CLEANUP_PATIENCE, Project, SetupError, Trash, Uncast};
use crate::client::{Hurry, Redactor, Target};
use crate::report::{
    CleanupReport, Event, EventSink, PolicyPlaces, Report, ScenarioInfo, ServerInfo,
    SnapshotReport, SnapshotVerdict, Summary, Verdict,
};
use crate::scenario::{PolicyFile, Scenario, Suite};

/// A run that is over.
#[derive(Debug, Clone)]
pub struct RunOutcome {
    /// All that happened.
    pub report: Report,
}

impl RunOutcome {
    /// The numbers.
    pub fn summary(&self) -> Summary {
        self.report.summary()
    }

    /// How the process should end.
    pub fn exit_code(&self) -> u8 {
        self.summary().exit_code()
    }
}

/// Plays the scenarios of a suite against a server. Never fails: what goes wrong is in the report.
pub async fn run(
    suite: &Suite,
    target: &Target,
    options: &RunOptions,
    sink: &mut dyn EventSink,
) -> RunOutcome {
    let begun = Instant::now();
    let selected: Vec<Arc<Scenario>> = suite
        .scenarios
        .iter()
        .filter(|scenario| options.selects(scenario))
        .cloned()
        .collect();
    let mut report = Report::default();
    let mut tell = |event: Event| {
        report.event(&event);
        sink.event(&event);
    };
    let id = uuid::Uuid::new_v4().simple().to_string();
    tell(Event::RunStarted {
        id: id.clone(),
        started: clock::now(),
        scenarios: selected.len(),
        server: ServerInfo {
            url: target.base_url.to_string(),
            software: None,
            profile: target.profile.name.clone(),
        },
    });
    if !selected.is_empty() {
        let (events, mut received) = mpsc::unbounded_channel();
        let hurry = Hurry::default();
        let mut target = target.clone();
        target.traffic = target.traffic.hurried_by(&hurry);
        let mut work = tokio::spawn(play_all(Work {
            selected,
            suite: Arc::new(suite.clone()),
            target: Arc::new(target),
            options: options.clone(),
            run: id.clone(),
            events,
        }));
        let cancel = options.cancel.clone();
        let stopping = tokio::spawn(async move {
            cancel.cancelled().await;
            hurry.begin();
        });
        let mut told = Told::new(&id);
        let is_abandoned = loop {
            tokio::select! {
                biased;
                event = received.recv() => match event {
                    Some(event) => tell(told.complete(event, &options.cancel)),
                    None => break false,
                },
                () = options.cancel.abandoned() => break true,
            }
        };
        stopping.abort();
        if is_abandoned {
            work.abort();
            told.abandoned().into_iter().for_each(&mut tell);
        } else if let Err(error) = (&mut work).await {
            tell(Event::RunAborted {
                reason: format!("the harness itself failed: {error}"),
                help: "this is a bug in fhirward".into(),
            });
        }
    }
    let mut obsolete = Vec::new();
    if options.filter.is_empty() && options.snapshots != SnapshotMode::Off {
        obsolete.extend(suite.obsolete.iter().cloned());
        obsolete.extend(
            suite
                .scenarios
                .iter()
                .flat_map(|one| snapshots::redundant(one)),
        );
    }
    tell(Event::RunFinished {
        duration_ms: clock::milliseconds(begun),
        interrupted: options.cancel.is_cancelled(),
        terminated: options.cancel.is_terminated(),
        obsolete: obsolete.iter().map(|file| place::shown(file)).collect(),
        ci: options.ci,
    });
    RunOutcome { report }
}

struct Work {
    selected: Vec<Arc<Scenario>>,
    suite: Arc<Suite>,
    target: Arc<Target>,
    options: RunOptions,
    run: String,
    events: mpsc::UnboundedSender<Event>,
}

impl Work {
    /// The receiver lives as long as the work; without it there is nobody left to tell.
    fn tell(&self, event: Event) {
        drop(self.events.send(event));
    }
}

async fn play_all(work: Work) {
    let mut trash = Trash::default();
    let redactor = Redactor::default();
    let opened = Project::open(&work.target, &work.run, work.options.limits, &redactor).await;
    let mut project = match opened {
        Ok(project) => project,
        Err(error) => {
            abort(&work, &error);
            return;
        }
    };
    match prepare(&work, &mut project, &mut trash).await {
        Ok(()) => play_scenarios(&work, &project).await,
        Err(error) => abort(&work, &error),
    }
    work.tell(Event::CleanupStarted { scenario: None });
    let (deleted, problems) = trash.empty(project.admin(), CLEANUP_PATIENCE).await;
    work.tell(Event::CleanedUp {
        scenario: None,
        cleanup: CleanupReport { deleted, problems },
    });
}

async fn prepare(work: &Work, project: &mut Project, trash: &mut Trash) -> Result<(), SetupError> {
    let software = project.software().await?;
    work.tell(Event::ServerFound { software });
    let policies = used_policies(work);
    for policy in &policies {
        work.tell(Event::PolicyRead(PolicyPlaces::of(
            policy,
            place::shown(&policy.file),
        )));
    }
    project.publish(&policies, trash).await
}

fn used_policies(work: &Work) -> Vec<&PolicyFile> {
    let names: BTreeSet<&str> = work
        .selected
        .iter()
        .flat_map(|scenario| scenario.policies())
        .collect();
    names
        .into_iter()
        .filter_map(|name| work.suite.policies.get(name))
        .collect()
}

fn abort(work: &Work, error: &SetupError) {
    work.tell(Event::RunAborted {
        reason: error.to_string(),
        help: error.help.clone(),
    });
    for (index, scenario) in work.selected.iter().enumerate() {
        work.tell(Event::ScenarioStarted(info(index, scenario)));
        work.tell(ended(scenario, error.to_string()));
    }
}

async fn play_scenarios(work: &Work, project: &Project) {
    let places = Arc::new(Semaphore::new(work.options.jobs.max(1)));
    let mut tasks = JoinSet::new();
    let mut names = HashMap::new();
    let ledger = Ledger::default();
    let shared = shared_states(work, project, &ledger);
    for (index, scenario) in work.selected.iter().enumerate() {
        let scenario = Arc::clone(scenario);
        let project = match project.cast(&scenario) {
            Ok(project) => project,
            Err(uncast) => {
                work.tell(Event::ScenarioStarted(info(index, &scenario)));
                match uncast {
                    Uncast::NotOffered(reason) => {
                        work.tell(Event::NotOffered {
                            scenario: scenario.id.clone(),
                            reason: reason.clone(),
                        });
                        work.tell(skipped(&scenario, reason));
                    }
                    Uncast::Unusable(reason) => work.tell(ended(&scenario, reason)),
                }
                continue;
            }
        };
        let (places, events) = (Arc::clone(&places), work.events.clone());
        let (options, on_disk) = (work.options.clone(), work.suite.on_disk);
        let ledger = ledger.clone();
        let played = Arc::clone(&scenario);
        let shared = scenario
            .shares
            .as_ref()
            .filter(|_| project.shares_actors(&scenario))
            .and_then(|state| shared.get(&state.id))
            .map(Arc::clone);
        let mut info = info(index, &scenario);
        if shared.is_some() {
            info.planned_steps = scenario.steps.len();
        }
        let handle = tasks.spawn(async move {
            let place = places.acquire_owned().await;
            if !options.cancel.is_cancelled() {
                player::play(player::Part {
                    info,
                    scenario: played,
                    project,
                    options,
                    on_disk,
                    shared,
                    ledger,
                    events,
                })
                .await;
            }
            drop(place);
        });
        names.insert(handle.id(), scenario);
    }
    while let Some(ended_task) = tasks.join_next().await {
        if let Err(error) = ended_task
            && let Some(scenario) = names.get(&error.id())
        {
            work.tell(ended(
                scenario,
                format!("the harness itself failed: {error}"),
            ));
        }
    }
    // After Ctrl-C, or after what the harness itself did wrong, the last one never came.
    for state in shared.values() {
        state.remove().await;
    }
}

/// The states that selected scenarios share. None is built before one of them is played.
fn shared_states(work: &Work, project: &Project, ledger: &Ledger) -> BTreeMap<String, Arc<Shared>> {
    let mut by_state: BTreeMap<String, (&Arc<Scenario>, Vec<String>)> = BTreeMap::new();
    for scenario in &work.selected {
        if let Some(state) = &scenario.shares
            && project.shares_actors(scenario)
            && project.cast(scenario).is_ok()
        {
            let entry = by_state
                .entry(state.id.clone())
                .or_insert_with(|| (state, Vec::new()));
            entry.1.push(scenario.id.clone());
        }
    }
    let mut shared = BTreeMap::new();
    for (id, (state, scenarios)) in by_state {
        // Where nobody can play its actors, nobody can play those of the scenarios either.
        if let Ok(cast) = project.cast(state) {
            let events = work.events.clone();
            let ledger = ledger.clone();
            let state = Shared::new(state, cast, scenarios, &work.options, (ledger, events));
            shared.insert(id, Arc::new(state));
        }
    }
    shared
}

fn info(index: usize, scenario: &Scenario) -> ScenarioInfo {
    ScenarioInfo {
        index,
        id: scenario.id.clone(),
        title: scenario.title.clone(),
        page: scenario.page.clone(),
        file: place::shown(&scenario.file),
        planned_steps: scenario.given.len() + scenario.steps.len(),
    }
}

/// The end of a scenario that nobody on this server can be asked to play.
fn skipped(scenario: &Scenario, reason: String) -> Event {
    Event::ScenarioFinished {
        scenario: scenario.id.clone(),
        verdict: Verdict::Skipped,
        reason: Some(reason),
        duration_ms: 0,
        snapshot: SnapshotReport::of(SnapshotVerdict::NotCompared),
    }
}

/// The end of a scenario that did not begin, or broke off.
fn ended(scenario: &Scenario, reason: String) -> Event {
    Event::ScenarioFinished {
        scenario: scenario.id.clone(),
        verdict: Verdict::Error,
        reason: Some(reason),
        duration_ms: 0,
        snapshot: SnapshotReport::of(SnapshotVerdict::NotCompared),
    }
}
