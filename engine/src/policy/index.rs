//! The entries of one type, arranged so that a decision looks at few of them.
//!
//! Nearly every entry of a large policy names a constant in a positive filter on a reference, a
//! token or a compartment (`recipient=Practitioner/x`, `category=…|y`). Such entries are filed
//! under that constant; a resource is asked for its values once, and only the entries filed under
//! them, and those without a constant, are looked at. The plain walk over all entries is
//! [`Policy::first_entry_by_walking`](super::Policy::first_entry_by_walking); tests hold the two
//! equal.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use fhirward_spec::{Extracted, ParamType, SearchParam};

use super::compiled::{Entry, Grant};
use super::interaction::{Interaction, Interactions};
use crate::compartment;
use crate::criteria::Filter;
use crate::criteria::probe::{Probe, Subject};
use crate::criteria::reading::{Reading, Slot};
use crate::values::{reference, token};

/// Fewer entries than this are asked in turn: looking up would cost more.
const WORTH_IT: usize = 4;

/// A map that is asked on every decision.
pub(super) type QuickMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The entries of one type, arranged.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// The entries that can grant something, in order.
    candidates: Box<[Candidate]>,
    /// Those that are not filed, in order.
    others: Box<[usize]>,
    shelves: Box<[Shelf]>,
    /// The parameters that put a resource of the type into a patient's compartment, if a filter
    /// asks.
    patient: Box<[&'static SearchParam]>,
    /// What some entry allows on some resource of the type.
    granted: Interactions,
}

/// An entry, as far as a decision needs it.
#[derive(Debug, Clone)]
struct Candidate {
    entry: usize,
    interactions: Interactions,
    checks: Box<[Check]>,
}

#[derive(Debug, Clone)]
struct Check {
    probe: Arc<Probe>,
    slot: Slot,
}

/// The entries that are filed under values of one subject.
#[derive(Debug, Clone)]
struct Shelf {
    subject: Subject,
    slot: Slot,
    base: Option<Box<str>>,
    filed: QuickMap<Box<str>, Vec<Filed>>,
}

/// A candidate that is filed under a constant.
#[derive(Debug, Clone, Copy)]
struct Filed {
    candidate: usize,
    /// The check that having the constant answers already.
    answered: Option<usize>,
}

impl Index {
    /// Arranges the entries of a type; `list` has their numbers in order.
    pub(super) fn new(resource_type: &str, list: &[usize], entries: &[Entry]) -> Self {
        let mut subjects: Vec<Subject> = Vec::new();
        let mut candidates = Vec::with_capacity(list.len());
        let mut granted = Interactions::default();
        for at in list {
            let Some(entry) = entries.get(*at) else {
                continue;
            };
            let filters: &[Filter] = match &entry.grant {
                Grant::All => &[],
                Grant::Nothing(_) => continue,
                Grant::Filtered(filters) => match filters.get(resource_type) {
                    Some(filters) => filters,
                    None => continue,
                },
            };
            let checks = filters.iter().map(|filter| {
                let subject = filter.probe.subject;
                let known = subjects.iter().position(|other| *other == subject);
                let slot = known.unwrap_or_else(|| {
                    subjects.push(subject);
                    subjects.len() - 1
                });
                Check {
                    probe: Arc::clone(&filter.probe),
                    slot: Slot(slot),
                }
            });
            candidates.push(Candidate {
                entry: *at,
                interactions: entry.interactions,
                checks: checks.collect(),
            });
            granted = granted.union(entry.interactions);
        }
        let patient = match subjects.contains(&Subject::Compartment) {
            true => compartment::patient_params(resource_type).collect(),
            false => Box::default(),
        };
        let (others, shelves) = file(&candidates);
        Self {
            candidates: candidates.into(),
            others: others.into(),
            shelves: shelves.into(),
            patient,
            granted,
        }
    }

    /// What some entry allows on some resource of the type.
    pub(super) fn granted(&self) -> Interactions {
        self.granted
    }

    /// What a [`Reading`] of a resource of the type has to know.
    pub(super) fn patient(&self) -> &[&'static SearchParam] {
        &self.patient
    }

