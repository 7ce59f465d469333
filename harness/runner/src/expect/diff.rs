//! What changed between a snapshot and a run, who gained and who lost.

use std::collections::BTreeSet;
use std::fmt;

use super::noise::covers;
use super::snapshot::{ActorSees, Snapshot, StepSnapshot};
use super::verdict::Sight;
use crate::scenario::GIVEN;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The snapshot does not have the step.
    NewStep(String),
    /// The scenario does not have the step any more.
    LostStep(String),
    /// A step ended in another way.
    Outcome {
        /// The step.
        step: String,
        /// In the snapshot.
        was: String,
        /// In the run.
        is: String,
    },
    /// A search found something else.
    Matches {
        /// The step.
        step: String,
        /// In the run only.
        gained: Vec<String>,
        /// In the snapshot only.
        lost: Vec<String>,
    },
    /// A search found the same in another order.
    Order {
        /// The step.
        step: String,
        /// In the run.
        is: Vec<String>,
    },
    /// What a step asserts about its answer selects something else.
    Field {
        /// The step.
        step: String,
        /// What is selected.
        path: String,
        /// In the snapshot; nothing where it was not asserted.
        was: Option<String>,
        /// In the run; nothing where it is not asserted.
        is: Option<String>,
    },
    /// An actor sees a resource in another way.
    Sight {
        /// After which step.
        step: String,
        /// Who.
        actor: String,
        /// What.
        resource: String,
        /// In the snapshot.
        was: Sight,
        /// In the run.
        is: Sight,
    },
    /// An actor is new in the matrix, or gone from it.
    Actor {
        /// After which step.
        step: String,
        /// Who.
        actor: String,
        /// Whether new.
        new: bool,
    },
    /// Something is recorded of a step that was not, or the other way round: a search became a read, or
    /// the like.
    Shape {
        /// The step.
        step: String,
        /// What.
        what: Recorded,
    },
}

/// What is recorded of a step on one side only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// How it ended.
    OutcomeGone(String),
    /// The same, new.
    OutcomeNew(String),
    /// What it found.
    MatchesGone(Vec<String>),
    /// That it finds nothing, new. What it finds, new, is [`Difference::Matches`].
    NothingFound,
    /// What each actor saw after it.
    SeesGone(Vec<(String, Vec<String>)>),
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutcomeGone(was) => write!(f, "no outcome is recorded any more, was {was}"),
            Self::OutcomeNew(is) => write!(f, "an outcome is recorded now, {is}"),
            Self::MatchesGone(was) => {
                write!(
                    f,
                    "what it finds is not recorded any more, was {}",
                    names(was)
                )
            }
            Self::NothingFound => write!(f, "what it finds is recorded now, nothing"),
            Self::SeesGone(was) => {
                let each: Vec<String> = was
                    .iter()
                    .map(|(actor, seen)| format!("{actor} saw {}", names(seen)))
                    .collect();
                write!(
                    f,
                    "who sees what is not recorded any more; {}",
                    each.join("; ")
                )
            }
        }
    }
}

impl Difference {
    /// Whether somebody gets more than the snapshot says. Never acceptable in passing.
    pub fn is_widening(&self) -> bool {
        match self {
            Self::Sight { was, is, .. } => is.exceeds(*was),
            Self::Matches { gained, .. } => !gained.is_empty(),
            Self::Outcome { was, is, .. } => {
                let refused = ["401", "403", "404", "410"]
                    .iter()
                    .any(|status| was.starts_with(status));
                refused && is.starts_with('2')
            }
            Self::NewStep(_)
            | Self::LostStep(_)
            | Self::Order { .. }
            | Self::Field { .. }
            | Self::Actor { .. }
            | Self::Shape { .. } => false,
        }
    }

