//! One step: a request, and what its answer must be.

use std::time::Instant;

use reqwest::Method;
use serde_json::Value;

use super::clock;
use super::matrix::Watched;
use super::player::Player;
use crate::actor::SetupError;
use crate::client::{Answer, Client, ClientError, Found, Request, shorten};
use crate::expect::{Sight, check_body, check_matches};
use crate::report::{Problem, StepVerdict};
use crate::scenario::{ADMIN, Action, ExpectedStatus, Step, Template};

/// A step that was played.
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
    /// Whether there was no answer at all.
    pub(super) transport: bool,
}

/// What came back.
enum Reply {
    Answer(Answer),
    Found(Found),
    Granted,
}

/// Why nothing came back.
enum Trouble {
    Blocked(String),
    Client(ClientError),
    Setup(SetupError),
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl From<String> for Trouble {
    fn from(reason: String) -> Self {
        Self::Blocked(reason)
    }
}

impl Player<'_> {
    /// Plays a step.
    pub(super) async fn perform(&mut self, step: &Step) -> Played {
        // What was sent again before belongs to somebody's look at the matrix.
        if let Ok(client) = self.client(&step.actor) {
            client.take_retries();
        }
        let begun = Instant::now();
        let reply = self.request(step).await;
        let mut played = Played {
            verdict: StepVerdict::Passed,
            status: None,
            duration_ms: clock::milliseconds(begun),
            problems: Vec::new(),
            retries: Vec::new(),
            outcome: None,
            matches: None,
            transport: false,
        };
        if let Ok(client) = self.client(&step.actor) {
            played.retries = client.take_retries();
        }
        match reply {
            Ok(reply) => self.judge(step, reply, &mut played),
            Err(trouble) => excuse(step, trouble, &mut played),
        }
        if let Some(name) = &step.capture
            && self.bindings.get(name).is_none()
        {
            self.bindings.give_up(name, &step.id);
        }
        played
    }

    async fn request(&mut self, step: &Step) -> Result<Reply, Trouble> {
        let client = self.client(&step.actor)?;
        self.can_be_judged(step)?;
        let if_match = step
            .if_match
            .as_ref()
            .map(|version| self.bindings.fill(version))
            .transpose()?;
        let send = async |method, target: &str, body: Option<&Value>, media_type: Option<&str>| {
            let mut request = Request::new(method, target);
            request.body = body;
            request.media_type = media_type;
            request.if_match = if_match.as_deref();
            client.send(request).await.map(Reply::Answer)
        };
        let fill = |target: &Template| self.bindings.fill(target);
        Ok(match &step.action {
            Action::Create {
                resource_type,
                body,
            } => {
                let body = self.bindings.fill_value(body)?;
                send(Method::POST, resource_type, Some(&body), None).await?
            }
            Action::Read(target) | Action::Vread(target) => {
                send(Method::GET, &fill(target)?, None, None).await?
            }
            Action::History(target) => {
                let target = format!("{}/_history", fill(target)?);
                send(Method::GET, &target, None, None).await?
            }
            Action::Update { target, body } => {
                let body = self.bindings.fill_value(body)?;
                send(Method::PUT, &fill(target)?, Some(&body), None).await?
            }
            Action::Patch { target, body } => {
                let body = self.bindings.fill_value(body)?;
                let media_type = client.target().profile.patch_media_type.as_str();
                send(Method::PATCH, &fill(target)?, Some(&body), Some(media_type)).await?
            }
            Action::Delete(target) => send(Method::DELETE, &fill(target)?, None, None).await?,
            Action::Search(query) => Reply::Found(client.search(&fill(query)?).await?),
            Action::Grant { actor, access } => {
                let granted = self.granted(access)?;
                let project = self.project;
                if let Some(session) = self.sessions.iter_mut().find(|s| s.name == *actor) {
                    project
                        .grant(session, &granted)
                        .await
                        .map_err(Trouble::Setup)?;
                }
                Reply::Granted
            }
        })
    }

