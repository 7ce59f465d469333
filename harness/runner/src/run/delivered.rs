//! What the server sent against what was waited for.

use super::judge::{AnswerKind, Case};
use super::player::Player;
use super::sink::Delivered;
use super::step::Played;
use crate::client::Answer;
use crate::report::Problem;
use crate::scenario::{Action, Step};

impl Player<'_> {
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
        self.judge_answer(&case, &answer, AnswerKind::Expected, played);
    }
}
