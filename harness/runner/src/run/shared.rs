//! A state that scenarios share: built once in a run, by actors of its own, only if one of them is
//! played, and removed after the last of them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;
use tokio::sync::{OnceCell, mpsc};

use super::bindings::Bindings;
use super::clock;
use super::matrix::{Control, Watched, control};
use super::options::RunOptions;
use super::place;
use super::player::{Part, Player};
use super::setup::Stop;
use super::whose::Ledger;
use crate::actor::{CLEANUP_PATIENCE, Project, Session, Trash};
use crate::client::text_at;
use crate::expect::Aliases;
use crate::report::{CleanupReport, Event, ScenarioInfo, StateReport};
use crate::scenario::Scenario;

/// A state that scenarios share.
pub(super) struct Shared {
    state: Arc<Scenario>,
    project: Project,
    options: RunOptions,
    ledger: Ledger,
    events: mpsc::UnboundedSender<Event>,
    /// The scenarios that share it.
    scenarios: Vec<String>,
    /// How many of them are not over yet.
    left: AtomicUsize,
    built: OnceCell<Result<Ready, Stop>>,
    trash: tokio::sync::Mutex<Trash>,
    patience: AtomicUsize,
    removed: AtomicBool,
    now: Mutex<Now>,
}

/// Who plays with it at this moment, and whether it still is what it was.
#[derive(Debug, Default)]
struct Now {
    playing: BTreeSet<String>,
    spoiled: Option<String>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("state", &self.state.id)
            .field("scenarios", &self.scenarios)
            .finish_non_exhaustive()
    }
}

/// A state that is there: what a scenario begins with.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) sessions: Vec<Session>,
    pub(super) bindings: Bindings,
    pub(super) aliases: Aliases,
    pub(super) watched: Vec<Watched>,
    /// Steps of it that this server does not offer.
    pub(super) unknown: BTreeSet<String>,
    /// What the admin saw of the watched resources when it was built.
    before: Vec<Option<Value>>,
}

impl Shared {
    pub(super) fn new(
        state: &Arc<Scenario>,
        project: Project,
        scenarios: Vec<String>,
        options: &RunOptions,
        (ledger, events): (Ledger, mpsc::UnboundedSender<Event>),
    ) -> Self {
        Self {
            state: Arc::clone(state),
            project,
            options: options.clone(),
            ledger,
            events,
            left: AtomicUsize::new(scenarios.len()),
            scenarios,
            built: OnceCell::new(),
            trash: tokio::sync::Mutex::default(),
            patience: AtomicUsize::new(CLEANUP_PATIENCE),
            removed: AtomicBool::new(false),
            now: Mutex::default(),
        }
    }

    /// The receiver lives as long as the run; without it there is nobody left to tell.
    fn tell(&self, event: Event) {
        drop(self.events.send(event));
    }

