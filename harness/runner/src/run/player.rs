//! One scenario, from its actors to its verdict.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use tokio::sync::mpsc;

use super::bindings::Bindings;
use super::clock;
use super::matrix::{Matrix, Watched};
use super::options::{RunOptions, SnapshotMode};
use super::place;
use super::race::without_refused;
use super::setup::Stop;
use super::shared::Shared;
use super::sink::Sinks;
use super::snapshots::{self, Reached};
use super::step::is_undone;
use super::whose::{Ledger, Waiting};
use crate::actor::{CLEANUP_PATIENCE, Project, Session, Trash};
use crate::client::Need;
use crate::expect::against::Seen;
use crate::expect::{Aliases, Snapshot, StepSnapshot};
use crate::report::{Cell, CleanupReport, Event, Problem, ScenarioInfo, StepReport, StepVerdict};
use crate::scenario::{Action, Claim, ExpectedStatus, GIVEN, Scenario, Step, Template};

/// So many requests in a row without an answer, and the server counts as gone.
const PATIENCE: usize = 3;

/// What a scenario needs to be played.
pub(super) struct Part {
    pub(super) info: ScenarioInfo,
    pub(super) scenario: Arc<Scenario>,
    pub(super) project: Project,
    pub(super) options: RunOptions,
    pub(super) on_disk: bool,
    /// The state that it shares with others, where it does.
    pub(super) shared: Option<Arc<Shared>>,
    /// What all scenarios of the run created.
    pub(super) ledger: Ledger,
    pub(super) events: mpsc::UnboundedSender<Event>,
}

/// Plays a scenario and tells how it ended.
pub(super) async fn play(part: Part) {
    let begun = Instant::now();
    let mut player = Player::new(&part);
    player.tell(Event::ScenarioStarted(part.info.clone()));
    let set_up = match player.missing(&part.scenario.needs) {
        Some(reason) => Err(Stop::NotOffered(reason)),
        None => player.begin(part.shared.as_deref()).await,
    };
    match set_up {
        Ok(()) => {
            player.play_all().await;
            if let Some(shared) = &part.shared {
                player.spoiled = shared.leave(&part.scenario.id).await;
            }
        }
        Err(stop) => {
            if let Stop::NotOffered(reason) = &stop {
                player.tell(Event::NotOffered {
                    scenario: part.scenario.id.clone(),
                    reason: reason.clone(),
                });
            }
            player.stopped = Some(match stop {
                Stop::Error(_) if part.options.cancel.is_cancelled() => Stop::Cancelled,
                stop => stop,
            });
            player.skip_all();
        }
    }
    // A server that was out of reach a moment ago gets one more chance.
    let patience = if player.is_out_of_reach() {
        1
    } else {
        CLEANUP_PATIENCE
    };
    player.tell(Event::CleanupStarted {
        scenario: Some(part.scenario.id.clone()),
    });
    let (deleted, problems) = player.trash.empty(part.project.admin(), patience).await;
    player.tell(Event::CleanedUp {
        scenario: Some(part.scenario.id.clone()),
        cleanup: CleanupReport { deleted, problems },
    });
    let mut options = part.options.clone();
    if part.project.enforces_policies().is_err() || player.spoiled.is_some() {
        // A snapshot says who sees what.
        options.snapshots = SnapshotMode::Off;
    }
    let unplayed = player.unplayed();
    if let Some(reason) = unplayed.nothing_judged() {
        player.tell(Event::NotOffered {
            scenario: part.scenario.id.clone(),
            reason: part.project.admin().clean(&reason),
        });
        player.stopped = Some(Stop::NotOffered(reason));
    }
    let mut snapshot = snapshots::settle(
        &part.scenario,
        &player.snapshot,
        &Reached {
            unknown: &player.unknown,
            is_partly_offered: unplayed.is_partly_offered(),
        },
        &|difference| player.is_consequence(difference),
        &options,
        (part.on_disk, &part.project.admin().target().profile.name),
    );
    if !player.snapshot.steps.is_empty() {
        snapshot.seen = Some(Box::new(Seen {
            snapshot: std::mem::take(&mut player.snapshot),
            unknown: player.unknown.clone(),
        }));
    }
    let (verdict, reason) = player.verdict(&snapshot, &unplayed);
    let reason = reason.map(|reason| part.project.admin().clean(&reason));
    player.tell(Event::ScenarioFinished {
        scenario: part.scenario.id.clone(),
        verdict,
        reason,
        duration_ms: clock::milliseconds(begun),
        snapshot,
    });
    if let Some(shared) = &part.shared {
        shared.release().await;
    }
}

