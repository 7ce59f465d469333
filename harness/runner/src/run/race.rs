//! A race: who won, what the others got, and what each part by itself must get.

use std::borrow::Cow;

use super::judge::{Case, answer_of};
use super::player::Player;
use super::step::{Played, is_success_of};
use crate::client::{Answer, ClientError};
use crate::report::{Problem, StepVerdict};
use crate::scenario::{Action, ExpectedStatus, Racer, Step};

impl Player<'_> {
    pub(super) fn judge_race(
        &mut self,
        step: &Step,
        answers: Vec<Result<Answer, ClientError>>,
        played: &mut Played,
    ) {
        let Action::Race(racers) = &step.action else {
            return;
        };
        let mut count = 0;
        let mut told = Vec::new();
        for (at, (racer, answer)) in racers.iter().zip(answers).enumerate() {
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    if let Some(status) = error.status().filter(|s| is_expected(step, racer, *s)) {
                        told.push(told_of(racer, status));
                        continue;
                    }
                    played.verdict = StepVerdict::Error;
                    played.transport |= error.is_transport();
                    let message = format!("{}: {error}", racer.actor);
                    let problem = Problem::new(message).with_help(error.help());
                    played.problems.push(problem);
                    continue;
                }
            };
            told.push(told_of(racer, answer.status));
            let wins = self.wins(step, racer, answer.status);
            // Who only looks, and says what they must see, wins nothing.
            let competes = racer.competes() || step.expect.winners.is_none();
            count += usize::from(wins && competes);
            if answer.is_success() {
                self.note_racer(step, racer, &answer, wins && competes);
            }
            if racer.expect.is_some() {
                self.judge_part(at, racer, &answer, played);
            } else if !wins {
                self.judge_loser(step, racer, &answer, played);
            }
        }
        let wanted = step.expect.winners.as_ref();
        let missed = wanted.is_some_and(|wanted| !wanted.count.holds(count));
        if let (true, Some(wanted)) = (missed && played.verdict != StepVerdict::Error, wanted) {
            let message = format!("{count} {wanted}: {}", told.join(", "));
            played.problems.insert(0, Problem::new(message));
        }
        played.winners = Some(count);
        let (of, how) = match wanted {
            // How many it is may be another number the next time.
            Some(wanted) if !missed => (wanted.count.to_string(), wanted.how()),
            Some(wanted) => (count.to_string(), wanted.how()),
            None => (count.to_string(), "succeeded".to_owned()),
        };
        played.outcome = Some(format!("{of} of {} {how}", racers.len()));
    }

    /// Whether a status is that of a winner: the one that is named, or the success of the verb.
    fn wins(&self, step: &Step, racer: &Racer, status: u16) -> bool {
        let named = step.expect.winners.as_ref().and_then(|w| w.status.as_ref());
        match named {
            Some(named) => self.meets(named, status),
            None => {
                is_success_of(&racer.action, status)
                    || (racer.extras.if_none_exist.is_some() && status == 200)
            }
        }
    }

    /// A part that says itself what it must get, whoever wins.
    fn judge_part(&mut self, at: usize, racer: &Racer, answer: &Answer, played: &mut Played) {
        let Some(expect) = &racer.expect else { return };
        let case = Case::of(&racer.actor, &racer.action, &racer.extras, expect);
        let mut own = Played::new();
        let kind = self.judge_status(&case, &answer_of(answer, false), &mut own);
        self.judge_answer(&case, answer, kind, &mut own);
        if own.verdict == StepVerdict::Error {
            played.verdict = StepVerdict::Error;
        }
        for (path, value) in own.fields {
            played.field(&format!("{} {path}", racer.actor), value);
        }
        for mut problem in own.problems {
            problem.message = format!("part {} ({}): {}", at + 1, racer.actor, problem.message);
            played.problems.push(problem);
        }
    }

    fn judge_loser(&self, step: &Step, racer: &Racer, answer: &Answer, played: &mut Played) {
        let status = answer.status;
        let met = match &step.expect.losers {
            None => (400..500).contains(&status) && status != 401,
            Some(expected) => self.meets(expected, status),
        };
        if met {
            return;
        }
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

    fn meets(&self, expected: &ExpectedStatus, status: u16) -> bool {
        let profile = &self.project.admin().target().profile;
        match expected {
            ExpectedStatus::Success => (200..300).contains(&status),
            ExpectedStatus::Hidden => profile.hidden.contains(&status),
            ExpectedStatus::Denied => profile.denied.contains(&status),
            other => other.names(status),
        }
    }
}

/// A race as a server can be asked that enforces no policies: without the parts that a policy is to
/// refuse. They would be carried out, and whoever may race would lose against them.
pub(super) fn without_refused(step: &Step) -> Cow<'_, Step> {
    let refused = |racer: &Racer| {
        let own = racer.expect.as_ref();
        own.is_some_and(|expect| expect.status.is_denial())
    };
    match &step.action {
        Action::Race(racers) if racers.iter().any(refused) => {
            let mut step = step.clone();
            if let Action::Race(racers) = &mut step.action {
                racers.retain(|racer| !refused(racer));
            }
            Cow::Owned(step)
        }
        _ => Cow::Borrowed(step),
    }
}

/// Whether a status that is no answer, like 429, is one that the race expects.
fn is_expected(step: &Step, racer: &Racer, status: u16) -> bool {
    let own = racer.expect.as_ref().map(|expect| &expect.status);
    own.or(step.expect.losers.as_ref())
        .is_some_and(|expected| expected.names(status))
}

/// How many parts of a race must succeed, at the least.
pub(super) fn least_winners(step: &Step, racers: &[Racer]) -> usize {
    let by_parts = racers
        .iter()
        .filter_map(|racer| racer.expect.as_ref())
        .filter(|expect| expect.status.wants_success())
        .count();
    let named = step.expect.winners.as_ref();
    named.map_or(by_parts, |winners| winners.count.at_least)
}

fn told_of(racer: &Racer, status: u16) -> String {
    format!("{} {status}", racer.actor)
}