    /// The first entry in order that allows the interaction on the resource.
    pub(super) fn first<'r>(
        &'r self,
        interaction: Interaction,
        reading: &mut Reading<'r>,
    ) -> Option<usize> {
        let mut best = self
            .others
            .iter()
            .copied()
            .find(|at| self.accepts(*at, None, interaction, reading));
        for shelf in &self.shelves {
            shelf.each(reading, &mut |filed, reading| {
                // The lists are in order: past the best one nothing is better.
                let before = |filed: &&Filed| best.is_none_or(|best| filed.candidate < best);
                let better = filed
                    .iter()
                    .take_while(before)
                    .find(|one| self.accepts(one.candidate, one.answered, interaction, reading));
                if let Some(better) = better {
                    best = Some(better.candidate);
                }
            });
        }
        self.candidates.get(best?).map(|candidate| candidate.entry)
    }

    fn accepts<'r>(
        &'r self,
        candidate: usize,
        answered: Option<usize>,
        interaction: Interaction,
        reading: &mut Reading<'r>,
    ) -> bool {
        self.candidates.get(candidate).is_some_and(|candidate| {
            candidate.interactions.contains(interaction)
                && candidate.checks.iter().enumerate().all(|(at, check)| {
                    answered == Some(at) || check.probe.passes(reading, check.slot)
                })
        })
    }
}

impl Shelf {
    /// Calls `visit` with what is filed under each value of the resource.
    fn each<'r>(
        &'r self,
        reading: &mut Reading<'r>,
        visit: &mut dyn FnMut(&'r [Filed], &mut Reading<'r>),
    ) {
        let base = self.base.as_deref();
        match self.subject {
            Subject::Compartment => {
                let _all = reading.each_compartment(base, &mut |inside, reading| {
                    inside.with_name(&mut |name| {
                        if let Some(filed) = self.filed.get(name) {
                            visit(filed, reading);
                        }
                    });
                    ControlFlow::Continue(())
                });
            }
            Subject::Param(param) => reading.each(self.slot, param, &mut |element, reading| {
                each_constant(param, base, element, &mut |constant| {
                    if let Some(filed) = self.filed.get(constant) {
                        visit(filed, reading);
                    }
                });
            }),
        }
    }
}

/// The constants that a value of the parameter can be asked for by.
fn each_constant(
    param: &'static SearchParam,
    base: Option<&str>,
    element: Extracted<'_>,
    visit: &mut dyn FnMut(&str),
) {
    if param.param_type == ParamType::Token {
        token::each_code(element, visit);
    } else if let Some(local) =
        reference::target(element).and_then(|stored| reference::local(stored, base))
    {
        visit(local);
    }
}

/// Files the candidates, each under the constants of that filter whose constants the fewest
/// entries ask for. Returns those that cannot be filed, and the shelves.
fn file(candidates: &[Candidate]) -> (Vec<usize>, Vec<Shelf>) {
    if candidates.len() < WORTH_IT {
        return ((0..candidates.len()).collect(), Vec::new());
    }
    let mut asked: QuickMap<(usize, &str), usize> = QuickMap::default();
    for check in candidates.iter().flat_map(|candidate| &candidate.checks) {
        for constant in check.probe.key().into_iter().flat_map(|key| key.constants) {
            *asked.entry((check.slot.0, constant)).or_default() += 1;
        }
    }
    let mut others = Vec::new();
    let mut shelves: Vec<Shelf> = Vec::new();
    for (at, candidate) in candidates.iter().enumerate() {
        let keys = candidate
            .checks
            .iter()
            .enumerate()
            .filter_map(|(number, check)| Some((number, check, check.probe.key()?)));
        let rarest = keys.min_by_key(|(_, check, key)| {
            key.constants
                .iter()
                .filter_map(|constant| asked.get(&(check.slot.0, *constant)))
                .sum::<usize>()
        });
        let Some((number, check, key)) = rarest else {
            others.push(at);
            continue;
        };
        let filed = Filed {
            candidate: at,
            answered: key.enough.then_some(number),
        };
        let base = &check.probe.base;
        let known = shelves
            .iter()
            .position(|shelf| shelf.slot == check.slot && shelf.base == *base);
        let known = known.unwrap_or_else(|| {
            shelves.push(Shelf {
                subject: check.probe.subject,
                slot: check.slot,
                base: base.clone(),
                filed: QuickMap::default(),
            });
            shelves.len() - 1
        });
        let Some(shelf) = shelves.get_mut(known) else {
            continue;
        };
        for constant in key.constants {
            let under = shelf.filed.entry(constant.into()).or_default();
            // A filter may name a constant twice.
            if under.last().is_none_or(|last| last.candidate != at) {
                under.push(filed);
            }
        }
    }
    (others, shelves)
}