    /// Whether everything that the answer is compared with exists. What the step itself captures
    /// will.
    fn can_be_judged(&self, step: &Step) -> Result<(), String> {
        let names = step.expect.matches.iter().flatten().cloned();
        let mut needed: Vec<String> = names.collect();
        for assertion in &step.expect.body {
            needed.extend(names_in(&assertion.expected));
        }
        let missing = needed
            .into_iter()
            .find(|name| self.bindings.get(name).is_none() && step.capture.as_ref() != Some(name));
        match missing {
            Some(name) => Err(self.bindings.blocked_by(&name)),
            None => Ok(()),
        }
    }

    fn client(&self, actor: &str) -> Result<Client, Trouble> {
        if actor == ADMIN {
            return Ok(self.project.admin().clone());
        }
        self.sessions
            .iter()
            .find(|session| session.name == actor)
            .map(|session| session.client.clone())
            .ok_or_else(|| Trouble::Blocked(format!("`{actor}` is not signed in")))
    }

    fn judge(&mut self, step: &Step, reply: Reply, played: &mut Played) {
        let (status, code, empty) = match &reply {
            Reply::Granted => return,
            Reply::Answer(answer) => (answer.status, answer.outcome(), is_empty(step, answer)),
            Reply::Found(found) => (
                found.status,
                found.outcome.as_deref(),
                self.own(found).is_empty(),
            ),
        };
        played.status = Some(status);
        played.outcome = Some(match code {
            Some(code) if !(200..300).contains(&status) => format!("{status} {code}"),
            _ => status.to_string(),
        });
        let follows = (200..300).contains(&status) && self.follows_from_undone(step, &reply);
        if follows {
            self.consequences.insert(step.id.clone());
        }
        self.judge_status(step, status, code, empty, played);
        if follows && let Some(undone) = &self.undone {
            for problem in played.problems.iter_mut().filter(|problem| problem.leak) {
                problem.leak = false;
                problem.help = Some(format!("step {undone} did not happen"));
            }
        }
        match reply {
            Reply::Answer(answer) => {
                self.note(step, &answer);
                self.judge_answer(step, &answer, played);
            }
            Reply::Found(found) => self.judge_found(step, &found, played),
            Reply::Granted => {}
        }
        if played.verdict == StepVerdict::Passed && !played.problems.is_empty() {
            played.verdict = StepVerdict::Failed;
        }
    }

    /// Whether it is no wonder that a look succeeds: a change before it did not happen, and as
    /// things are the policies allow the look.
    fn follows_from_undone(&self, step: &Step, reply: &Reply) -> bool {
        if self.undone.is_none() {
            return false;
        }
        let Some(session) = self.sessions.iter().find(|s| s.name == step.actor) else {
            return false;
        };
        let sight = |reference: &str| {
            let copy = self.copies.get(reference)?;
            Some(session.predictor.sight(copy).0)
        };
        match (&step.action, reply) {
            (Action::Read(target) | Action::Vread(target) | Action::History(target), _) => {
                let Ok(target) = self.bindings.fill(target) else {
                    return false;
                };
                let reference: Vec<&str> = target.split('/').take(2).collect();
                sight(&reference.join("/")).is_some_and(Sight::by_id)
            }
            (Action::Search(_), Reply::Found(found)) => self
                .own(found)
                .iter()
                .all(|reference| sight(reference).is_some_and(Sight::by_search)),
            _ => false,
        }
    }

    fn judge_status(
        &self,
        step: &Step,
        status: u16,
        code: Option<&str>,
        empty: bool,
        played: &mut Played,
    ) {
        let profile = &self.project.admin().target().profile;
        let success = (200..300).contains(&status);
        let met = match step.expect.status {
            ExpectedStatus::Success => is_success_of(&step.action, status),
            ExpectedStatus::Exactly(expected) => status == expected,
            ExpectedStatus::Hidden => profile.hidden.contains(&status) || (success && empty),
            ExpectedStatus::Denied => profile.denied.contains(&status),
        };
        if met {
            return;
        }
        let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
        let message = format!("expected {}, got {status}{code}", step.expect.status);
        if status == 401 {
            played.verdict = StepVerdict::Error;
            played.problems.push(
                Problem::new(format!("{message}: the server refuses the actor's token")).with_help(
                    "the token expired or was revoked; this says nothing about policies",
                ),
            );
        } else if step.expect.status.is_denial() && success && !empty {
            let message = format!("{message}: {} got through", step.actor);
            played.problems.push(Problem::leak(message));
        } else {
            played.problems.push(Problem::new(message));
        }
    }

