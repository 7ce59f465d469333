//! One step: requests, and what came of them.

use std::time::Instant;

use super::bindings::Missing;
use super::clock;
use super::pace::{Next, Pace};
use super::player::Player;
use super::race::least_winners;
use super::request::{self, prepare};
use crate::actor::SetupError;
use crate::client::{Answer, Client, ClientError, Found, Request};
use crate::report::{Problem, StepVerdict};
use crate::scenario::{ADMIN, ANONYMOUS, Action, Delivery, ExpectedStatus, Racer, Step};

use super::sink::Delivered;

/// A step that was played.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) verdict: StepVerdict,
    pub(super) status: Option<u16>,
    pub(super) duration_ms: u64,
    pub(super) problems: Vec<Problem>,
    /// Why the request was sent again.
    pub(super) retries: Vec<String>,
    /// For the snapshot: `200`, or `404 not-found`.
    pub(super) outcome: Option<String>,
    /// For the snapshot: what a search found.
    pub(super) matches: Option<Vec<String>>,
    /// For the snapshot: what the step asserts, and what that selected.
    pub(super) fields: Vec<(String, String)>,
    /// Whether there was no answer at all.
    pub(super) transport: bool,
    /// How often it was looked at.
    pub(super) looks: usize,
    /// Whether what it needs is not there, and nothing is wrong with that.
    pub(super) not_offered: bool,
    /// Of a race: how many succeeded.
    pub(super) winners: Option<usize>,
    /// Whether the run was stopped before it was decided.
    pub(super) interrupted: bool,
}

impl Played {
    /// Remembers what an assertion selected. Of a step that was looked at several times the last
    /// look counts.
    pub(super) fn field(&mut self, path: &str, value: String) {
        self.fields.retain(|(known, _)| known != path);
        self.fields.push((path.to_owned(), value));
    }

