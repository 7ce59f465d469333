//! Answers against expectations.

use std::slice::from_ref;

use serde_json::Value;

use super::player::Player;
use super::request::responses;
use super::step::{Played, Reply, is_met, is_success_of};
use crate::client::{Answer, ClientError, Found, shorten};
use crate::expect::{
    Sight, check_body, check_fhirpath, check_headers, check_matches, check_text, plain, selected,
};
use crate::report::{Problem, StepVerdict};
use crate::scenario::{
    Action, Entry, Expect, ExpectedStatus, Extras, HeaderValue, Racer, Step, Template,
};

/// What is held against an answer, and whose answer it is.
struct Case<'s> {
    actor: &'s str,
    action: &'s Action,
    conditional: bool,
    expect: &'s Expect,
}

impl<'s> Case<'s> {
    fn of(actor: &'s str, action: &'s Action, extras: &Extras, expect: &'s Expect) -> Self {
        Self {
            actor,
            action,
            conditional: extras.if_none_exist.is_some(),
            expect,
        }
    }
}

impl Player<'_> {
    pub(super) fn judge(&mut self, step: &Step, reply: Reply, played: &mut Played) {
        let case = Case::of(&step.actor, &step.action, &step.extras, &step.expect);
        match reply {
            Reply::Done => {}
            Reply::Race(answers) => self.judge_race(step, answers, played),
            Reply::Delivered(delivered) => self.judge_delivered(step, &delivered, played),
            Reply::Answer(answer) => {
                let empty = is_empty(&step.action, &answer);
                played.record(answer.status, answer.outcome());
                let follows = answer.is_success() && self.follows_from_undone(step, None);
                self.judge_status(&case, &answer_of(&answer, empty), played);
                self.forgive(follows, step, played);
                self.note(step, &answer, played);
                self.judge_answer(&case, &answer, played);
                if let Action::Bundle { entries, .. } = &step.action {
                    self.judge_bundle(step, entries, &answer, played);
                }
            }
            Reply::Found(found) => {
                played.record(found.status, found.outcome.as_deref());
                let follows = found.is_success() && self.follows_from_undone(step, Some(&found));
                let seen = Seen {
                    status: found.status,
                    code: found.outcome.as_deref(),
                    empty: self.own(&found.references()).is_empty(),
                };
                self.judge_status(&case, &seen, played);
                self.forgive(follows, step, played);
                self.judge_found(step, &found, played);
                if let Some(first) = &found.first {
                    self.capture_parts(step, first, played);
                }
            }
        }
        if played.verdict == StepVerdict::Passed && !played.problems.is_empty() {
            played.verdict = StepVerdict::Failed;
        }
    }

    /// That a look succeeds is no leak where a change before it did not happen.
    fn forgive(&mut self, follows: bool, step: &Step, played: &mut Played) {
        if !follows {
            return;
        }
        self.consequences.insert(step.id.clone());
        if let Some(undone) = &self.undone {
            for problem in played.problems.iter_mut().filter(|problem| problem.leak) {
                problem.leak = false;
                problem.help = Some(format!("step {undone} did not happen"));
            }
        }
    }

    /// Whether it is no wonder that a look succeeds: a change before it did not happen, and as
    /// things are the policies allow the look.
    fn follows_from_undone(&self, step: &Step, found: Option<&Found>) -> bool {
        if self.undone.is_none() {
            return false;
        }
        let Some(session) = self.sessions.iter().find(|s| s.name == step.actor) else {
            return false;
        };
        let sight = |reference: &str| {
            let copy = self.copies.get(reference)?;
            Some(session.predictor.sight(copy, &|of| self.copies.get(of)).0)
        };
        match (&step.action, found) {
            (Action::Read(target) | Action::Vread(target) | Action::History(target), _) => {
                let Ok(target) = self.bindings.fill(target) else {
                    return false;
                };
                let reference: Vec<&str> = target.split('/').take(2).collect();
                sight(&reference.join("/")).is_some_and(Sight::by_id)
            }
            (Action::Search(_), Some(found)) => self
                .own(&found.references())
                .iter()
                .all(|reference| sight(reference).is_some_and(Sight::by_search)),
            _ => false,
        }
    }

    fn judge_status(&self, case: &Case<'_>, seen: &Seen<'_>, played: &mut Played) {
        let profile = &self.project.admin().target().profile;
        let (status, empty) = (seen.status, seen.empty);
        let success = (200..300).contains(&status);
        let expected = &case.expect.status;
        let met = match expected {
            ExpectedStatus::Hidden => profile.hidden.contains(&status) || (success && empty),
            ExpectedStatus::Denied => profile.denied.contains(&status),
            _ => is_met(expected, case.action, case.conditional, status),
        };
        if met {
            return;
        }
        let code = seen
            .code
            .map(|code| format!(" ({code})"))
            .unwrap_or_default();
        let message = format!("expected {expected}, got {status}{code}");
        if status == 401 {
            played.verdict = StepVerdict::Error;
            played.problems.push(
                Problem::new(format!("{message}: the server refuses the actor's token")).with_help(
                    "the token expired or was revoked; this says nothing about policies",
                ),
            );
        } else if expected.is_denial() && success && !empty {
            let message = format!("{message}: {} got through", case.actor);
            played.problems.push(Problem::leak(message));
        } else {
            played.problems.push(Problem::new(message));
        }
    }

    fn judge_answer(&self, case: &Case<'_>, answer: &Answer, played: &mut Played) {
        let creates = case.action.creates();
        if creates && answer.is_success() && answer.reference().is_none() {
            played.problems.push(Problem::new(
                "the answer does not say what was created: no id in the body, no Location",
            ));
        }
        if let Some(code) = &case.expect.outcome
            && !answer.has_outcome(code)
        {
            let got = answer.outcome().unwrap_or("no OperationOutcome");
            played.problems.push(Problem::new(format!(
                "expected the issue code `{code}`, got {got}"
            )));
        }
        self.judge_headers(case.expect, answer, played);
        self.judge_body(case.expect, answer.body.as_ref(), played);
        if let Some(text) = &case.expect.text {
            let problem = match self.bindings.fill(text) {
                Ok(text) => check_text(answer.text.as_deref(), answer.body.as_ref(), &text),
                Err(missing) => Some(missing.why),
            };
            played.problems.extend(problem.map(Problem::new));
        }
        if played.verdict == StepVerdict::Passed
            && !played.problems.is_empty()
            && !answer.is_success()
            && let Some(words) = answer.explanation()
            && let Some(first) = played.problems.first_mut()
        {
            first.help = Some(format!("the server says: {}", self.clean(words)));
        }
    }

    fn judge_headers(&self, expect: &Expect, answer: &Answer, played: &mut Played) {
        let mut claims = Vec::new();
        for claim in &expect.headers {
            let value = match &claim.value {
                HeaderValue::Present => Ok(None),
                HeaderValue::Absent => Ok(Some(None)),
                HeaderValue::Exactly(template) => {
                    self.bindings.fill(template).map(|text| Some(Some(text)))
                }
            };
            match value {
                Ok(value) => claims.push((claim.name.as_str(), value)),
                Err(missing) => played.problems.push(Problem::new(missing.why)),
            }
        }
        let media_type = expect.media_type.as_deref();
        played.problems.extend(
            check_headers(&answer.headers, &claims, media_type)
                .into_iter()
                .map(|text| Problem::new(self.aliases.rewrite(&text))),
        );
    }

    fn judge_body(&self, expect: &Expect, body: Option<&Value>, played: &mut Played) {
        let expected: Result<Vec<Value>, _> = expect
            .body
            .iter()
            .map(|assertion| self.bindings.fill_value(&assertion.expected))
            .collect();
        let truths: Result<Vec<String>, _> = expect
            .fhirpath
            .iter()
            .map(|expression| self.bindings.fill(expression))
            .collect();
        match (expected, truths) {
            (Ok(expected), Ok(truths)) => {
                for (assertion, expected) in expect.body.iter().zip(&expected) {
                    // As the file says it, where it holds: that is the same on every server.
                    let problems = check_body(body, from_ref(assertion), from_ref(expected));
                    let value = if problems.is_empty() {
                        plain(&assertion.expected)
                    } else {
                        self.aliases.rewrite(&selected(body, assertion))
                    };
                    played.field(&assertion.text, value);
                }
                let mut problems = check_body(body, &expect.body, &expected);
                problems.extend(check_fhirpath(body, &truths));
                played.problems.extend(
                    problems
                        .into_iter()
                        .map(|text| Problem::new(self.aliases.rewrite(&text))),
                );
            }
            (Err(missing), _) | (_, Err(missing)) => {
                played.problems.push(Problem::new(missing.why));
            }
        }
    }

    /// Each entry of a Bundle by itself. Where the whole was refused, there is none.
    fn judge_bundle(
        &mut self,
        step: &Step,
        entries: &[Entry],
        answer: &Answer,
        played: &mut Played,
    ) {
        if !answer.is_success() {
            return;
        }
        let Some(answers) = responses(answer) else {
            played.problems.push(Problem::new(
                "the answer is no Bundle in which every entry has a response with a status",
            ));
            return;
        };
        if answers.len() != entries.len() {
            played.problems.push(Problem::new(format!(
                "{} entries were sent, and {} answered",
                entries.len(),
                answers.len()
            )));
        }
        let mut outcomes = Vec::new();
        for (index, (entry, answer)) in entries.iter().zip(&answers).enumerate() {
            let case = Case::of(&step.actor, &entry.action, &entry.extras, &entry.expect);
            let mut own = Played::new();
            own.record(answer.status, answer.outcome());
            if answer.status >= 500 || answer.status == 429 {
                if !entry.expect.status.names(answer.status) {
                    own.verdict = StepVerdict::Error;
                    let message = format!("the server answers {}", answer.status);
                    own.problems.push(Problem::new(message));
                }
            } else {
                let empty = answer.is_success() && is_empty(&entry.action, answer);
                self.judge_status(&case, &answer_of(answer, empty), &mut own);
                self.note_entry(entry, answer);
                self.judge_answer(&case, answer, &mut own);
            }
            outcomes.push(own.outcome.unwrap_or_default());
            if own.verdict == StepVerdict::Error {
                played.verdict = StepVerdict::Error;
            }
            let what = format!("{} {}", entry.action.verb(), entry.action.target());
            for mut problem in own.problems {
                problem.message = format!("entry {} ({what}): {}", index + 1, problem.message);
                played.problems.push(problem);
            }
        }
        played.outcome = Some(format!("{}: {}", answer.status, outcomes.join(", ")));
    }

    fn judge_race(
        &mut self,
        step: &Step,
        answers: Vec<Result<Answer, ClientError>>,
        played: &mut Played,
    ) {
        let Action::Race(racers) = &step.action else {
            return;
        };
        let profile = &self.project.admin().target().profile;
        let (hidden, denied) = (profile.hidden.clone(), profile.denied.clone());
        let mut winners = 0;
        let mut told = Vec::new();
        for (racer, answer) in racers.iter().zip(answers) {
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    let expected = step.expect.losers.as_ref().zip(error.status());
                    if expected.is_some_and(|(losers, status)| losers.names(status)) {
                        told.push(told_of(racer, error.status().unwrap_or_default()));
                        continue;
                    }
                    played.verdict = StepVerdict::Error;
                    played.transport |= error.is_transport();
                    let message = format!("{}: {error}", racer.actor);
                    played
                        .problems
                        .push(Problem::new(message).with_help(error.help()));
                    continue;
                }
            };
            let status = answer.status;
            told.push(told_of(racer, status));
            if is_success_of(&racer.action, status)
                || (racer.extras.if_none_exist.is_some() && status == 200)
            {
                winners += 1;
                self.note_racer(step, racer, &answer);
                continue;
            }
            let met = match &step.expect.losers {
                None => (400..500).contains(&status) && status != 401,
                Some(ExpectedStatus::Hidden) => hidden.contains(&status),
                Some(ExpectedStatus::Denied) => denied.contains(&status),
                Some(expected) => expected.names(status),
            };
            if !met {
                let code = answer.outcome().map(|code| format!(" ({code})"));
                let expected = match &step.expect.losers {
                    Some(losers) => losers.to_string(),
                    None => "a refusal (4xx)".to_owned(),
                };
                played.problems.push(Problem::new(format!(
                    "{} lost with {status}{}, expected {expected}",
                    racer.actor,
                    code.unwrap_or_default(),
                )));
            }
        }
        let wanted = step.expect.winners.unwrap_or_default();
        if winners != wanted && played.verdict != StepVerdict::Error {
            let message = format!(
                "{winners} succeeded, expected {wanted}: {}",
                told.join(", ")
            );
            played.problems.insert(0, Problem::new(message));
        }
        played.winners = Some(winners);
        played.outcome = Some(format!("{winners} of {} succeeded", racers.len()));
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
        self.judge_body(&step.expect, found.first.as_ref(), played);
        if !found.is_success() {
            let wanted = step.expect.matches.is_some() || step.expect.includes.is_some();
            if wanted && played.problems.is_empty() {
                let message = format!("finds nothing: the server answers {}", found.status);
                played.problems.push(Problem::new(message));
            }
            return;
        }
        let sorted = step.action.target().contains("_sort=");
        let references = found.references();
        let names = self.compare(
            step,
            &references,
            step.expect.matches.as_ref(),
            "finds",
            sorted,
            played,
        );
        played.matches = Some(names);
        if step.expect.includes.is_some() {
            let included: Vec<String> = found
                .included
                .iter()
                .filter_map(crate::client::reference_of)
                .collect();
            let expected = step.expect.includes.as_ref();
            self.compare(step, &included, expected, "includes", false, played);
        }
    }

    /// The names of what was found, held against those that were expected.
    fn compare(
        &mut self,
        step: &Step,
        references: &[String],
        expected: Option<&Vec<String>>,
        verb: &str,
        sorted: bool,
        played: &mut Played,
    ) -> Vec<String> {
        // Two names may stand for one resource; its alias is the first of them.
        let expected: Option<Vec<String>> = expected.map(|names| {
            names
                .iter()
                .filter_map(|name| self.bindings.reference(name))
                .map(str::to_owned)
                .collect::<Vec<_>>()
                .iter()
                .map(|reference| self.aliases.of(reference))
                .collect()
        });
        let mut references = self.own(references);
        if self.project.enforces_policies().is_err() {
            // The server shows everything to everybody; what the policies hide is not judged.
            references.retain(|reference| !self.must_not_find(&step.actor, reference));
        }
        let mut names: Vec<String> = references.iter().map(|r| self.aliases.of(r)).collect();
        if !sorted {
            // Without a sort the order is the server's own and means nothing.
            self.aliases.sort(&mut names);
        }
        if let Some(expected) = expected {
            let leak = references.iter().any(|r| {
                let alias = self.aliases.known(r).unwrap_or_default();
                !expected.iter().any(|name| name == alias) && self.must_not_find(&step.actor, r)
            });
            let order = step.expect.order && verb == "finds";
            for message in check_matches(&expected, &names, order) {
                let leak = leak && message.starts_with("also finds");
                let message = message.replacen("finds", verb, 1);
                played.problems.push(Problem {
                    leak,
                    ..Problem::new(message)
                });
            }
        }
        names
    }

    /// What a search found of the scenario's own. Other scenarios play on the same server, and
    /// what an actor sees of theirs depends on which of them are there at this moment.
    fn own(&self, references: &[String]) -> Vec<String> {
        let mut references = references.to_vec();
        references.retain(|reference| self.aliases.known(reference).is_some());
        references
    }

    /// Whether the engine says that a search must not show the resource to the actor.
    fn must_not_find(&self, actor: &str, reference: &str) -> bool {
        let session = self.sessions.iter().find(|session| session.name == actor);
        match (session, self.copies.get(reference)) {
            (Some(session), Some(copy)) => {
                let known = |of: &str| self.copies.get(of);
                !session.predictor.sight(copy, &known).0.by_search()
            }
            _ => false,
        }
    }

    fn judge_delivered(
        &mut self,
        step: &Step,
        delivered: &[super::sink::Delivered],
        played: &mut Played,
    ) {
        let Action::Await(delivery) = &step.action else {
            return;
        };
        let (came, wanted) = (delivered.len(), delivery.count);
        played.outcome = Some(format!("{came} delivered"));
        if came != wanted {
            let within = delivery.within.as_millis();
            let message = if wanted == 0 {
                format!(
                    "{came} came to `{}` within {within} ms, expected none",
                    delivery.sink
                )
            } else {
                format!(
                    "{came} of {wanted} came to `{}` within {within} ms",
                    delivery.sink
                )
            };
            let problem = Problem::new(message);
            played
                .problems
                .push(match self.sinks.others(&delivery.sink) {
                    0 => problem,
                    others => problem
                        .with_help(format!("{others} arrived there that `match` does not take")),
                });
            return;
        }
        let Some(last) = delivered.last() else {
            return;
        };
        let answer = Answer {
            status: 200,
            version: None,
            location: None,
            body: last.body.clone(),
            headers: last.headers.clone(),
            text: Some(last.text.clone()),
        };
        self.note(step, &answer, played);
        let case = Case::of(&step.actor, &step.action, &step.extras, &step.expect);
        self.judge_answer(&case, &answer, played);
    }

    pub(super) fn clean(&self, text: &str) -> String {
        self.aliases
            .rewrite(&self.project.admin().clean(&shorten(text)))
    }
}