    /// Remembers what a successful step brought about.
    fn note(&mut self, step: &Step, answer: &Answer) {
        if !answer.is_success() {
            return;
        }
        let reference = answer.reference();
        match &step.action {
            Action::Create { .. } => {
                let Some(reference) = &reference else {
                    return;
                };
                self.trash.add(reference.as_str());
                let alias = match &step.capture {
                    Some(name) => {
                        self.aliases.name(reference, name);
                        name.clone()
                    }
                    None => self.aliases.of(reference),
                };
                if step.capture.is_some() {
                    self.watched.push(Watched {
                        reference: reference.clone(),
                        alias,
                        gone: false,
                    });
                }
            }
            Action::Delete(target) => self.mark(target, true),
            Action::Update { target, .. } => {
                self.mark(target, false);
                if answer.status == 201
                    && let Some(reference) = &reference
                {
                    self.trash.add(reference.as_str());
                    if step.capture.is_none() {
                        self.aliases.of(reference);
                    }
                }
            }
            _ => {}
        }
        if let (Some(name), Some(reference)) = (&step.capture, reference) {
            self.aliases.name(&reference, name);
            self.bindings.bind(name, reference, answer.version_id());
        }
    }

    fn mark(&mut self, target: &Template, gone: bool) {
        if let Ok(reference) = self.bindings.fill(target) {
            for watched in &mut self.watched {
                if watched.reference == reference {
                    watched.gone = gone;
                }
            }
        }
    }

    fn judge_answer(&mut self, step: &Step, answer: &Answer, played: &mut Played) {
        let creates = matches!(step.action, Action::Create { .. });
        if creates && answer.is_success() && answer.reference().is_none() {
            played.problems.push(Problem::new(
                "the answer does not say what was created: no id in the body, no Location",
            ));
        }
        if let Some(code) = &step.expect.outcome
            && !answer.has_outcome(code)
        {
            let got = answer.outcome().unwrap_or("no OperationOutcome");
            played.problems.push(Problem::new(format!(
                "expected the issue code `{code}`, got {got}"
            )));
        }
        self.judge_body(step, answer.body.as_ref(), played);
        if played.verdict == StepVerdict::Passed
            && !played.problems.is_empty()
            && !answer.is_success()
            && let Some(words) = answer.explanation()
            && let Some(first) = played.problems.first_mut()
        {
            first.help = Some(format!("the server says: {}", self.clean(words)));
        }
    }

    fn judge_body(&self, step: &Step, body: Option<&Value>, played: &mut Played) {
        let expected: Result<Vec<Value>, String> = step
            .expect
            .body
            .iter()
            .map(|assertion| self.bindings.fill_value(&assertion.expected))
            .collect();
        match expected {
            Ok(expected) => played.problems.extend(
                check_body(body, &step.expect.body, &expected)
                    .into_iter()
                    .map(|text| Problem::new(self.aliases.rewrite(&text))),
            ),
            Err(reason) => played.problems.push(Problem::new(reason)),
        }
    }

