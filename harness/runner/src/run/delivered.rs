//! What the server sent against what was waited for.

use std::collections::BTreeMap;

use super::judge::{AnswerKind, Case};
use super::player::Player;
use super::sink::Delivered;
use super::step::Played;
use crate::client::Answer;
use crate::report::Problem;
use crate::scenario::{Action, Delivery, Step};

/// So many kinds of deliveries are named.
const NAMED: usize = 10;

impl Player<'_> {
    /// What arrived, taken or not.
    fn what_came(&self, delivery: &Delivery, taken: &[Delivered]) -> String {
        let waiting = self.waiting();
        let others = self.sinks.others(&delivery.sink);
        let (counted, foreign): (Vec<&Delivered>, Vec<&Delivered>) = others
            .iter()
            .partition(|delivered| waiting.counts(delivered));
        let named = |came: &[&Delivered]| {
            let mut names: BTreeMap<String, usize> = BTreeMap::new();
            for delivered in came {
                *names.entry(waiting.name(delivered)).or_default() += 1;
            }
            let mut names: Vec<String> = names
                .into_iter()
                .map(|(name, times)| match times {
                    1 => name,
                    _ => format!("{name} ({times} times)"),
                })
                .collect();
            let more = names.split_off(names.len().min(NAMED)).len();
            if more > 0 {
                names.push(format!("{more} more"));
            }
            names.join(", ")
        };
        let taken: Vec<&Delivered> = taken.iter().collect();
        let mut said = Vec::new();
        if !taken.is_empty() {
            said.push(format!("what came: {}", named(&taken)));
        }
        if !counted.is_empty() {
            said.push(format!(
                "{} arrived there that `match` does not take: {}",
                counted.len(),
                named(&counted)
            ));
        }
        if !foreign.is_empty() {
            said.push(format!(
                "{} about what other scenarios or runs made, which does not count: {}",
                foreign.len(),
                named(&foreign)
            ));
        }
        said.join("; ")
    }

    pub(super) fn judge_delivered(
        &mut self,
        step: &Step,
        delivered: &[Delivered],
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
            let help = self.what_came(delivery, delivered);
            played.problems.push(if help.is_empty() {
                problem
            } else {
                problem.with_help(help)
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
        self.judge_answer(&case, &answer, AnswerKind::Expected, played);
    }
}
