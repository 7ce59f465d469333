//! Answers against expectations.

use fhirward_engine::words::listed;
use std::slice::from_ref;

use serde_json::Value;

use super::player::Player;
use super::step::{Played, Reply, is_met};
use crate::client::{Answer, ClientError, Found, shorten};
use crate::expect::{
    Sight, check_body, check_fhirpath, check_headers, check_text, plain, selected,
};
use crate::report::{Problem, StepVerdict};
use crate::scenario::{
    ANONYMOUS, Action, Expect, ExpectedStatus, Extras, HeaderValue, Step, Template,
};

/// What is held against an answer, and whose answer it is.
pub(super) struct Case<'s> {
    actor: &'s str,
    action: &'s Action,
    conditional: bool,
    expect: &'s Expect,
}

impl<'s> Case<'s> {
    pub(super) fn of(
        actor: &'s str,
        action: &'s Action,
        extras: &Extras,
        expect: &'s Expect,
    ) -> Self {
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
                let kind = self.judge_status(&case, &answer_of(&answer, empty), played);
                self.forgive(follows, step, played);
                self.note(step, &answer, played);
                self.judge_answer(&case, &answer, kind, played);
                if let Action::Bundle { entries, .. } = &step.action {
                    self.judge_bundle(step, entries, &answer, played);
                }
            }
            Reply::Found(found, rest) => {
                played.record(found.status, found.outcome.as_deref());
                let follows = found.is_success() && self.follows_from_undone(step, Some(&found));
                let seen = Seen {
                    status: found.status,
                    code: found.outcome.as_deref(),
                    empty: self.own(&found.references()).is_empty(),
                };
                let kind = self.judge_status(&case, &seen, played);
                self.forgive(follows, step, played);
                self.judge_found(step, &found, kind, rest.is_none(), played);
                if let Some(truncated) = rest {
                    say_truncated(&truncated, played);
                }
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

    /// Says whether the answer is of the kind that is expected, so that what is in it can be held
    /// against the file.
    pub(super) fn judge_status(
        &self,
        case: &Case<'_>,
        seen: &Seen<'_>,
        played: &mut Played,
    ) -> AnswerKind {
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
            return AnswerKind::Expected;
        }
        let code = seen
            .code
            .map(|code| format!(" ({code})"))
            .unwrap_or_default();
        let message = format!("expected {expected}, got {status}{code}");
        if status == 401 {
            played.verdict = StepVerdict::Error;
            // Who has no token cannot have a bad one.
            let problem = if case.actor == ANONYMOUS {
                Problem::new(format!("{message}: the server wants a login")).with_help(
                    "nobody is signed in as `anonymous`; where that is right, expect 401",
                )
            } else {
                Problem::new(format!("{message}: the server refuses the actor's token"))
                    .with_help("the token expired or was revoked; this says nothing about policies")
            };
            played.problems.push(problem);
        } else if expected.is_denial() && success && !empty {
            let message = format!("{message}: {} got through", case.actor);
            played.problems.push(Problem::leak(message));
        } else if expected.is_denial() && profile.hidden.contains(&status) {
            let taken: Vec<String> = profile.hidden.iter().map(u16::to_string).collect();
            played
                .problems
                .push(Problem::new(message).with_help(format!(
                    "servers differ in how they refuse; `expect: hidden` takes {} alike",
                    listed(taken.iter().map(String::as_str))
                )));
        } else {
            played.problems.push(Problem::new(message));
        }
        if let Some(resource) = self.looked_at(case.action)
            && let Some(problem) = played.problems.pop()
        {
            played.problems.push(problem.about(case.actor, &resource));
        }
        if success == expected.wants_success() {
            AnswerKind::Expected
        } else {
            AnswerKind::Other
        }
    }

    /// The resource that a step looks at by its id.
    fn looked_at(&self, action: &Action) -> Option<String> {
        let (Action::Read(target) | Action::Vread(target) | Action::History(target)) = action
        else {
            return None;
        };
        let target = self.bindings.fill(target).ok()?;
        let reference: Vec<&str> = target.split('/').take(2).collect();
        self.aliases.known(&reference.join("/")).map(str::to_owned)
    }