    fn judge_found(&mut self, step: &Step, found: &Found, played: &mut Played) {
        if let Some(code) = &step.expect.outcome
            && found.outcome.as_ref() != Some(code)
        {
            let got = found.outcome.as_deref().unwrap_or("no OperationOutcome");
            played.problems.push(Problem::new(format!(
                "expected the issue code `{code}`, got {got}"
            )));
        }
        self.judge_body(step, found.first.as_ref(), played);
        if !found.is_success() {
            if step.expect.matches.is_some() && played.problems.is_empty() {
                let message = format!("finds nothing: the server answers {}", found.status);
                played.problems.push(Problem::new(message));
            }
            return;
        }
        // Two names may stand for one resource; its alias is the first of them.
        let expected: Option<Vec<String>> = step.expect.matches.as_ref().map(|names| {
            names
                .iter()
                .filter_map(|name| self.bindings.get(name))
                .map(|bound| self.aliases.of(&bound.reference))
                .collect()
        });
        let mut references = self.own(found);
        if self.project.enforces_policies().is_err() {
            // The server shows everything to everybody; what the policies hide is not judged.
            references.retain(|reference| !self.must_not_find(&step.actor, reference));
        }
        let mut names: Vec<String> = references.iter().map(|r| self.aliases.of(r)).collect();
        if !step.action.target().contains("_sort=") {
            // Without a sort the order is the server's own and means nothing.
            self.aliases.sort(&mut names);
        }
        if let Some(expected) = expected {
            let leak = references.iter().any(|r| {
                let alias = self.aliases.known(r).unwrap_or_default();
                !expected.iter().any(|name| name == alias) && self.must_not_find(&step.actor, r)
            });
            let problems = check_matches(&expected, &names, step.expect.order);
            played
                .problems
                .extend(problems.into_iter().map(|message| Problem {
                    leak: leak && message.starts_with("also finds"),
                    ..Problem::new(message)
                }));
        }
        played.matches = Some(names);
    }

    /// What a search found of the scenario's own. Other scenarios play on the same server, and
    /// what an actor sees of theirs depends on which of them are there at this moment.
    fn own(&self, found: &Found) -> Vec<String> {
        let mut references = found.references();
        references.retain(|reference| self.aliases.known(reference).is_some());
        references
    }

    /// Whether the engine says that a search must not show the resource to the actor.
    fn must_not_find(&self, actor: &str, reference: &str) -> bool {
        let session = self.sessions.iter().find(|session| session.name == actor);
        match (session, self.copies.get(reference)) {
            (Some(session), Some(copy)) => !session.predictor.sight(copy).0.by_search(),
            _ => false,
        }
    }

    fn clean(&self, text: &str) -> String {
        self.aliases
            .rewrite(&self.project.admin().clean(&shorten(text)))
    }
}

/// Whether a step that was to change something was refused or failed.
pub(super) fn is_undone(step: &Step, played: &Played) -> bool {
    let wanted = match step.expect.status {
        ExpectedStatus::Success => true,
        ExpectedStatus::Exactly(status) => (200..300).contains(&status),
        ExpectedStatus::Hidden | ExpectedStatus::Denied => false,
    };
    let answered = matches!(played.verdict, StepVerdict::Passed | StepVerdict::Failed);
    let done = answered
        && played
            .status
            .is_none_or(|status| (200..300).contains(&status));
    step.action.changes() && wanted && !done
}

/// The names in the templates of a value.
fn names_in(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => Template::parse(text)
            .map(|template| template.references().map(|r| r.name.clone()).collect())
            .unwrap_or_default(),
        Value::Array(items) => items.iter().flat_map(names_in).collect(),
        Value::Object(members) => members.values().flat_map(names_in).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// Why there is no answer, in the words of a report.
fn excuse(step: &Step, trouble: Trouble, played: &mut Played) {
    match trouble {
        Trouble::Blocked(reason) => {
            played.verdict = StepVerdict::Blocked;
            played.problems.push(Problem::new(reason));
        }
        Trouble::Client(error) => {
            played.status = error.status();
            let expected = match step.expect.status {
                ExpectedStatus::Exactly(status) => error.status() == Some(status),
                _ => false,
            };
            if expected {
                played.outcome = error.status().map(|status| status.to_string());
                return;
            }
            played.verdict = StepVerdict::Error;
            played.transport = error.is_transport();
            let problem = Problem::new(error.to_string()).with_help(error.help());
            played.problems.push(problem);
        }
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

/// The statuses that are the success of a verb.
fn is_success_of(action: &Action, status: u16) -> bool {
    match action {
        Action::Create { .. } => status == 201,
        Action::Delete(_) => matches!(status, 200 | 202 | 204),
        _ => status == 200,
    }
}

/// A Bundle without entries shows nothing.
fn is_empty(step: &Step, answer: &Answer) -> bool {
    matches!(step.action, Action::History(_))
        && answer.body.as_ref().is_some_and(|body| {
            body.get("entry")
                .and_then(Value::as_array)
                .is_none_or(Vec::is_empty)
        })
}
