//! The resources of one type, and their places.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::ops::Bound;
use std::sync::Arc;

use fhirward_engine::values::date::Moment;

use super::dates::{Dates, Stretch, millis, stretches_of};
use super::key::{Identity, Key, keys_of};
use super::lookup::{Lookup, Narrow, Order, Span};
use super::postings::Postings;
use crate::store::Version;

/// The place of a resource among those of its type, by creation.
pub(super) type Place = u32;

/// The resources of one type.
#[derive(Debug)]
pub(super) struct Rows {
    resource_type: Box<str>,
    /// By place: when each was created, in ascending order.
    created: Vec<u64>,
    /// By place: the current version, unless it is deleted.
    current: Vec<Option<Arc<Version>>>,
    /// How many are not deleted.
    count: usize,
    postings: HashMap<Key, Postings, BuildHasherDefault<Identity>>,
    dates: HashMap<&'static str, Dates>,
    /// By sequence of the current version.
    updated: BTreeSet<(u64, Place)>,
}

impl Rows {
    pub(super) fn new(resource_type: &str) -> Self {
        Self {
            resource_type: resource_type.into(),
            created: Vec::new(),
            current: Vec::new(),
            count: 0,
            postings: HashMap::default(),
            dates: HashMap::new(),
            updated: BTreeSet::new(),
        }
    }

    /// Puts a version in the place of the one before.
    pub(super) fn put(&mut self, version: &Arc<Version>, base: &str) {
        let place = match self.created.binary_search(&version.created) {
            Ok(place) => place,
            Err(end) if end == self.created.len() => {
                self.created.push(version.created);
                self.current.push(None);
                end
            }
            Err(_) => return self.rebuild_with(version, base),
        };
        // More than four thousand million resources do not fit in memory.
        let Ok(number) = Place::try_from(place) else {
            return;
        };
        let Some(slot) = self.current.get_mut(place) else {
            return;
        };
        let after = (!version.is_deletion()).then(|| Arc::clone(version));
        let before = std::mem::replace(slot, after.clone());
        self.count += usize::from(after.is_some());
        self.count -= usize::from(before.is_some());
        self.move_keys(number, before.as_deref(), after.as_deref(), base);
        self.move_dates(number, before.as_deref(), after.as_deref());
        if let Some(before) = before {
            self.updated.remove(&(before.sequence, number));
        }
        if let Some(after) = after {
            self.updated.insert((after.sequence, number));
        }
    }

    fn move_keys(
        &mut self,
        place: Place,
        before: Option<&Version>,
        after: Option<&Version>,
        base: &str,
    ) {
        let kind = &self.resource_type;
        let keys = |version: Option<&Version>| {
            version.map_or_else(Vec::new, |version| keys_of(kind, &version.resource, base))
        };
        let (before, after) = (keys(before), keys(after));
        for key in before
            .iter()
            .filter(|key| after.binary_search(key).is_err())
        {
            if let Some(postings) = self.postings.get_mut(key)
                && postings.remove(place)
            {
                self.postings.remove(key);
            }
        }
        for key in after
            .iter()
            .filter(|key| before.binary_search(key).is_err())
        {
            self.postings
                .entry(*key)
                .and_modify(|postings| postings.add(place))
                .or_insert(Postings::One(place));
        }
    }

    fn move_dates(&mut self, place: Place, before: Option<&Version>, after: Option<&Version>) {
        let kind = &self.resource_type;
        let dates = |version: Option<&Version>| -> Vec<(&'static str, Stretch)> {
            version.map_or_else(Vec::new, |version| stretches_of(kind, &version.resource))
        };
        let (before, after) = (dates(before), dates(after));
        for old in before.iter().filter(|old| !after.contains(old)) {
            if let Some(dates) = self.dates.get_mut(old.0) {
                dates.remove(old.1, place);
                if dates.is_empty() {
                    self.dates.remove(old.0);
                }
            }
        }
        // All of them once more: two long stretches of a resource share one entry.
        for (code, stretch) in after {
            self.dates.entry(code).or_default().add(stretch, place);
        }
    }

    /// A resource that is older than one that is known already: everything moves on by a place.
    fn rebuild_with(&mut self, version: &Arc<Version>, base: &str) {
        let mut all: Vec<Arc<Version>> = self.current.iter().flatten().cloned().collect();
        all.push(Arc::clone(version));
        all.sort_unstable_by_key(|version| version.created);
        let kind = std::mem::take(&mut self.resource_type);
        *self = Self::new(&kind);
        for version in &all {
            self.put(version, base);
        }
    }

    fn row(&self, place: Place) -> Option<&Arc<Version>> {
        self.current.get(usize::try_from(place).ok()?)?.as_ref()
    }

    fn rows(&self, places: impl Iterator<Item = Place>) -> Vec<Arc<Version>> {
        places
            .filter_map(|place| self.row(place).cloned())
            .collect()
    }

