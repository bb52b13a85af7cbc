//! Cells with one writer and any number of readers: a sequence lock each, so that a reader never takes a torn one.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// A stamp: whose it is, and its figures.
#[derive(Debug)]
struct Cell<const WORDS: usize> {
    /// 0 = none, or being written.
    key: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// Cells that have one writer at a time each.
#[derive(Debug)]
pub(super) struct Lane<const WORDS: usize>(Box<[Cell<WORDS>]>);

impl<const WORDS: usize> Lane<WORDS> {
    /// Empty cells.
    pub(super) fn new(cells: usize) -> Self {
        let empty = || Cell { key: AtomicU64::new(0), words: [const { AtomicU64::new(0) }; WORDS] };
        Lane((0..cells).map(|_| empty()).collect())
    }

    /// Writes a cell. Only the one writer that the cell has at a time calls this, or several that write one word under one key. Keys
    /// are not 0.
    pub(super) fn put(&self, cell: usize, key: u64, words: [u64; WORDS]) {
        let cell = &self.0[cell];
        cell.key.store(0, Ordering::Relaxed);
        // Release fence: who sees a new word sees that the key is gone. Pairs with the Acquire fence in `read`.
        fence(Ordering::Release);
        for (place, word) in cell.words.iter().zip(words) {
            place.store(word, Ordering::Relaxed);
        }
        // Release: who sees the key sees the words. Pairs with the Acquire load in `read`.
        cell.key.store(key, Ordering::Release);
    }

    /// Key and words of a cell; `None` when it is empty or being written right now.
    pub(super) fn read(&self, cell: usize) -> Option<(u64, [u64; WORDS])> {
        let cell = &self.0[cell];
        let key = cell.key.load(Ordering::Acquire);
        let words = std::array::from_fn(|n| cell.words[n].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        (key != 0 && cell.key.load(Ordering::Relaxed) == key).then_some((key, words))
    }

    /// Words of a cell that is this key's.
    pub(super) fn get(&self, cell: usize, key: u64) -> Option<[u64; WORDS]> {
        self.read(cell).filter(|(found, _)| *found == key).map(|(_, words)| words)
    }

    /// Cells there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_never_takes_words_of_two_stamps() {
        let lane = Lane::<3>::new(1);
        std::thread::scope(|scope| {
            scope.spawn(|| (1..200_000).for_each(|key| lane.put(0, key, [key; 3])));
            let mut last = 0;
            while last < 199_999 {
                if let Some((key, words)) = lane.read(0) {
                    assert_eq!(words, [key; 3]);
                    last = key;
                }
            }
        });
    }

    #[test]
    fn a_cell_of_another_key_is_none() {
        let lane = Lane::<1>::new(2);
        lane.put(1, 7, [70]);
        assert_eq!((lane.get(1, 7), lane.get(1, 8), lane.get(0, 0)), (Some([70]), None, None));
    }
}
