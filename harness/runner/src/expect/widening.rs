//! Widenings that somebody accepted: what a snapshot keeps of them.

use super::diff::Difference;
use super::snapshot::{Snapshot, StepSnapshot};
use super::verdict::Sight;

/// Somebody sees more than before, and somebody said that this is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widening {
    /// After which step, or in which.
    pub step: String,
    /// What is seen that was not.
    pub of: Widened,
    /// Why it is right.
    pub reason: String,
}

/// What a widening is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Widened {
    /// An actor sees a resource.
    Sight {
        /// Who.
        actor: String,
        /// What.
        resource: String,
    },
    /// The search that the step is finds a resource.
    Match {
        /// What.
        resource: String,
    },
    /// The step is answered where it was refused; or nobody knows what was seen before.
    Step,
}

impl Widening {
    /// The widenings that a difference is, with their reason.
    pub(super) fn of(difference: &Difference, reason: &str) -> Vec<Self> {
        let one = |of: Widened| Self {
            step: difference.step().to_owned(),
            of,
            reason: reason.to_owned(),
        };
        match difference {
            _ if !difference.is_widening() => Vec::new(),
            Difference::Sight {
                actor, resource, ..
            } => vec![one(Widened::Sight {
                actor: actor.clone(),
                resource: resource.clone(),
            })],
            Difference::Matches { gained, .. } => gained
                .iter()
                .map(|resource| {
                    one(Widened::Match {
                        resource: resource.clone(),
                    })
                })
                .collect(),
            _ => vec![one(Widened::Step)],
        }
    }

    /// Whether the snapshot still shows what this is the reason of. What is hidden again needs no
    /// excuse, and would need a new one if it came back.
    fn holds_in(&self, snapshot: &Snapshot) -> bool {
        let Some(step) = snapshot.step(&self.step) else {
            return false;
        };
        match &self.of {
            Widened::Sight { actor, resource } => step.sight(actor, resource) != Sight::Hidden,
            Widened::Match { resource } => {
                let found = step.matches.as_deref().unwrap_or_default();
                found.contains(resource)
            }
            Widened::Step => {
                let outcome = step.outcome.as_deref();
                outcome.is_none_or(|outcome| outcome.starts_with('2'))
            }
        }
    }

    /// Adds widenings to those that were accepted before. Of the same one only the last reason
    /// counts, and what the snapshot does not show any more is dropped.
    pub(super) fn join(before: &[Self], new: Vec<Self>, snapshot: &Snapshot) -> Vec<Self> {
        let is_new = |old: &&Self| {
            !new.iter()
                .any(|new| new.step == old.step && new.of == old.of)
        };
        let kept = before.iter().filter(is_new).cloned();
        let mut all: Vec<Self> = kept
            .filter(|widening| widening.holds_in(snapshot))
            .collect();
        all.extend(new);
        all
    }
}

impl StepSnapshot {
    fn sight(&self, actor: &str, resource: &str) -> Sight {
        let sees = self.sees.iter().flatten();
        let mut of_actor = sees.filter(|sees| sees.actor == actor);
        of_actor
            .next()
            .map_or(Sight::Hidden, |sees| sees.sight(resource))
    }
}

#[cfg(test)]
mod tests {
    use fhirward_engine::source::Source;
    use rstest::rstest;

    use super::*;

    fn snapshot(text: &str) -> Snapshot {
        Snapshot::parse(&Source::new("s", text)).unwrap()
    }

    fn sight(reason: &str) -> Widening {
        Widening {
            step: "a".to_owned(),
            of: Widened::Sight {
                actor: "x".to_owned(),
                resource: "m".to_owned(),
            },
            reason: reason.to_owned(),
        }
    }

    fn found(reason: &str) -> Widening {
        Widening {
            of: Widened::Match {
                resource: "m".to_owned(),
            },
            ..sight(reason)
        }
    }

    fn step(reason: &str) -> Widening {
        Widening {
            of: Widened::Step,
            ..sight(reason)
        }
    }

    #[rstest]
    #[case::still_seen(sight("old"), "a: { sees: { x: [m] } }", true)]
    #[case::seen_by_id_alone(sight("old"), "a: { sees: { x: [{ read-only-by-id: [m] }] } }", true)]
    #[case::hidden_again(sight("old"), "a: { sees: { x: [other] } }", false)]
    #[case::seen_by_another(sight("old"), "a: { sees: { x: [], y: [m] } }", false)]
    #[case::not_looked_at_any_more(sight("old"), "a: { outcome: 200 }", false)]
    #[case::still_found(found("old"), "a: { matches: [m] }", true)]
    #[case::found_no_more(found("old"), "a: { matches: [] }", false)]
    #[case::the_step_is_there(step("old"), "a: { outcome: 200 }", true)]
    #[case::the_step_is_refused_again(step("old"), "a: { outcome: 404 not-found }", false)]
    #[case::the_step_is_gone(step("old"), "b: { outcome: 200 }", false)]
    fn a_reason_stays_as_long_as_what_it_is_of(
        #[case] widening: Widening,
        #[case] new: &str,
        #[case] stays: bool,
    ) {
        let joined = Widening::join(std::slice::from_ref(&widening), Vec::new(), &snapshot(new));
        assert_eq!(joined, if stays { vec![widening] } else { vec![] });
    }

    #[test]
    fn of_two_reasons_for_the_same_the_last_one_counts() {
        let new = snapshot("a: { sees: { x: [m] }, matches: [m] }");
        let before = [sight("first"), found("found")];
        let joined = Widening::join(&before, vec![sight("second")], &new);
        assert_eq!(joined, [found("found"), sight("second")]);
    }
}
