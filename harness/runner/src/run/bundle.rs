//! A batch or transaction: each entry of its answer by itself.

use super::judge::{Case, answer_of, is_empty};
use super::player::Player;
use super::request::responses;
use super::step::Played;
use crate::client::Answer;
use crate::report::{Problem, StepVerdict};
use crate::scenario::{Entry, Step};

impl Player<'_> {
    /// Each entry of a Bundle by itself. Where the whole was refused, there is none.
    pub(super) fn judge_bundle(
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
                let kind = self.judge_status(&case, &answer_of(answer, empty), &mut own);
                self.note_entry(entry, answer);
                self.judge_answer(&case, answer, kind, &mut own);
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
}
