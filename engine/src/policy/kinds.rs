//! The entries about each resource type, and how a decision finds them.

use std::collections::BTreeSet;
use std::sync::Arc;

use fhirward_spec::SearchParam;
use serde_json::Value;

use super::compiled::{Entry, Grant, is_reserved};
use super::index::{Index, QuickMap};
use super::interaction::Interaction;
use crate::compartment;
use crate::criteria::probe::Probe;
use crate::criteria::reader::{Anew, Reader};
use crate::criteria::reading::Reading;

/// So many types are compared one by one: hashing the name that is looked for would cost more.
const FEW: usize = 16;

/// The types that a policy has entries about.
#[derive(Debug, Clone, Default)]
pub(super) struct Kinds {
    list: Vec<(Box<str>, Kind)>,
    /// Where each stands in the list; empty while they are few.
    places: QuickMap<Box<str>, usize>,
    /// All other types: those on which entries on `*` say the same.
    rest: Kind,
}

/// The entries that are about one type, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Kind {
    list: Arc<[usize]>,
    /// Shared by types on which the entries say the same.
    index: Arc<Index>,
    /// The parameters that put a resource of the type into a patient's compartment, if a filter
    /// asks.
    patient: Box<[&'static SearchParam]>,
}

impl Kinds {
    /// Arranges the entries of a policy.
    pub(super) fn new(entries: &[Entry]) -> Self {
        let mut lists: QuickMap<&str, Vec<usize>> = QuickMap::default();
        let mut names: Vec<&str> = Vec::new();
        let mut wildcard = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let name = entry.resource_type.as_str();
            if name == "*" {
                wildcard.push(at);
                continue;
            }
            let list = lists.entry(name).or_default();
            if list.is_empty() {
                names.push(name);
            }
            list.push(at);
        }
        let mut kinds = Self {
            rest: Kind::new("", wildcard.as_slice().into(), entries),
            ..Self::default()
        };
        for name in names {
            let mut list = lists.remove(name).unwrap_or_default();
            if !is_reserved(name) {
                list.extend(&wildcard);
                list.sort_unstable();
            }
            kinds.add(name, Kind::new(name, list.into(), entries));
        }
        kinds.add_unnamed(entries);
        if kinds.list.len() > FEW {
            let named = kinds.list.iter().map(|(name, _)| name.clone());
            kinds.places = named.zip(0..).collect();
        }
        kinds
    }

    /// The types that no entry names, and on which an entry on `*` asks something.
    fn add_unnamed(&mut self, entries: &[Entry]) {
        let filtered = |at: &usize| match entries.get(*at).map(|entry| &entry.grant) {
            Some(Grant::Filtered(filters)) => Some(filters.keys().copied()),
            _ => None,
        };
        let asked: BTreeSet<&str> = self
            .rest
            .list
            .iter()
            .filter_map(filtered)
            .flatten()
            .collect();
        let named: BTreeSet<Box<str>> = self.list.iter().map(|(name, _)| name.clone()).collect();
        let mut arranged: Vec<(&str, Arc<Index>)> = Vec::new();
        for name in asked {
            if named.contains(name) || is_reserved(name) {
                continue;
            }
            let list = Arc::clone(&self.rest.list);
            let same = arranged
                .iter()
                .find(|(other, _)| says_the_same(&list, entries, name, other));
            let kind = match same {
                Some((_, index)) => Kind::arranged(name, list, Arc::clone(index)),
                None => {
                    let kind = Kind::new(name, list, entries);
                    arranged.push((name, Arc::clone(&kind.index)));
                    kind
                }
            };
            self.add(name, kind);
        }
    }

    fn add(&mut self, name: &str, kind: Kind) {
        self.list.push((name.into(), kind));
    }

    /// The entries about a type, if there are any.
    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<&Kind> {
        if self.list.len() > FEW {
            return self.hashed(name);
        }
        for (known, kind) in &self.list {
            if **known == *name {
                return Some(kind);
            }
        }
        self.unnamed(name)
    }

    #[inline(never)]
    fn hashed(&self, name: &str) -> Option<&Kind> {
        match self.places.get(name).and_then(|at| self.list.get(*at)) {
            Some((_, kind)) => Some(kind),
            None => self.unnamed(name),
        }
    }

    #[inline(never)]
    fn unnamed(&self, name: &str) -> Option<&Kind> {
        let is_any = is_type_name(name) && !is_reserved(name);
        (!self.rest.list.is_empty() && is_any).then_some(&self.rest)
    }
}

/// Whether this could be the name of a resource type. An entry on `*` is about every type, also
/// about those that are not known here; what has no type at all is no resource.
fn is_type_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether entries on `*` ask the same of resources of two types.
fn says_the_same(list: &[usize], entries: &[Entry], one: &str, other: &str) -> bool {
    let probes = |entry: &Entry, name: &str| -> Option<Vec<Arc<Probe>>> {
        let filters = entry.filters(name)?.iter();
        Some(filters.map(|filter| Arc::clone(&filter.probe)).collect())
    };
    list.iter()
        .filter_map(|at| entries.get(*at))
        .all(|entry| probes(entry, one) == probes(entry, other))
}

impl Kind {
    fn new(name: &str, list: Arc<[usize]>, entries: &[Entry]) -> Self {
        let index = Arc::new(Index::new(name, &list, entries));
        Self::arranged(name, list, index)
    }

    fn arranged(name: &str, list: Arc<[usize]>, index: Arc<Index>) -> Self {
        let patient = match index.asks_for_compartments() {
            true => compartment::patient_params(name).collect(),
            false => Box::default(),
        };
        Self {
            list,
            index,
            patient,
        }
    }

    /// The numbers of the entries.
    pub(super) fn list(&self) -> &[usize] {
        &self.list
    }

    /// What a [`Reading`] of a resource of the type has to know.
    pub(super) fn patient(&self) -> &[&'static SearchParam] {
        &self.patient
    }

    /// Whether some entry allows the interaction on some resource of the type.
    #[inline]
    pub(super) fn grants(&self, interaction: Interaction) -> bool {
        self.index.granted().contains(interaction)
    }

    /// Whether what is read of a resource should be kept for the next filter.
    pub(super) fn keeps(&self) -> bool {
        self.index.keeps()
    }

    /// The first entry in order that allows the interaction on the resource.
    #[inline]
    pub(super) fn first(&self, interaction: Interaction, resource: &Value) -> Option<usize> {
        match self.keeps() {
            false => self.first_in(
                interaction,
                &mut Anew::with_patient(resource, &self.patient),
            ),
            true => self.first_kept(interaction, resource),
        }
    }

    /// A [`Reading`] is large: only decisions that need one make room for it.
    #[inline(never)]
    fn first_kept(&self, interaction: Interaction, resource: &Value) -> Option<usize> {
        self.first_in(interaction, &mut Reading::new(resource, &self.patient))
    }

    /// The same of a resource that is being read.
    pub(super) fn first_in<'r>(
        &'r self,
        interaction: Interaction,
        reader: &mut impl Reader<'r>,
    ) -> Option<usize> {
        self.index.first(interaction, reader)
    }
}
