//! Texts and lists kept once, behind small numbers.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;

/// The number of a text or list in its [`Pool`]; equal numbers, equal contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Symbol(NonZeroU32);

impl Symbol {
    /// Its place in a list of one item for each number.
    pub fn at(self) -> usize {
        // A symbol was made from the length of a Vec, so it fits.
        usize::try_from(self.0.get() - 1).unwrap_or(usize::MAX)
    }
}

/// A set of slices. One large allocation instead of one for each slice, and an index of four bytes
/// a slot: a million ids cost about their own length.
#[derive(Debug)]
pub(super) struct Pool<T> {
    items: Vec<T>,
    /// Where each slice ends in `items`.
    ends: Vec<u32>,
    /// Open addressing, a power of two long.
    slots: Vec<Option<Symbol>>,
    full: bool,
}

impl<T: Copy + Eq + Hash> Pool<T> {
    pub fn new() -> Self {
        Pool {
            items: Vec::new(),
            ends: Vec::new(),
            slots: Vec::new(),
            full: false,
        }
    }

    /// Whether something did not fit and was left out.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// The number of a slice, which is kept from now on. `None` when the numbers are used up.
    pub fn put(&mut self, slice: &[T]) -> Option<Symbol> {
        // Three quarters full at most.
        if self.ends.len() >= self.slots.len() / 4 * 3 {
            self.grow();
        }
        let slot = self.slot(slice);
        if let Some(known) = self.slots.get(slot).copied().flatten() {
            return Some(known);
        }
        let end = u32::try_from(self.items.len() + slice.len()).ok();
        let number = u32::try_from(self.ends.len() + 1).ok();
        let (Some(end), Some(symbol)) = (end, number.and_then(NonZeroU32::new).map(Symbol)) else {
            self.full = true;
            return None;
        };
        self.items.extend_from_slice(slice);
        self.ends.push(end);
        if let Some(free) = self.slots.get_mut(slot) {
            *free = Some(symbol);
        }
        Some(symbol)
    }

    /// The number of a slice that is kept already.
    pub fn find(&self, slice: &[T]) -> Option<Symbol> {
        self.slots.get(self.slot(slice)).copied().flatten()
    }

    /// How many slices are kept.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn get(&self, symbol: Symbol) -> &[T] {
        let end_of = |at: usize| {
            let end = self.ends.get(at).copied().unwrap_or_default();
            usize::try_from(end).unwrap_or(usize::MAX)
        };
        let start = symbol.at().checked_sub(1).map_or(0, end_of);
        self.items
            .get(start..end_of(symbol.at()))
            .unwrap_or_default()
    }

    /// The slot that holds the slice, or the free one where it belongs.
    fn slot(&self, slice: &[T]) -> usize {
        let Some(mask) = self.slots.len().checked_sub(1) else {
            return 0;
        };
        let mut hasher = DefaultHasher::new();
        slice.hash(&mut hasher);
        let hash = hasher.finish();
        let mut slot = usize::try_from(hash & u64::try_from(mask).unwrap_or(u64::MAX)).unwrap_or(0);
        // Ends at a free slot: a quarter of them is.
        while let Some(Some(other)) = self.slots.get(slot) {
            if self.get(*other) == slice {
                break;
            }
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let length = (self.slots.len() * 2).max(64);
        self.slots = vec![None; length];
        let count = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        for symbol in (1..=count).filter_map(NonZeroU32::new).map(Symbol) {
            let slot = self.slot(self.get(symbol));
            if let Some(free) = self.slots.get_mut(slot) {
                *free = Some(symbol);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pool;
    use std::collections::{HashMap, HashSet};

    #[test]
    fn equal_slices_have_one_number_and_come_back_as_they_were() {
        let mut pool = Pool::new();
        let texts: Vec<String> = (0..1000).map(|n| format!("t{}", n % 300)).collect();
        let mut numbers = HashMap::new();
        for text in &texts {
            let symbol = pool.put(text.as_bytes()).unwrap();
            assert_eq!(*numbers.entry(text).or_insert(symbol), symbol);
        }
        for (text, symbol) in &numbers {
            assert_eq!(pool.get(*symbol), text.as_bytes());
            assert_eq!(pool.find(text.as_bytes()), Some(*symbol));
        }
        assert_eq!(numbers.values().collect::<HashSet<_>>().len(), 300);
        assert_eq!(pool.find(b"other"), None);
    }

    #[test]
    fn the_empty_slice_is_a_slice() {
        let mut pool = Pool::<u8>::new();
        assert_eq!(pool.find(b""), None);
        let symbol = pool.put(b"").unwrap();
        assert_eq!(pool.put(b""), Some(symbol));
        assert_eq!(pool.get(symbol), b"");
    }
}