/// What decides about a status.
struct Seen<'a> {
    status: u16,
    code: Option<&'a str>,
    empty: bool,
}

fn answer_of(answer: &Answer, empty: bool) -> Seen<'_> {
    Seen {
        status: answer.status,
        code: answer.outcome(),
        empty,
    }
}

fn told_of(racer: &Racer, status: u16) -> String {
    format!("{} {status}", racer.actor)
}

impl Played {
    /// For the report and the snapshot.
    fn record(&mut self, status: u16, code: Option<&str>) {
        self.status = Some(status);
        self.outcome = Some(match code {
            Some(code) if !(200..300).contains(&status) => format!("{status} {code}"),
            _ => status.to_string(),
        });
    }
}

/// The names that an answer is compared with.
pub(super) fn compared_with(step: &Step) -> Vec<String> {
    let mut names = Vec::new();
    let entries = match &step.action {
        Action::Bundle { entries, .. } => entries.as_slice(),
        _ => &[],
    };
    let expects = entries.iter().map(|entry| &entry.expect);
    for expect in expects.chain([&step.expect]) {
        names.extend(expect.matches.iter().flatten().cloned());
        names.extend(expect.includes.iter().flatten().cloned());
        for assertion in &expect.body {
            names.extend(names_in(&assertion.expected));
        }
        let texts = expect.fhirpath.iter().chain(&expect.text);
        let headers = expect
            .headers
            .iter()
            .filter_map(|claim| match &claim.value {
                HeaderValue::Exactly(template) => Some(template),
                HeaderValue::Present | HeaderValue::Absent => None,
            });
        for template in texts.chain(headers) {
            names.extend(template.references().map(|r| r.name.clone()));
        }
    }
    names
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

/// A Bundle without entries shows nothing.
fn is_empty(action: &Action, answer: &Answer) -> bool {
    matches!(action, Action::History(_) | Action::Search(_))
        && answer.body.as_ref().is_some_and(|body| {
            body.get("entry")
                .and_then(Value::as_array)
                .is_none_or(Vec::is_empty)
        })
}
