//! What a search found against what it must find.

use super::judge::{AnswerKind, leave_unjudged};
use super::player::Player;
use super::step::Played;
use crate::client::Found;
use crate::expect::{Mismatch, Place, check_matches};
use crate::report::Problem;
use crate::scenario::Step;

/// What of a search is compared.
#[derive(Debug, Clone, Copy)]
struct Part {
    place: Place,
    /// Whether its order was asked for.
    sorted: bool,
    /// Whether it is all that there is.
    whole: bool,
}

impl Player<'_> {
    /// Of a search that did not come to its end, which is not `whole`, only what was found counts:
    /// what is missing may be on a later page.
    pub(super) fn judge_found(
        &mut self,
        step: &Step,
        found: &Found,
        kind: AnswerKind,
        whole: bool,
        played: &mut Played,
    ) {
        match kind {
            AnswerKind::Other => leave_unjudged(&step.expect, played),
            AnswerKind::Expected => {
                if let Some(code) = &step.expect.outcome
                    && found.outcome.as_ref() != Some(code)
                {
                    let got = found.outcome.as_deref().unwrap_or("no OperationOutcome");
                    played.problems.push(Problem::new(format!(
                        "expected the issue code `{code}`, got {got}"
                    )));
                }
                self.judge_body(&step.expect, found.first.as_ref(), played);
            }
        }
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
        let expected = step.expect.matches.as_ref();
        let matches = Part {
            place: Place::Matches,
            sorted,
            whole,
        };
        let names = self.compare(step, &references, expected, matches, played);
        played.matches = Some(names);
        if step.expect.includes.is_some() {
            let included: Vec<String> = found
                .included
                .iter()
                .filter_map(crate::client::reference_of)
                .collect();
            let expected = step.expect.includes.as_ref();
            let includes = Part {
                place: Place::Includes,
                sorted: false,
                whole,
            };
            self.compare(step, &included, expected, includes, played);
        }
    }

    /// The names of what was found, held against those that were expected.
    fn compare(
        &mut self,
        step: &Step,
        references: &[String],
        expected: Option<&Vec<String>>,
        part: Part,
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
        if !part.sorted {
            // Without a sort the order is the server's own and means nothing.
            self.aliases.sort(&mut names);
        }
        if let Some(expected) = expected {
            let leak = references.iter().any(|r| {
                let alias = self.aliases.known(r).unwrap_or_default();
                !expected.iter().any(|name| name == alias) && self.must_not_find(&step.actor, r)
            });
            let order = step.expect.order && part.place == Place::Matches;
            for mismatch in check_matches(&expected, &names, order) {
                let is_missing = matches!(mismatch, Mismatch::Missing(_));
                if is_missing && !part.whole {
                    continue;
                }
                let mut problem = Problem {
                    leak: leak && matches!(mismatch, Mismatch::Surplus(_)),
                    ..Problem::new(mismatch.told(part.place))
                };
                if let Mismatch::Missing(these) | Mismatch::Surplus(these) = &mismatch {
                    for name in these {
                        problem = problem.about(&step.actor, name);
                    }
                }
                played.problems.push(problem);
            }
        }
        names
    }

    /// What a search found of the scenario's own. Other scenarios play on the same server, and
    /// what an actor sees of theirs depends on which of them are there at this moment.
    pub(super) fn own(&self, references: &[String]) -> Vec<String> {
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
}