    /// See [`Index::candidates`](super::Index::candidates).
    pub(super) fn candidates(&self, lookup: &Lookup) -> Option<Vec<Arc<Version>>> {
        let fewest = self.fewest(&lookup.narrow);
        // Walking in order ends early; how early depends on how many of the walked match.
        let walks = |limit: usize| match &fewest {
            None => true,
            Some(places) => places.len() > limit.saturating_mul(4) && places.len() * 4 > self.count,
        };
        match (lookup.order, lookup.limit, fewest.as_deref()) {
            (Order::Created { behind }, Some(limit), places) => {
                let start = behind.map_or(0, |behind| {
                    self.created.partition_point(|created| *created <= behind)
                });
                let start = Place::try_from(start).unwrap_or(Place::MAX);
                Some(match places {
                    Some(places) => {
                        let first = places.partition_point(|place| *place < start);
                        let rest = places.get(first..).unwrap_or_default();
                        self.rows(rest.iter().copied().take(limit))
                    }
                    None => {
                        let all = self
                            .current
                            .iter()
                            .skip(start.try_into().unwrap_or(usize::MAX));
                        all.flatten().take(limit).cloned().collect()
                    }
                })
            }
            (Order::Updated { behind, descending }, Some(limit), _) if walks(limit) => {
                Some(self.walk(behind, descending, limit))
            }
            (_, _, Some(places)) => Some(self.rows(places.iter().copied())),
            (_, _, None) => None,
        }
    }

    /// The first in the order of their last change.
    fn walk(&self, behind: Option<u64>, descending: bool, limit: usize) -> Vec<Arc<Version>> {
        let behind = |end: Place| behind.map(|sequence| Bound::Excluded((sequence, end)));
        let (from, to) = if descending {
            (
                Bound::Unbounded,
                behind(Place::MIN).unwrap_or(Bound::Unbounded),
            )
        } else {
            (
                behind(Place::MAX).unwrap_or(Bound::Unbounded),
                Bound::Unbounded,
            )
        };
        let all = self.updated.range((from, to)).map(|(_, place)| *place);
        if descending {
            self.rows(all.rev().take(limit))
        } else {
            self.rows(all.take(limit))
        }
    }

    /// The places that the most selective part leaves, in order; `None` where none leaves fewer
    /// than all.
    fn fewest(&self, narrow: &[Narrow]) -> Option<Vec<Place>> {
        let mut best: Option<Vec<Place>> = None;
        // Keys are counted before anything is copied, times are collected to count them.
        let mut by_keys: Vec<(usize, &Narrow)> = narrow
            .iter()
            .filter(|part| part.spans.is_empty())
            .map(|part| (self.sizes(&part.keys), part))
            .collect();
        by_keys.sort_unstable_by_key(|(size, _)| *size);
        let limit = by_keys.first().map_or(self.count, |(size, _)| *size);
        for part in narrow.iter().filter(|part| !part.spans.is_empty()) {
            let limit = best.as_ref().map_or(limit, Vec::len);
            if limit > 0
                && let Some(places) = self.places(part, limit - 1)
            {
                best = Some(places);
            }
        }
        if best.is_none()
            && let Some((size, part)) = by_keys.first()
            && *size < self.count.max(1)
        {
            best = self.places(part, usize::MAX);
        }
        // A second part that is nearly as selective makes it fewer still.
        let mut places = best?;
        for (size, part) in by_keys.iter().take(3) {
            if *size > places.len().saturating_mul(8) || places.len() < 16 {
                break;
            }
            places.retain(|place| self.has_one(*place, &part.keys));
        }
        Some(places)
    }

    fn sizes(&self, keys: &[Key]) -> usize {
        keys.iter()
            .filter_map(|key| self.postings.get(key))
            .map(|postings| postings.as_slice().len())
            .sum()
    }

    fn has_one(&self, place: Place, keys: &[Key]) -> bool {
        keys.iter()
            .filter_map(|key| self.postings.get(key))
            .any(|postings| postings.as_slice().binary_search(&place).is_ok())
    }

    /// The places of a part, in order, each once; `None` when they are more than `limit`.
    fn places(&self, part: &Narrow, limit: usize) -> Option<Vec<Place>> {
        let mut places = Vec::new();
        for key in &part.keys {
            if let Some(postings) = self.postings.get(key) {
                places.extend_from_slice(postings.as_slice());
            }
        }
        for (code, span) in &part.spans {
            let room = limit.saturating_sub(places.len());
            if *code == "_lastUpdated" {
                places.extend(self.updated_within(*span, room)?);
            } else if let Some(dates) = self.dates.get(code) {
                places.extend(dates.touching(*span, room)?);
            }
        }
        if places.len() > limit {
            return None;
        }
        places.sort_unstable();
        places.dedup();
        Some(places)
    }

    /// The places of what was last changed within the span. Time never runs backwards between two
    /// versions, so it follows their sequence.
    fn updated_within(&self, span: Span, limit: usize) -> Option<Vec<Place>> {
        let time = |version: &Version| -> Moment { version.last_updated.as_nanosecond() };
        let mut places = Vec::new();
        // From whichever end is nearer to the span; the other end stops the walk.
        let visit = |(_, place): &(u64, Place)| self.row(*place).map(|row| (*place, time(row)));
        let in_span = |at: Moment| {
            span.from.is_none_or(|from| millis(at) >= millis(from))
                && span.to.is_none_or(|to| millis(at) <= millis(to))
        };
        let mut add = |(place, at): (Place, Moment)| {
            if in_span(at) {
                places.push(place);
            }
            places.len() <= limit
        };
        let complete = match (span.from, span.to) {
            (Some(from), _) => self
                .updated
                .iter()
                .rev()
                .filter_map(visit)
                .take_while(|(_, at)| millis(*at) >= millis(from))
                .all(&mut add),
            (None, Some(to)) => self
                .updated
                .iter()
                .filter_map(visit)
                .take_while(|(_, at)| millis(*at) <= millis(to))
                .all(&mut add),
            (None, None) => false,
        };
        complete.then_some(places)
    }
}
