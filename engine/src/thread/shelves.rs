//! A list that grows without being copied.

/// Items of one shelf.
const LONG: usize = 1 << 14;

/// A list of items on shelves of equal length. Growing, a `Vec` needs room for its old and its new
/// place at once, three times what it holds; this needs one more shelf.
#[derive(Debug)]
pub(super) struct Shelves<T> {
    full: Vec<Vec<T>>,
    last: Vec<T>,
}

impl<T> Shelves<T> {
    pub fn new() -> Self {
        Shelves {
            full: Vec::new(),
            last: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.full.len() * LONG + self.last.len()
    }

    pub fn push(&mut self, item: T) {
        if self.last.len() == LONG {
            let next = Vec::with_capacity(LONG);
            self.full.push(std::mem::replace(&mut self.last, next));
        }
        self.last.push(item);
    }

    pub fn get(&self, at: usize) -> Option<&T> {
        match self.full.get(at / LONG) {
            Some(shelf) => shelf.get(at % LONG),
            None if at / LONG == self.full.len() => self.last.get(at % LONG),
            None => None,
        }
    }

    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let is_last = at / LONG == self.full.len();
        match self.full.get_mut(at / LONG) {
            Some(shelf) => shelf.get_mut(at % LONG),
            None if is_last => self.last.get_mut(at % LONG),
            None => None,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.full.iter().flatten().chain(&self.last)
    }

    /// How many items come before the first for which this is not so; it must be so of all before
    /// one of which it is.
    pub fn partition_point(&self, is_before: impl Fn(&T) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle).is_some_and(&is_before) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::{LONG, Shelves};

    #[test]
    fn it_is_a_list() {
        let mut shelves = Shelves::new();
        let mut list = Vec::new();
        for n in 0..2 * LONG + 3 {
            assert_eq!((shelves.len(), shelves.get(n)), (n, None));
            assert_eq!(shelves.get(n + LONG), None);
            shelves.push(n * 2);
            list.push(n * 2);
        }
        assert!(shelves.iter().eq(&list));
        for at in [0, 1, LONG - 1, LONG, 2 * LONG - 1, 2 * LONG, 2 * LONG + 2] {
            assert_eq!(shelves.get(at), Some(&(at * 2)));
            assert_eq!(shelves.partition_point(|item| *item < at * 2), at);
            assert_eq!(shelves.partition_point(|item| *item <= at * 2), at + 1);
            if let Some(item) = shelves.get_mut(at) {
                *item += 1;
            }
            assert_eq!(shelves.get(at), Some(&(at * 2 + 1)));
        }
        assert_eq!(shelves.get_mut(2 * LONG + 3), None);
        assert_eq!(shelves.get_mut(9 * LONG), None);
    }
}