    /// The step that it is about.
    pub fn step(&self) -> &str {
        match self {
            Self::NewStep(step) | Self::LostStep(step) | Self::Shape { step, .. } => step,
            Self::Outcome { step, .. }
            | Self::Matches { step, .. }
            | Self::Order { step, .. }
            | Self::Field { step, .. }
            | Self::Sight { step, .. }
            | Self::Actor { step, .. } => step,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewStep(step) => write!(f, "the snapshot does not have {}", at(step)),
            Self::LostStep(step) => {
                write!(
                    f,
                    "the snapshot has {}, and the scenario does not",
                    at(step)
                )
            }
            Self::Outcome { step, was, is } => write!(f, "{}: {is}, was {was}", at(step)),
            Self::Matches { step, gained, lost } => {
                write!(f, "{}:", at(step))?;
                if !gained.is_empty() {
                    write!(f, " now finds {}", gained.join(", "))?;
                }
                if !gained.is_empty() && !lost.is_empty() {
                    write!(f, ";")?;
                }
                if !lost.is_empty() {
                    write!(f, " no longer finds {}", lost.join(", "))?;
                }
                Ok(())
            }
            Self::Order { step, is } => {
                write!(f, "{}: another order: {}", at(step), is.join(", "))
            }
            Self::Field {
                step,
                path,
                was,
                is,
            } => {
                let told = |value: &Option<String>| value.clone().unwrap_or("nothing".to_owned());
                write!(f, "{}: {path} is {}, was {}", at(step), told(is), told(was))
            }
            Self::Sight {
                step,
                actor,
                resource,
                was,
                is,
            } => {
                let verb = match (is.exceeds(*was), was.exceeds(*is)) {
                    (true, false) => "gained",
                    (false, true) => "lost",
                    _ => "sees otherwise",
                };
                write!(f, "{actor} {verb} {resource} (was {was}")?;
                if *is != Sight::Hidden && *is != Sight::Visible {
                    write!(f, ", now {is}")?;
                }
                write!(f, ") after {}", at(step))
            }
            Self::Actor { step, actor, new } => {
                let what = if *new { "is new in" } else { "is gone from" };
                write!(f, "{actor} {what} the matrix after {}", at(step))
            }
            Self::Shape { step, what } => write!(f, "{}: {what}", at(step)),
        }
    }
}

/// Names, one after the other.
pub(super) fn names(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    }
}

fn at(step: &str) -> String {
    if step == GIVEN {
        "the given state".to_owned()
    } else {
        format!("step {step}")
    }
}

/// Compares a snapshot with a run. `unknown` are the steps of the plan that could not be observed:
/// nothing is said about them, nor about what the snapshot calls noise.
pub fn compare(old: &Snapshot, new: &Snapshot, unknown: &BTreeSet<String>) -> Vec<Difference> {
    let mut differences = Vec::new();
    for step in &new.steps {
        if unknown.contains(&step.step) {
            continue;
        }
        match old.step(&step.step) {
            None => differences.push(Difference::NewStep(step.step.clone())),
            Some(before) => compare_step(before, step, &mut differences),
        }
    }
    for step in &old.steps {
        if new.step(&step.step).is_none() && !unknown.contains(&step.step) {
            differences.push(Difference::LostStep(step.step.clone()));
        }
    }
    differences.retain(|difference| !covers(&old.noise, difference));
    differences
}

fn compare_step(old: &StepSnapshot, new: &StepSnapshot, differences: &mut Vec<Difference>) {
    let step = &new.step;
    let shape = |what: Recorded| Difference::Shape {
        step: step.clone(),
        what,
    };
    match (&old.outcome, &new.outcome) {
        (Some(was), Some(is)) if was != is => differences.push(Difference::Outcome {
            step: step.clone(),
            was: was.clone(),
            is: is.clone(),
        }),
        (Some(was), None) => differences.push(shape(Recorded::OutcomeGone(was.clone()))),
        (None, Some(is)) => differences.push(shape(Recorded::OutcomeNew(is.clone()))),
        _ => {}
    }
    match (&old.matches, &new.matches) {
        (Some(was), Some(is)) if was != is => {
            let gained = without(is, was);
            let lost = without(was, is);
            differences.push(if gained.is_empty() && lost.is_empty() {
                Difference::Order {
                    step: step.clone(),
                    is: is.clone(),
                }
            } else {
                Difference::Matches {
                    step: step.clone(),
                    gained,
                    lost,
                }
            });
        }
        (None, Some(found)) if !found.is_empty() => differences.push(Difference::Matches {
            step: step.clone(),
            gained: found.clone(),
            lost: Vec::new(),
        }),
        (None, Some(_)) => differences.push(shape(Recorded::NothingFound)),
        (Some(was), None) => differences.push(shape(Recorded::MatchesGone(was.clone()))),
        _ => {}
    }
    if is_success(old) == is_success(new) {
        // An answer of another kind has other fields, and the outcome says so.
        compare_fields(step, &old.fields, &new.fields, differences);
    }
    match (&old.sees, &new.sees) {
        (Some(was), Some(is)) => compare_sees(step, was, is, differences),
        (None, Some(is)) => compare_sees(step, &[], is, differences),
        (Some(was), None) => {
            let seen = |sees: &ActorSees| sees.names().map(str::to_owned).collect();
            let was = was.iter().map(|sees| (sees.actor.clone(), seen(sees)));
            differences.push(shape(Recorded::SeesGone(was.collect())));
        }
        (None, None) => {}
    }
}

