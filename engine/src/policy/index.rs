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
use crate::criteria::Filter;
use crate::criteria::probe::{Probe, Subject};
use crate::criteria::reader::{Reader, Slot};
use crate::criteria::refers::Refers;
use crate::values::{reference, token};

/// Fewer entries than this are asked in turn: looking up would cost more. Fewer filters than this on
/// one element read it each for itself: keeping would cost more.
const WORTH_IT: usize = 4;

/// A map that is asked on every decision.
pub(super) type QuickMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The entries of one type, arranged.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// The entries that can grant something and are asked in turn, in order.
    in_turn: Box<[Candidate]>,
    /// Those that are filed.
    filed: Box<[Candidate]>,
    shelves: Box<[Shelf]>,
    asks_for_compartments: bool,
    keeps: bool,
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
    refers: Option<Refers>,
}

impl Check {
    #[inline]
    fn passes<'r, R: Reader<'r>>(&'r self, reader: &mut R) -> bool {
        match &self.refers {
            Some(refers) if !R::KEEPS => refers.holds(reader.resource()),
            _ => self.probe.passes(reader, self.slot),
        }
    }
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
    /// Its place among those that are filed.
    candidate: usize,
    entry: usize,
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
                    refers: filter.probe.refers(),
                }
            });
            candidates.push(Candidate {
                entry: *at,
                interactions: entry.interactions,
                checks: checks.collect(),
            });
            granted = granted.union(entry.interactions);
        }
        let (in_turn, filed, shelves) = file(candidates);
        let mut index = Self {
            in_turn: in_turn.into(),
            filed: filed.into(),
            shelves: shelves.into(),
            asks_for_compartments: subjects.contains(&Subject::Compartment),
            keeps: false,
            granted,
        };
        index.keeps = index.is_worth_keeping(subjects.len());
        index
    }

    /// Whether some subject is read so often that it should be read once.
    fn is_worth_keeping(&self, subjects: usize) -> bool {
        let mut costs = vec![0; subjects];
        let mut add = |slot: Slot, cost: usize| {
            if let Some(sum) = costs.get_mut(slot.0) {
                *sum += cost;
            }
        };
        for shelf in &self.shelves {
            add(shelf.slot, 1);
        }
        // The check of each candidate that is answered by where it is filed.
        let mut answered = vec![None; self.filed.len()];
        for filed in self
            .shelves
            .iter()
            .flat_map(|shelf| shelf.filed.values().flatten())
        {
            if let Some(known) = answered.get_mut(filed.candidate) {
                *known = filed.answered;
            }
        }
        let filed = self.filed.iter().zip(answered);
        for (candidate, answered) in self.in_turn.iter().map(|one| (one, None)).chain(filed) {
            for (number, check) in candidate.checks.iter().enumerate() {
                if answered != Some(number) {
                    add(check.slot, if check.probe.reads_quickly() { 1 } else { 2 });
                }
            }
        }
        costs.into_iter().any(|cost| cost >= WORTH_IT)
    }

    /// What some entry allows on some resource of the type.
    pub(super) fn granted(&self) -> Interactions {
        self.granted
    }

    /// Whether some filter is on compartments.
    pub(super) fn asks_for_compartments(&self) -> bool {
        self.asks_for_compartments
    }

    /// Whether what is read of a resource should be kept for the next filter.
    pub(super) fn keeps(&self) -> bool {
        self.keeps
    }

    /// The first entry in order that allows the interaction on a resource that is being read.
    pub(super) fn first<'r>(
        &'r self,
        interaction: Interaction,
        reader: &mut impl Reader<'r>,
    ) -> Option<usize> {
        let mut in_turn = self.in_turn.iter();
        let first = in_turn.find(|one| {
            one.interactions.contains(interaction)
                && one.checks.iter().all(|check| check.passes(reader))
        });
        let first = first.map(|one| one.entry);
        match self.shelves.is_empty() {
            true => first,
            false => self.first_filed(first, interaction, reader),
        }
    }

    /// The first entry in order of those that are filed and `best`. By itself, so that a policy
    /// without filed entries need not make room for it.
    #[inline(never)]
    fn first_filed<'r>(
        &'r self,
        mut best: Option<usize>,
        interaction: Interaction,
        reader: &mut impl Reader<'r>,
    ) -> Option<usize> {
        let accepts = |filed: &Filed, reader: &mut _| {
            self.filed.get(filed.candidate).is_some_and(|one| {
                let mut checks = one.checks.iter().enumerate();
                one.interactions.contains(interaction)
                    && checks.all(|(at, check)| filed.answered == Some(at) || check.passes(reader))
            })
        };
        for shelf in &self.shelves {
            shelf.each(reader, &mut |filed, reader| {
                // The lists are in order: past the best one nothing is better.
                let before = |filed: &&Filed| best.is_none_or(|best| filed.entry < best);
                let better = filed
                    .iter()
                    .take_while(before)
                    .find(|filed| accepts(filed, reader));
                if let Some(better) = better {
                    best = Some(better.entry);
                }
            });
        }
        best
    }
}

