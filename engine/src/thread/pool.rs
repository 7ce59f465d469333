//! Texts and lists kept once, behind small numbers.

use std::hash::{BuildHasher, Hash};
use std::num::NonZeroU32;

use super::shelves::Shelves;

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

/// Items that are kept together, unless one slice has more.
const BLOCK: usize = 1 << 16;

/// A set of slices. Few large allocations instead of one for each slice, none of which is ever
/// copied, and an index of eight bytes a slot: a million ids cost little more than their own length.
#[derive(Debug)]
pub(super) struct Pool<T> {
    blocks: Vec<Vec<T>>,
    /// Where each slice is.
    spans: Shelves<Span>,
    /// Open addressing, a power of two long.
    slots: Vec<Option<Slot>>,
    /// Its seed is another one in each pool, so that nobody can write texts that share slots.
    hasher: foldhash::quality::RandomState,
    full: bool,
}

/// A slice that is kept, and the lower half of its hash: other slices are seldom looked at.
#[derive(Debug, Clone, Copy)]
struct Slot {
    symbol: Symbol,
    hash: u32,
}

/// Where a slice is: in which block, from which item on, and how many.
#[derive(Debug, Clone, Copy)]
struct Span {
    block: u16,
    start: u16,
    length: u32,
}

impl<T: Copy + Eq + Hash> Pool<T> {
    pub fn new() -> Self {
        Pool {
            blocks: Vec::new(),
            spans: Shelves::new(),
            slots: Vec::new(),
            hasher: foldhash::quality::RandomState::default(),
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
        if self.spans.len() >= self.slots.len() / 4 * 3 {
            self.grow();
        }
        let hash = self.hash(slice);
        let place = self.place(slice, hash);
        if let Some(known) = self.slots.get(place).copied().flatten() {
            return Some(known.symbol);
        }
        let number = u32::try_from(self.spans.len() + 1).ok();
        let symbol = number.and_then(NonZeroU32::new).map(Symbol);
        let (Some(symbol), Some(span)) = (symbol, self.keep(slice)) else {
            self.full = true;
            return None;
        };
        self.spans.push(span);
        if let Some(free) = self.slots.get_mut(place) {
            *free = Some(Slot { symbol, hash });
        }
        Some(symbol)
    }

    /// The number of a slice that is kept already.
    pub fn find(&self, slice: &[T]) -> Option<Symbol> {
        let place = self.place(slice, self.hash(slice));
        let slot = self.slots.get(place).copied().flatten();
        slot.map(|slot| slot.symbol)
    }

    /// How many slices are kept.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    pub fn get(&self, symbol: Symbol) -> &[T] {
        let slice = || {
            let span = self.spans.get(symbol.at())?;
            let start = usize::from(span.start);
            let end = start + usize::try_from(span.length).ok()?;
            self.blocks.get(usize::from(span.block))?.get(start..end)
        };
        slice().unwrap_or_default()
    }

    /// Puts a slice behind the others; `None` when there is no more room.
    fn keep(&mut self, slice: &[T]) -> Option<Span> {
        let length = u32::try_from(slice.len()).ok()?;
        let has_room = |block: &Vec<T>| {
            block.len() < BLOCK && (block.is_empty() || block.len() + slice.len() <= BLOCK)
        };
        if !self.blocks.last().is_some_and(has_room) {
            // The first grows as others do: a part of an input has few texts.
            let capacity = if self.blocks.is_empty() { 0 } else { BLOCK };
            self.blocks.push(Vec::with_capacity(capacity));
        }
        let block = u16::try_from(self.blocks.len() - 1).ok()?;
        let items = self.blocks.last_mut()?;
        let start = u16::try_from(items.len()).ok()?;
        items.extend_from_slice(slice);
        Some(Span {
            block,
            start,
            length,
        })
    }

    /// All slices, in the order of their numbers.
    pub fn all(&self) -> impl Iterator<Item = &[T]> {
        let count = u32::try_from(self.spans.len()).unwrap_or(u32::MAX);
        let symbols = (1..=count).filter_map(NonZeroU32::new).map(Symbol);
        symbols.map(|symbol| self.get(symbol))
    }

    fn hash(&self, slice: &[T]) -> u32 {
        let hash = self.hasher.hash_one(slice);
        u32::try_from(hash & u64::from(u32::MAX)).unwrap_or_default()
    }

    /// The place of the slot that holds the slice, or of the free one where it belongs.
    fn place(&self, slice: &[T], hash: u32) -> usize {
        let Some(mask) = self.slots.len().checked_sub(1) else {
            return 0;
        };
        let mut place = usize::try_from(hash).unwrap_or(0) & mask;
        // Ends at a free slot: a quarter of them is.
        while let Some(Some(other)) = self.slots.get(place) {
            if other.hash == hash && self.get(other.symbol) == slice {
                break;
            }
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        let length = (self.slots.len() * 2).max(64);
        let mask = length - 1;
        let mut slots = vec![None; length];
        for slot in self.slots.iter().flatten() {
            let mut place = usize::try_from(slot.hash).unwrap_or(0) & mask;
            while slots.get(place).is_some_and(Option::is_some) {
                place = (place + 1) & mask;
            }
            if let Some(free) = slots.get_mut(place) {
                *free = Some(*slot);
            }
        }
        self.slots = slots;
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Pool};
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
    fn slices_of_any_length_come_back_as_they_were() {
        let mut pool = Pool::new();
        let lengths = [
            3,
            BLOCK - 5,
            1,
            2,
            0,
            BLOCK,
            BLOCK + 1,
            7,
            3 * BLOCK,
            BLOCK - 1,
            1,
            1,
            0,
        ];
        let slices: Vec<Vec<u32>> = lengths
            .iter()
            .zip(0..)
            .map(|(length, n)| vec![n; *length])
            .collect();
        let symbols: Vec<_> = slices
            .iter()
            .map(|slice| pool.put(slice).unwrap())
            .collect();
        for (slice, symbol) in slices.iter().zip(symbols) {
            assert_eq!(pool.get(symbol), slice);
            assert_eq!(pool.put(slice), Some(symbol));
        }
        assert_eq!(
            pool.len(),
            slices.len() - 1,
            "the empty one stands there twice"
        );
        assert!(pool.all().eq(slices.iter().take(slices.len() - 1)));
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