fn is_success(step: &StepSnapshot) -> bool {
    let refused = |outcome: &String| outcome.starts_with(['4', '5']);
    !step.outcome.as_ref().is_some_and(refused)
}

fn compare_fields(
    step: &str,
    old: &[(String, String)],
    new: &[(String, String)],
    differences: &mut Vec<Difference>,
) {
    let find = |list: &[(String, String)], path: &str| {
        let found = list.iter().find(|(known, _)| known == path);
        found.map(|(_, value)| value.clone())
    };
    let gone = old.iter().filter(|(path, _)| find(new, path).is_none());
    for (path, _) in new.iter().chain(gone) {
        let (was, is) = (find(old, path), find(new, path));
        if was != is {
            differences.push(Difference::Field {
                step: step.to_owned(),
                path: path.clone(),
                was,
                is,
            });
        }
    }
}

fn compare_sees(
    step: &str,
    old: &[ActorSees],
    new: &[ActorSees],
    differences: &mut Vec<Difference>,
) {
    let nothing = ActorSees::default();
    let find =
        |list: &[ActorSees], actor: &str| list.iter().find(|sees| sees.actor == actor).cloned();
    for is in new {
        let was = find(old, &is.actor);
        if was.is_none() {
            differences.push(Difference::Actor {
                step: step.to_owned(),
                actor: is.actor.clone(),
                new: true,
            });
        }
        sights(
            step,
            &is.actor,
            was.as_ref().unwrap_or(&nothing),
            is,
            differences,
        );
    }
    for was in old {
        if find(new, &was.actor).is_none() {
            differences.push(Difference::Actor {
                step: step.to_owned(),
                actor: was.actor.clone(),
                new: false,
            });
        }
    }
}

fn sights(
    step: &str,
    actor: &str,
    was: &ActorSees,
    is: &ActorSees,
    differences: &mut Vec<Difference>,
) {
    let mut names: Vec<&str> = Vec::new();
    for name in is.names().chain(was.names()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let (before, now) = (was.sight(name), is.sight(name));
        if before != now {
            differences.push(Difference::Sight {
                step: step.to_owned(),
                actor: actor.to_owned(),
                resource: name.to_owned(),
                was: before,
                is: now,
            });
        }
    }
}