    pub(super) fn new() -> Self {
        Self {
            verdict: StepVerdict::Passed,
            status: None,
            duration_ms: 0,
            problems: Vec::new(),
            retries: Vec::new(),
            outcome: None,
            matches: None,
            fields: Vec::new(),
            transport: false,
            looks: 1,
            not_offered: false,
            winners: None,
            interrupted: false,
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(super) enum Reply {
    Answer(Answer),
    /// And why it did not come to its end, where it did not.
    Found(Found, Option<ClientError>),
    /// Of each part of a race.
    Race(Vec<Result<Answer, ClientError>>),
    /// What the server sent: what was waited for, and how much of it came.
    Delivered(Vec<Delivered>),
    /// Done by the harness, with nothing to judge.
    Done,
}

/// Why nothing came back.
#[derive(Debug)]
pub(super) enum Trouble {
    Blocked(Missing),
    Client(ClientError),
    Setup(SetupError),
    /// Somebody stopped the run.
    Interrupted,
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl From<Missing> for Trouble {
    fn from(missing: Missing) -> Self {
        Self::Blocked(missing)
    }
}

impl From<SetupError> for Trouble {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

impl Player<'_> {
    /// Plays a step, as often as its patience says.
    pub(super) async fn perform(&mut self, step: &Step) -> Played {
        // What was sent again before belongs to somebody's look at the matrix.
        if let Ok(client) = self.client(&step.actor) {
            client.take_retries();
        }
        let begun = Instant::now();
        let mut pace = Pace::new(step.patience);
        let mut played = loop {
            let mut played = self.look(step).await;
            let met = played.verdict == StepVerdict::Passed;
            // Only what the server said is looked at again; no answer is no look.
            let decided = !met && played.verdict != StepVerdict::Failed;
            match pace.next(met, begun.elapsed()) {
                Next::After(wait) if !decided => {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.options.cancel.cancelled() => {
                            played.interrupted = true;
                            break played;
                        }
                    }
                }
                _ => break played,
            }
        };
        if let Ok(client) = self.client(&step.actor) {
            played.retries = client.take_retries();
        }
        played.looks = pace.looks;
        played.duration_ms = clock::milliseconds(begun);
        if played.verdict == StepVerdict::Failed
            && let Some(words) = pace.verdict()
            && let Some(first) = played.problems.first_mut()
        {
            first.message = format!("{} ({words})", first.message);
        }
        for name in step.names() {
            if self.bindings.get(name).is_none() {
                if played.not_offered {
                    self.bindings.not_offered(name, &step.id);
                } else {
                    self.bindings.give_up(name, &step.id);
                }
            }
        }
        played
    }

    /// One look: a request, and what its answer must be.
    async fn look(&mut self, step: &Step) -> Played {
        let mut played = Played::new();
        match self.request(step).await {
            Ok(reply) => self.judge(step, reply, &mut played),
            Err(trouble) => self.excuse(step, trouble, &mut played),
        }
        played
    }

    async fn request(&mut self, step: &Step) -> Result<Reply, Trouble> {
        self.can_be_judged(step)?;
        match &step.action {
            Action::Grant { actor, access } => {
                let granted = self.granted(access)?;
                let project = self.project;
                if let Some(session) = self.sessions.iter_mut().find(|s| s.name == *actor) {
                    project.grant(session, &granted).await?;
                }
                return Ok(Reply::Done);
            }
            Action::Race(racers) => return self.race(racers).await,
            Action::Await(delivery) => return self.wait_for(delivery).await,
            _ => {}
        }
        let client = self.client(&step.actor)?;
        Ok(match &step.action {
            Action::Search(query) => {
                let (found, rest) = request::search(&client, &self.bindings.fill(query)?).await?;
                Reply::Found(found, rest)
            }
            Action::History(target) => {
                let path = format!("{}/_history", self.bindings.fill(target)?);
                let limit = self.options.limits.pages;
                Reply::Answer(request::history(&client, &path, limit).await?)
            }
            Action::Subscribe { subscription, sink } => {
                let subscription = self.bindings.fill(subscription)?;
                self.sinks.subscribe(&client, &subscription, sink).await?;
                Reply::Done
            }
            action => {
                let patch = client.target().profile.patch_media_type.as_str();
                match prepare(action, &step.extras, &self.bindings, patch)? {
                    Some(request) => Reply::Answer(request.send(&client).await?),
                    None => Reply::Done,
                }
            }
        })
    }

    /// All parts at the same time. Whoever cannot even ask keeps everybody from asking.
    async fn race(&self, racers: &[Racer]) -> Result<Reply, Trouble> {
        let mut prepared = Vec::new();
        for racer in racers {
            let client = self.client(&racer.actor)?;
            let patch = client.target().profile.patch_media_type.clone();
            let request = prepare(&racer.action, &racer.extras, &self.bindings, &patch)?;
            let search = match &racer.action {
                Action::Search(query) => Some(self.bindings.fill(query)?),
                _ => None,
            };
            prepared.push((client, request, search));
        }
        let requests = prepared.iter().map(async |(client, request, search)| {
            match request {
                Some(request) => request.send(client).await,
                // Of the verbs that race only a search is no request by itself.
                None => {
                    let path = search.as_deref().unwrap_or_default();
                    client.send(crate::client::Request::get(path)).await
                }
            }
        });
        Ok(Reply::Race(futures_util::future::join_all(requests).await))
    }

    async fn wait_for(&mut self, delivery: &Delivery) -> Result<Reply, Trouble> {
        if let Some(missing) = self.sinks.blocked(&delivery.sink) {
            return Err(missing.into());
        }
        let mut matching = Vec::new();
        for assertion in &delivery.matching {
            matching.push(self.bindings.fill_value(&assertion.expected)?);
        }
        let cancelled = self.options.cancel.clone();
        let waiting = self.waiting();
        let delivered = tokio::select! {
            delivered = self.sinks.wait(delivery, &matching, &waiting) => delivered?,
            () = cancelled.cancelled() => return Err(Trouble::Interrupted),
        };
        if delivered.is_empty() || delivered.len() < delivery.count {
            self.sign_of_life(&delivery.sink).await?;
        }
        Ok(Reply::Delivered(delivered))
    }

    /// What did not come to a sink proves something only of a server that still answers.
    async fn sign_of_life(&self, sink: &str) -> Result<(), Trouble> {
        let asked = self.project.admin().send(Request::get("metadata")).await;
        asked.map(drop).map_err(|error| {
            let doing = format!("waiting at the sink {sink}");
            let text = format!("that nothing came proves nothing, for the server is down: {error}");
            SetupError::new(doing, text, error.help()).into()
        })
    }

    /// Whether everything that the answer is compared with exists. What the step itself captures
    /// will.
    fn can_be_judged(&self, step: &Step) -> Result<(), Missing> {
        let own: Vec<&str> = step.names().collect();
        let missing = super::judge::compared_with(step)
            .into_iter()
            .find(|name| self.bindings.get(name).is_none() && !own.contains(&name.as_str()));
        match missing {
            Some(name) => Err(self.bindings.blocked_by(&name)),
            None => Ok(()),
        }
    }

    pub(super) fn client(&self, actor: &str) -> Result<Client, Trouble> {
        if actor == ADMIN {
            return Ok(self.project.admin().clone());
        }
        if actor == ANONYMOUS {
            return Ok(self.project.anonymous()?);
        }
        self.sessions
            .iter()
            .find(|session| session.name == actor)
            .map(|session| session.client.clone())
            .ok_or_else(|| {
                Trouble::Blocked(Missing {
                    why: format!("`{actor}` is not signed in"),
                    not_offered: false,
                })
            })
    }

    /// Why there is no answer, in the words of a report.
    fn excuse(&self, step: &Step, trouble: Trouble, played: &mut Played) {
        match trouble {
            Trouble::Blocked(missing) => {
                played.verdict = if missing.not_offered {
                    StepVerdict::Skipped
                } else {
                    StepVerdict::Blocked
                };
                played.not_offered = missing.not_offered;
                played.problems.push(Problem::new(missing.why));
            }
            Trouble::Client(error) => {
                played.status = error.status();
                let expected = error
                    .status()
                    .is_some_and(|status| step.expect.status.names(status));
                if expected {
                    played.outcome = error.status().map(|status| status.to_string());
                    return;
                }
                played.verdict = match error {
                    // It is not known to be wrong, and neither to be right.
                    ClientError::Truncated { .. } => StepVerdict::Inconclusive,
                    _ => StepVerdict::Error,
                };
                played.transport = error.is_transport();
                let problem = Problem::new(error.to_string()).with_help(error.help());
                played.problems.push(problem);
            }
            Trouble::Interrupted => played.interrupted = true,
            Trouble::Setup(error) => {
                played.verdict = StepVerdict::Error;
                played.transport = error.transport;
                let problem = Problem::new(error.to_string());
                played.problems.push(if error.help.is_empty() {
                    problem
                } else {
                    problem.with_help(error.help)
                });
            }
        }
    }
}

/// Whether a step that was to change something was refused or failed.
pub(super) fn is_undone(step: &Step, played: &Played) -> bool {
    if let Action::Race(racers) = &step.action {
        let wanted = least_winners(step, racers);
        return step.action.changes() && played.winners.unwrap_or_default() < wanted;
    }
    let wanted = step.expect.status.wants_success();
    let answered = matches!(played.verdict, StepVerdict::Passed | StepVerdict::Failed);
    let done = answered
        && played
            .status
            .is_none_or(|status| (200..300).contains(&status));
    step.action.changes() && wanted && !done
}

/// The statuses that are the success of a verb.
pub(super) fn is_success_of(action: &Action, status: u16) -> bool {
    match action {
        Action::Create { .. } | Action::Upload { .. } => status == 201,
        Action::Delete(_) => matches!(status, 200 | 202 | 204),
        Action::Upsert { .. } => matches!(status, 200 | 201),
        Action::Raw { .. } | Action::Operation { .. } => (200..300).contains(&status),
        _ => status == 200,
    }
}

/// The success of a conditional create is also that it was there already.
pub(super) fn is_met(
    expected: &ExpectedStatus,
    action: &Action,
    conditional: bool,
    status: u16,
) -> bool {
    match expected {
        ExpectedStatus::Success => is_success_of(action, status) || (conditional && status == 200),
        other => other.names(status),
    }
}
