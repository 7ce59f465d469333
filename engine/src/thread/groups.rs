//! Records by what they point at.

use super::pool::Symbol;
use super::record::{Moment, Place};

/// Which records point at which target, in the order of a moment. Sorted pairs: eight bytes more
/// than nothing for each record, and no allocation a group.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pairs: Vec<(Symbol, Place)>,
}

impl Groups {
    /// Groups the pairs; within a group by the moment, then by the order of the input.
    pub fn new(mut pairs: Vec<(Symbol, Place)>, moment: impl Fn(Place) -> Moment) -> Self {
        pairs.sort_unstable_by_key(|(target, place)| (*target, moment(*place), *place));
        pairs.dedup();
        Groups { pairs }
    }

    /// The records that point at the target.
    pub fn of(&self, target: Symbol) -> impl DoubleEndedIterator<Item = Place> + use<'_> {
        let start = self.pairs.partition_point(|(other, _)| *other < target);
        let rest = self.pairs.get(start..).unwrap_or_default();
        let length = rest.partition_point(|(other, _)| *other == target);
        let group = rest.get(..length).unwrap_or_default();
        group.iter().map(|(_, place)| *place)
    }

    /// Whether any record does.
    pub fn has(&self, target: Symbol) -> bool {
        self.of(target).next().is_some()
    }

    /// The last record of a group for which the order says that it comes first.
    pub fn before(&self, target: Symbol, comes_first: impl Fn(Place) -> bool) -> Option<Place> {
        let start = self.pairs.partition_point(|(other, _)| *other < target);
        let rest = self.pairs.get(start..)?;
        let count = rest.partition_point(|(other, place)| *other == target && comes_first(*place));
        rest.get(count.checked_sub(1)?).map(|(_, place)| *place)
    }
}