    fn name(&self) -> &str {
        self.state.state.as_deref().unwrap_or_default()
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a scenario begins with. The first that asks builds it, and the others wait.
    pub(super) async fn enter(&self, scenario: &str) -> Result<&Ready, Stop> {
        let built = self.built.get_or_init(|| self.build()).await;
        let ready = built.as_ref().map_err(Clone::clone)?;
        let mut now = self.now();
        if let Some(reason) = &now.spoiled {
            return Err(Stop::Error(reason.clone()));
        }
        now.playing.insert(scenario.to_owned());
        Ok(ready)
    }

    async fn build(&self) -> Result<Ready, Stop> {
        let begun = Instant::now();
        self.tell(Event::StateStarted {
            state: self.name().to_owned(),
        });
        // Its steps are told in one piece, at the end.
        let (events, mut received) = mpsc::unbounded_channel();
        let part = Part {
            info: ScenarioInfo {
                index: 0,
                id: self.state.id.clone(),
                title: self.state.title.clone(),
                page: String::new(),
                file: place::shown(&self.state.file),
                planned_steps: self.state.given.len(),
            },
            scenario: Arc::clone(&self.state),
            project: self.project.clone(),
            options: self.options.clone(),
            on_disk: false,
            shared: None,
            ledger: self.ledger.clone(),
            events,
        };
        let mut player = Player::new(&part);
        player.build().await;
        let before = player.witnessed().await;
        if player.is_out_of_reach() {
            self.patience.store(1, Ordering::Relaxed);
        }
        *self.trash.lock().await = std::mem::take(&mut player.trash);
        let built = match player.stopped.take() {
            None => Ok(Ready {
                sessions: std::mem::take(&mut player.sessions),
                bindings: std::mem::take(&mut player.bindings),
                aliases: std::mem::take(&mut player.aliases),
                watched: std::mem::take(&mut player.watched),
                unknown: std::mem::take(&mut player.unknown),
                before,
            }),
            Some(Stop::Error(reason)) => Err(Stop::Error(format!(
                "the shared state {} could not be built: {}",
                self.name(),
                self.project.admin().clean(&reason)
            ))),
            Some(other) => Err(other),
        };
        drop(player);
        drop(part);
        let mut steps = Vec::new();
        while let Some(event) = received.recv().await {
            if let Event::StepFinished { step, .. } = event {
                steps.push(step);
            }
        }
        self.tell(Event::StateFinished(StateReport {
            state: self.name().to_owned(),
            file: place::shown(&self.state.file),
            scenarios: self.scenarios.clone(),
            reason: built.as_ref().err().map(ToString::to_string),
            duration_ms: clock::milliseconds(begun),
            steps,
            cleanup: CleanupReport::default(),
        }));
        built
    }

    /// Ends the playing of a scenario. Says why what it saw proves nothing, where the state is not
    /// what it was any more.
    pub(super) async fn leave(&self, scenario: &str) -> Option<String> {
        let Some(Ok(ready)) = self.built.get() else {
            return None;
        };
        let difference = self.difference(ready).await;
        let mut now = self.now();
        if let Some(difference) = difference
            && now.spoiled.is_none()
        {
            let playing: Vec<&str> = now.playing.iter().map(String::as_str).collect();
            let playing = playing.join(", ");
            now.spoiled = Some(format!(
                "the shared state {} is not what it was: {difference}; played at that time: {playing}",
                self.name()
            ));
        }
        now.playing.remove(scenario);
        now.spoiled.clone()
    }

    async fn difference(&self, ready: &Ready) -> Option<String> {
        for (watched, before) in ready.watched.iter().zip(&ready.before) {
            let Some(before) = before else { continue };
            let mut transport = false;
            let name = &watched.alias;
            match control(self.project.admin(), watched, &mut transport).await {
                Control::Copy(copy) if is_same(before, &copy) => {}
                Control::Copy(copy) => {
                    let version = |of: &Value| {
                        let version = text_at(of, "/meta/versionId");
                        version.unwrap_or("another").to_owned()
                    };
                    return Some(format!(
                        "{name} has version {}, and had {}",
                        version(&copy),
                        version(before)
                    ));
                }
                Control::Gone => return Some(format!("{name} is gone")),
                Control::Missing(why) => return Some(format!("{name}: {why}")),
            }
        }
        None
    }

    /// A scenario is over; after the last one the state goes.
    pub(super) async fn release(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.remove().await;
        }
    }

    /// Removes it, if that was not done yet.
    pub(super) async fn remove(&self) {
        let mut trash = self.trash.lock().await;
        if !self.built.initialized() || self.removed.swap(true, Ordering::AcqRel) {
            return;
        }
        let patience = self.patience.load(Ordering::Relaxed);
        let (deleted, problems) = trash.empty(self.project.admin(), patience).await;
        self.tell(Event::StateRemoved {
            state: self.name().to_owned(),
            cleanup: CleanupReport { deleted, problems },
        });
    }
}

/// Whether a resource is what it was, by its version where it has one.
fn is_same(before: &Value, now: &Value) -> bool {
    let version = |of: &Value| text_at(of, "/meta/versionId").map(str::to_owned);
    match (version(before), version(now)) {
        (Some(before), Some(now)) => before == now,
        _ => before == now,
    }
}