impl Shelf {
    /// Calls `visit` with what is filed under each value of the resource.
    #[inline]
    fn each<'r, R: Reader<'r>>(
        &'r self,
        reader: &mut R,
        visit: &mut impl FnMut(&'r [Filed], &mut R),
    ) {
        let base = self.base.as_deref();
        match self.subject {
            Subject::Compartment => {
                let _all = reader.each_compartment(base, |inside, reader| {
                    inside.with_name(&mut |name| {
                        if let Some(filed) = self.filed.get(name) {
                            visit(filed, reader);
                        }
                    });
                    ControlFlow::Continue(())
                });
            }
            Subject::Param(param) => reader.each(self.slot, param, |element, reader| {
                each_constant(param, base, element, &mut |constant| {
                    if let Some(filed) = self.filed.get(constant) {
                        visit(filed, reader);
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
    visit: &mut impl FnMut(&str),
) {
    if param.param_type == ParamType::Token {
        token::each_code(element, visit);
    } else if let Some(local) =
        reference::target(element.value).and_then(|stored| reference::local(stored, base))
    {
        visit(local);
    }
}

/// Files the candidates, each under the constants of that filter whose constants the fewest
/// entries ask for. Returns those that cannot be filed, those that are, and the shelves.
fn file(candidates: Vec<Candidate>) -> (Vec<Candidate>, Vec<Candidate>, Vec<Shelf>) {
    if candidates.len() < WORTH_IT {
        return (candidates, Vec::new(), Vec::new());
    }
    let probes: Vec<(Slot, Arc<Probe>)> = candidates
        .iter()
        .flat_map(|candidate| &candidate.checks)
        .map(|check| (check.slot, Arc::clone(&check.probe)))
        .collect();
    let mut asked: QuickMap<(usize, &str), usize> = QuickMap::default();
    for (slot, probe) in &probes {
        for constant in probe.key().into_iter().flat_map(|key| key.constants) {
            *asked.entry((slot.0, constant)).or_default() += 1;
        }
    }
    let mut in_turn = Vec::new();
    let mut filed: Vec<Candidate> = Vec::new();
    let mut shelves: Vec<Shelf> = Vec::new();
    for candidate in candidates {
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
            in_turn.push(candidate);
            continue;
        };
        let place = Filed {
            candidate: filed.len(),
            entry: candidate.entry,
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
        if let Some(shelf) = shelves.get_mut(known) {
            for constant in key.constants {
                let under = shelf.filed.entry(constant.into()).or_default();
                // A filter may name a constant twice.
                if under.last().is_none_or(|last| last.entry != place.entry) {
                    under.push(place);
                }
            }
        }
        filed.push(candidate);
    }
    (in_turn, filed, shelves)
}