fn without(names: &[String], others: &[String]) -> Vec<String> {
    names
        .iter()
        .filter(|name| !others.contains(name))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use fhirward_engine::source::Source;
    use rstest::rstest;

    use super::*;

    fn snapshot(text: &str) -> Snapshot {
        Snapshot::parse(&Source::new("x.snap.yaml", text)).unwrap()
    }

    #[rstest]
    #[case::equal(
        "a: { outcome: 200, sees: { x: [m] } }",
        "a: { outcome: 200, sees: { x: [m] } }",
        &[], false
    )]
    #[case::lost(
        "a: { outcome: 200, sees: { jackie: [m1] } }",
        "a: { outcome: 200, sees: { jackie: [] } }",
        &["jackie lost m1 (was visible) after step a"], false
    )]
    #[case::gained(
        "a: { outcome: 200, sees: { jackie: [] } }",
        "a: { outcome: 200, sees: { jackie: [m1] } }",
        &["jackie gained m1 (was hidden) after step a"], true
    )]
    #[case::gained_by_id(
        "given: { sees: { jackie: [] } }",
        "given: { sees: { jackie: [{ read-only-by-id: [m1] }] } }",
        &["jackie gained m1 (was hidden, now visible by id only) after the given state"], true
    )]
    #[case::another_way(
        "a: { sees: { jackie: [{ search-only: [m1] }] } }",
        "a: { sees: { jackie: [{ read-only-by-id: [m1] }] } }",
        &["jackie sees otherwise m1 (was visible by search only, now visible by id only) after step a"], true
    )]
    #[case::less(
        "a: { sees: { jackie: [m1] } }",
        "a: { sees: { jackie: [{ search-only: [m1] }] } }",
        &["jackie lost m1 (was visible, now visible by search only) after step a"], false
    )]
    #[case::outcome(
        "a: { outcome: 404 not-found }",
        "a: { outcome: 403 forbidden }",
        &["step a: 403 forbidden, was 404 not-found"], false
    )]
    #[case::refusal_gone(
        "a: { outcome: 403 forbidden }",
        "a: { outcome: 200 }",
        &["step a: 200, was 403 forbidden"], true
    )]
    #[case::invalid_accepted(
        "a: { outcome: 400 structure }",
        "a: { outcome: 201 }",
        &["step a: 201, was 400 structure"], false
    )]
    #[case::matches(
        "a: { outcome: 200, matches: [m1, m2] }",
        "a: { outcome: 200, matches: [m2, m3] }",
        &["step a: now finds m3; no longer finds m1"], true
    )]
    #[case::order(
        "a: { outcome: 200, matches: [m1, m2] }",
        "a: { outcome: 200, matches: [m2, m1] }",
        &["step a: another order: m2, m1"], false
    )]
    #[case::field(
        "a: { outcome: 200, fields: { x: [1, 2] } }",
        "a: { outcome: 200, fields: { x: [1] } }",
        &["step a: x is [1], was [1,2]"], false
    )]
    #[case::fields_of_another_kind_of_answer(
        "a: { outcome: 200, fields: { x: y } }",
        "a: { outcome: 404 not-found }",
        &["step a: 404 not-found, was 200"], false
    )]
    #[case::steps(
        "a: { outcome: 200 }\nb: { outcome: 200 }",
        "a: { outcome: 200 }\nc: { outcome: 200 }",
        &["the snapshot does not have step c", "the snapshot has step b, and the scenario does not"], false
    )]
    #[case::new_actor(
        "a: { sees: { x: [] } }",
        "a: { sees: { x: [], y: [m] } }",
        &["y is new in the matrix after step a", "y gained m (was hidden) after step a"], true
    )]
    #[case::actor_gone(
        "a: { sees: { x: [m] } }",
        "a: { sees: {} }",
        &["x is gone from the matrix after step a"], false
    )]
    #[case::outcome_gone(
        "a: { outcome: 200 }",
        "a: {}",
        &["step a: no outcome is recorded any more, was 200"], false
    )]
    #[case::outcome_new(
        "a: {}",
        "a: { outcome: 404 not-found }",
        &["step a: an outcome is recorded now, 404 not-found"], false
    )]
    #[case::no_search_any_more(
        "a: { outcome: 200, matches: [m1, m2] }",
        "a: { outcome: 200 }",
        &["step a: what it finds is not recorded any more, was m1, m2"], false
    )]
    #[case::a_search_that_finds_nothing(
        "a: { outcome: 200 }",
        "a: { outcome: 200, matches: [] }",
        &["step a: what it finds is recorded now, nothing"], false
    )]
    #[case::nobody_is_looked_at_any_more(
        "a: { outcome: 200, sees: { jackie: [m1, { search-only: [m2] }], house: [] } }",
        "a: { outcome: 200 }",
        &["step a: who sees what is not recorded any more; jackie saw m1, m2; house saw nothing"], false
    )]
    #[case::unknown(
        "u: { outcome: 200, sees: { x: [] } }",
        "u: { outcome: 500, sees: { x: [m] } }",
        &[], false
    )]
    fn differences(
        #[case] old: &str,
        #[case] new: &str,
        #[case] texts: &[&str],
        #[case] widening: bool,
    ) {
        let unknown = BTreeSet::from(["u".to_owned()]);
        let found = compare(&snapshot(old), &snapshot(new), &unknown);
        let found_texts: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found_texts, texts);
        assert_eq!(found.iter().any(Difference::is_widening), widening);
    }
}