    pub(super) fn judge_answer(
        &self,
        case: &Case<'_>,
        answer: &Answer,
        kind: AnswerKind,
        played: &mut Played,
    ) {
        let creates = case.action.creates();
        if creates && answer.is_success() && answer.reference().is_none() {
            played.problems.push(Problem::new(
                "the answer does not say what was created: no id in the body, no Location",
            ));
        }
        match kind {
            AnswerKind::Expected => self.judge_content(case.expect, answer, played),
            AnswerKind::Other => leave_unjudged(case.expect, played),
        }
        if played.verdict == StepVerdict::Passed
            && !played.problems.is_empty()
            && !answer.is_success()
            && let Some(words) = answer.explanation()
            && let Some(first) = played.problems.first_mut()
        {
            let said = format!("the server says: {}", self.clean(words));
            first.help = Some(match &first.help {
                None => said,
                Some(help) => format!("{help}; {said}"),
            });
        }
    }

    fn judge_content(&self, expect: &Expect, answer: &Answer, played: &mut Played) {
        if let Some(code) = &expect.outcome
            && !answer.has_outcome(code)
        {
            let got = answer.outcome().unwrap_or("no OperationOutcome");
            played.problems.push(Problem::new(format!(
                "expected the issue code `{code}`, got {got}"
            )));
        }
        self.judge_headers(expect, answer, played);
        self.judge_body(expect, answer.body.as_ref(), played);
        if let Some(text) = &expect.text {
            let problem = match self.bindings.fill(text) {
                Ok(text) => check_text(answer.text.as_deref(), answer.body.as_ref(), &text),
                Err(missing) => Some(missing.why),
            };
            played.problems.extend(problem.map(Problem::new));
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

    pub(super) fn judge_body(&self, expect: &Expect, body: Option<&Value>, played: &mut Played) {
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

    pub(super) fn clean(&self, text: &str) -> String {
        self.aliases
            .rewrite(&self.project.admin().clean(&shorten(text)))
    }
}

/// Whether what came is what the expectations are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerKind {
    /// It is.
    Expected,
    /// A refusal instead of a success, or the other way round.
    Other,
}

/// Says once that a resource is not compared with an OperationOutcome.
pub(super) fn leave_unjudged(expect: &Expect, played: &mut Played) {
    let keys = expect.of_content();
    if keys.is_empty() {
        return;
    }
    let verb = if keys.len() == 1 { "is" } else { "are" };
    played.problems.push(Problem::remark(format!(
        "{} {verb} not judged: this is another kind of answer",
        listed(keys.iter().copied())
    )));
}

/// Where nothing of a search that did not come to its end is wrong, nothing is known to be right.
fn say_truncated(truncated: &ClientError, played: &mut Played) {
    if played.problems.is_empty() {
        played.verdict = StepVerdict::Inconclusive;
    }
    let problem = Problem::new(truncated.to_string()).with_help(truncated.help());
    played.problems.push(problem);
}

/// What decides about a status.
pub(super) struct Seen<'a> {
    status: u16,
    code: Option<&'a str>,
    empty: bool,
}

pub(super) fn answer_of(answer: &Answer, empty: bool) -> Seen<'_> {
    Seen {
        status: answer.status,
        code: answer.outcome(),
        empty,
    }
}

impl Played {
    /// For the report and the snapshot.
    pub(super) fn record(&mut self, status: u16, code: Option<&str>) {
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
    let racers = match &step.action {
        Action::Race(racers) => racers.as_slice(),
        _ => &[],
    };
    let entries = entries.iter().map(|entry| &entry.expect);
    let racers = racers.iter().filter_map(|racer| racer.expect.as_ref());
    for expect in entries.chain(racers).chain([&step.expect]) {
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
pub(super) fn names_in(value: &Value) -> Vec<String> {
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
pub(super) fn is_empty(action: &Action, answer: &Answer) -> bool {
    matches!(action, Action::History(_) | Action::Search(_))
        && answer.body.as_ref().is_some_and(|body| {
            body.get("entry")
                .and_then(Value::as_array)
                .is_none_or(Vec::is_empty)
        })
}