pub(super) struct Player<'p> {
    pub(super) scenario: &'p Scenario,
    /// The steps of the given state, where the scenario builds it for itself.
    given: &'p [Step],
    pub(super) project: &'p Project,
    pub(super) options: &'p RunOptions,
    events: &'p mpsc::UnboundedSender<Event>,
    ledger: &'p Ledger,
    pub(super) sessions: Vec<Session>,
    pub(super) bindings: Bindings,
    pub(super) aliases: Aliases,
    pub(super) watched: Vec<Watched>,
    /// The admin's last view of the watched resources.
    pub(super) copies: BTreeMap<String, Value>,
    pub(super) trash: Trash,
    pub(super) sinks: Sinks,
    pub(super) snapshot: Snapshot,
    /// Steps of which the snapshot can say nothing.
    pub(super) unknown: BTreeSet<String>,
    /// The first step that was to change something and was refused or failed. What is seen from
    /// there on is not what the scenario is about.
    pub(super) undone: Option<String>,
    /// Looks that only succeed because that step did not happen.
    pub(super) consequences: BTreeSet<String>,
    pub(super) silence: usize,
    pub(super) stopped: Option<Stop>,
    /// Why the shared state is not what it was, and nothing that was seen of it proves anything.
    pub(super) spoiled: Option<String>,
    pub(super) steps: Vec<(String, StepVerdict, Vec<Problem>)>,
    pub(super) cells: Vec<Cell>,
}

impl<'p> Player<'p> {
    pub(super) fn new(part: &'p Part) -> Self {
        Self {
            scenario: &part.scenario,
            given: match part.shared {
                None => &part.scenario.given,
                Some(_) => &[],
            },
            project: &part.project,
            options: &part.options,
            events: &part.events,
            ledger: &part.ledger,
            sessions: Vec::new(),
            bindings: Bindings::default(),
            aliases: Aliases::default(),
            watched: Vec::new(),
            copies: BTreeMap::new(),
            trash: Trash::default(),
            sinks: Sinks::default(),
            snapshot: Snapshot::default(),
            // Until everybody has looked at it.
            unknown: BTreeSet::from([GIVEN.to_owned()]),
            undone: None,
            consequences: BTreeSet::new(),
            silence: 0,
            stopped: None,
            spoiled: None,
            steps: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// The receiver lives as long as the run; without it there is nobody left to tell.
    pub(super) fn tell(&self, event: Event) {
        drop(self.events.send(event));
    }

    /// Remembers what has to go again, and that it is this scenario's.
    pub(super) fn created(&mut self, reference: &str) {
        self.trash.add(reference);
        self.claim(reference);
    }

    /// Remembers that it is this scenario's. What was there before the run is not removed.
    pub(super) fn claim(&self, reference: &str) {
        self.ledger.add(reference, &self.scenario.id);
    }

    /// Whose deliveries count.
    pub(super) fn waiting(&self) -> Waiting<'_> {
        Waiting {
            scenario: &self.scenario.id,
            ledger: self.ledger,
            aliases: &self.aliases,
        }
    }

    /// Why the server does not offer something of it.
    fn missing(&self, needs: &[Need]) -> Option<String> {
        let capabilities = self.project.capabilities();
        let mut missing = needs
            .iter()
            .filter_map(|need| capabilities.supports(need).err());
        missing.next().map(|reason| format!("needs {reason}"))
    }

    async fn play_all(&mut self) {
        let scenario = self.scenario;
        self.play_given().await;
        if self.stopped.is_none() && self.options.cancel.is_cancelled() {
            self.stopped = Some(Stop::Cancelled);
        }
        if self.stopped.is_none() {
            self.unknown.remove(GIVEN);
        }
        if self.stopped.is_none() && !self.watched.is_empty() {
            let matrix = self.observe(GIVEN).await;
            let mut record = StepSnapshot {
                step: GIVEN.to_owned(),
                ..StepSnapshot::default()
            };
            self.record_sights(&matrix, &mut record);
            self.snapshot.steps.push(record);
            self.keep(GIVEN, matrix);
        }
        for step in &scenario.steps {
            self.play(step, false).await;
        }
    }

    async fn play_given(&mut self) {
        for step in self.given {
            self.play(step, true).await;
        }
    }

    /// Builds a state by itself.
    pub(super) async fn build(&mut self) {
        match self.set_up(0).await {
            Ok(()) => self.play_given().await,
            Err(stop) => {
                self.stopped = Some(stop);
                self.skip_all();
            }
        }
        self.unknown.remove(GIVEN);
    }

    /// Whether so many requests had no answer that there is no server any more.
    pub(super) fn is_out_of_reach(&self) -> bool {
        self.silence >= PATIENCE
    }

    fn skip_all(&mut self) {
        for step in self.given {
            self.skip(step, true);
        }
        let scenario = self.scenario;
        for step in &scenario.steps {
            self.skip(step, false);
        }
    }

    pub(super) async fn play(&mut self, step: &Step, given: bool) {
        if self.stopped.is_none() && self.options.cancel.is_cancelled() {
            self.stopped = Some(Stop::Cancelled);
        }
        if self.stopped.is_some() {
            self.skip(step, given);
            return;
        }
        if let Err(reason) = self.project.enforces_policies()
            && self.is_for_policies(step)
        {
            let reason = format!("not judged: {reason}");
            self.leave_out(step, given, &reason);
            return;
        }
        let asked = match self.project.enforces_policies() {
            Ok(()) => Cow::Borrowed(step),
            Err(_) => without_refused(step),
        };
        let step = &*asked;
        if let Some(reason) = self.missing(&step.needs) {
            for name in step.names() {
                self.bindings.not_offered(name, &step.id);
            }
            self.leave_out(step, given, &reason);
            return;
        }
        self.tell(Event::StepStarted {
            scenario: self.scenario.id.clone(),
            step: step.id.clone(),
            actor: step.actor.clone(),
            verb: step.action.verb().into(),
        });
        let mut played = self.perform(step).await;
        // Whoever stops a run stops waiting too: that there was no answer then says nothing.
        if played.interrupted || (played.transport && self.options.cancel.is_cancelled()) {
            self.stopped = Some(Stop::Cancelled);
            self.skip(step, given);
            return;
        }
        if played.not_offered {
            let first = played.problems.first();
            let reason = first.map(|p| p.message.clone()).unwrap_or_default();
            self.leave_out(step, given, &reason);
            return;
        }
        let is_success = |status| (200..300).contains(&status);
        let done = played.verdict == StepVerdict::Passed || played.status.is_some_and(is_success);
        self.sinks.note(step, done, false);
        if step.probe {
            // Found out, whatever it is.
            played.verdict = StepVerdict::Passed;
            played
                .problems
                .iter_mut()
                .for_each(|problem| problem.leak = false);
        }
        let undone = !step.probe && is_undone(step, &played);
        if undone && self.undone.is_none() {
            self.undone = Some(step.id.clone());
        }
        let mut report = self.report(step, given);
        report.verdict = played.verdict;
        report.status = played.status;
        report.duration_ms = played.duration_ms;
        report.retries = played.retries;
        report.outcome.clone_from(&played.outcome);
        report.problems = played.problems;
        report.looks = played.looks;
        self.note_silence(played.transport);
        if matches!(
            report.verdict,
            StepVerdict::Error | StepVerdict::Inconclusive | StepVerdict::Blocked
        ) {
            self.unknown.insert(step.id.clone());
        }
        let answered = matches!(report.verdict, StepVerdict::Passed | StepVerdict::Failed);
        let mut record = StepSnapshot {
            step: step.id.clone(),
            outcome: played.outcome,
            matches: played.matches,
            fields: played.fields,
            sees: None,
        };
        let looks = !given
            && answered
            && !self.watched.is_empty()
            && (step.action.changes() || !step.see.is_empty());
        let matrix = if looks {
            let matrix = self.observe(&step.id).await;
            self.record_sights(&matrix, &mut record);
            let problems = if self.project.enforces_policies().is_err() {
                Vec::new()
            } else if undone {
                matrix.check_claims_of_undone(&step.see)
            } else {
                matrix.check_claims(&step.see, self.undone.as_deref())
            };
            if !problems.is_empty() {
                report.verdict = StepVerdict::Failed;
                report.problems.extend(problems);
            }
            let judged: &[Claim] = match self.project.enforces_policies() {
                Ok(()) => &step.see,
                Err(_) => &[],
            };
            for name in matrix.unjudged(judged) {
                // Done, and yet what it claims cannot be told.
                if report.verdict == StepVerdict::Passed {
                    report.verdict = StepVerdict::Blocked;
                }
                let reason = format!("see: {}", self.bindings.blocked_by(&name).why);
                report.problems.push(Problem::new(reason));
            }
            Some(matrix)
        } else {
            None
        };
        if given {
            if report.verdict != StepVerdict::Passed {
                report.verdict = StepVerdict::Error;
                let first = report.problems.first();
                let why = first.map(|p| p.message.clone()).unwrap_or_default();
                // A shared state says for whom it could not be built.
                let what = if self.scenario.steps.is_empty() {
                    ""
                } else {
                    "the given state could not be built: "
                };
                self.stopped = Some(Stop::Error(format!("{what}step {}: {why}", step.id)));
            }
        } else if !step.probe {
            // What is only found out may differ from server to server and from day to day.
            self.snapshot.steps.push(record);
        }
        self.finish(report);
        if let Some(matrix) = matrix {
            self.keep(&step.id, matrix);
        }
    }

    pub(super) fn skip(&mut self, step: &Step, given: bool) {
        let why = match &self.stopped {
            Some(Stop::Cancelled) => "the run was interrupted".to_owned(),
            Some(Stop::NotOffered(reason)) => reason.clone(),
            _ => "the scenario had ended".to_owned(),
        };
        for name in step.names() {
            self.bindings.give_up(name, &step.id);
        }
        self.leave_out(step, given, &why);
    }

    /// Whether only a server that enforces policies can answer as the step expects. What is there
    /// and is to be missing for somebody is hidden by a policy.
    fn is_for_policies(&self, step: &Step) -> bool {
        let missing = |status: &u16| matches!(status, 404 | 410);
        let only_missing = |expected: &ExpectedStatus| match expected {
            ExpectedStatus::Exactly(status) => missing(status),
            ExpectedStatus::OneOf(statuses) => statuses.iter().all(missing),
            _ => false,
        };
        let is_refusal =
            |expected: &ExpectedStatus| expected.is_denial() && !only_missing(expected);
        // What an entry is to be refused would be carried out, with all that the others expect.
        if let Action::Bundle { entries, .. } = &step.action
            && entries.iter().any(|entry| is_refusal(&entry.expect.status))
        {
            return true;
        }
        let expected = &step.expect.status;
        if !only_missing(expected) {
            return expected.is_denial();
        }
        Template::parse(&step.action.target())
            .ok()
            .and_then(|target| self.bindings.fill(&target).ok())
            .is_some_and(|target| {
                let reference: Vec<&str> = target.split('/').take(2).collect();
                self.copies.contains_key(&reference.join("/"))
            })
    }

    /// Reports a step that is not played.
    fn leave_out(&mut self, step: &Step, given: bool, why: &str) {
        let stopped = matches!(self.stopped, Some(Stop::Error(_) | Stop::Cancelled));
        self.sinks.note(step, false, !stopped);
        let mut report = self.report(step, given);
        report.verdict = StepVerdict::Skipped;
        report.problems.push(Problem::new(why));
        self.unknown.insert(step.id.clone());
        self.finish(report);
    }

    fn report(&self, step: &Step, given: bool) -> StepReport {
        StepReport {
            id: step.id.clone(),
            given,
            title: step.title.clone(),
            actor: step.actor.clone(),
            verb: step.action.verb().into(),
            target: step.action.target(),
            file: place::shown(Path::new(&step.source.name)),
            line: step.source.line_column(step.span.start).0,
            verdict: StepVerdict::Passed,
            status: None,
            outcome: None,
            probe: step.probe,
            looks: 1,
            duration_ms: 0,
            retries: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn finish(&mut self, mut report: StepReport) {
        // The last gate before an event exists.
        for problem in &mut report.problems {
            problem.message = self.project.admin().clean(&problem.message);
        }
        self.steps
            .push((report.id.clone(), report.verdict, report.problems.clone()));
        self.tell(Event::StepFinished {
            scenario: self.scenario.id.clone(),
            step: report,
        });
    }

    fn keep(&mut self, after: &str, matrix: Matrix) {
        self.note_silence(matrix.transport);
        self.cells.extend(matrix.cells.iter().cloned());
        self.tell(Event::MatrixObserved {
            scenario: self.scenario.id.clone(),
            after: after.to_owned(),
            cells: matrix.cells,
        });
    }

    fn note_silence(&mut self, transport: bool) {
        self.silence = if transport { self.silence + 1 } else { 0 };
        if self.silence >= PATIENCE && self.stopped.is_none() {
            self.stopped = Some(Stop::Error(format!(
                "the server is out of reach: {PATIENCE} requests in a row had no answer"
            )));
        }
    }

    fn record_sights(&mut self, matrix: &Matrix, record: &mut StepSnapshot) {
        match matrix.sees(&self.sessions) {
            Some(sees) => record.sees = Some(sees),
            None => {
                self.unknown.insert(record.step.clone());
            }
        }
    }
}
