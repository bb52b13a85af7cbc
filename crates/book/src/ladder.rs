//! One side of a book: levels by rank, best rank first.
//!
//! A *rank* orders prices by how good they are for the other side: the best price has the lowest rank. Asks
//! rank by tick, bids by its complement, so that one code serves both. Levels sit in pages of 64 neighbouring
//! ranks with one occupancy word; a [`Directory`] finds the page.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::directory::{Directory, NO_PAGE};
use crate::orders::{NONE, Slot};

/// Price as a rank, see the module documentation.
pub type Rank = u32;
/// No rank: the side is empty. No price has it (ticks are ≥ 1 and < 2^31).
pub const NO_RANK: Rank = u32::MAX;

const LEVELS: usize = 64;

/// The orders at one price, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Oldest order, or [`NONE`].
    pub head: Slot,
    /// Youngest order, or [`NONE`].
    pub tail: Slot,
    /// Sum of open shares. Cannot overflow: see limits::ORDERS_MAX_DEFAULT.
    pub quantity: u64,
}

const _: () = assert!(size_of::<Level>() == 16, "four levels in a cache line");

const EMPTY: Level = Level { head: NONE, tail: NONE, quantity: 0 };

#[derive(Debug)]
struct Page {
    /// Bit n: level n holds orders.
    occupied: u64,
    levels: [Level; LEVELS],
}

/// One side of a book.
#[derive(Debug)]
pub struct Ladder {
    directory: Directory,
    /// Boxed so that growth never moves a page.
    #[allow(clippy::vec_box)]
    pages: Vec<Box<Page>>,
    free: Vec<u32>,
    best: Rank,
    /// Page of `best`; meaningless while the side is empty.
    best_page: u32,
}

impl Default for Ladder {
    fn default() -> Self {
        Ladder {
            directory: Directory::default(),
            pages: Vec::new(),
            free: Vec::new(),
            best: NO_RANK,
            best_page: NO_PAGE,
        }
    }
}

impl Ladder {
    /// The best rank, or [`NO_RANK`].
    #[inline]
    pub const fn best(&self) -> Rank {
        self.best
    }

    /// The level at the best rank. Only when the side is not empty.
    #[inline]
    pub fn best_level(&mut self) -> &mut Level {
        debug_assert!(self.best != NO_RANK, "Invariant: only a side with orders has a best level");
        &mut self.pages[self.best_page as usize].levels[self.best as usize % LEVELS]
    }

    /// The level at a rank, if it holds orders.
    pub fn level(&self, rank: Rank) -> Option<&Level> {
        let page = self.directory.get(rank / LEVELS as u32);
        if page == NO_PAGE {
            return None;
        }
        let level = &self.pages[page as usize].levels[rank as usize % LEVELS];
        (level.head != NONE).then_some(level)
    }

    /// The level at a rank that holds orders.
    #[inline]
    pub(crate) fn occupied_level(&mut self, rank: Rank) -> &mut Level {
        let page = self.directory.get(rank / LEVELS as u32);
        debug_assert!(page != NO_PAGE, "Invariant: a resting order has a level");
        &mut self.pages[page as usize].levels[rank as usize % LEVELS]
    }

    /// The level at a rank, made ready to receive an order.
    #[inline]
    pub(crate) fn open_level(&mut self, rank: Rank) -> &mut Level {
        let number = rank / LEVELS as u32;
        let mut page = self.directory.get(number);
        if page == NO_PAGE {
            page = self.add_page(number);
        }
        if rank < self.best {
            self.best = rank;
            self.best_page = page;
        }
        let page = &mut self.pages[page as usize];
        page.occupied |= 1 << (rank as usize % LEVELS);
        &mut page.levels[rank as usize % LEVELS]
    }

    /// Forgets a level whose last order has gone.
    #[inline]
    pub(crate) fn close_level(&mut self, rank: Rank) {
        let number = rank / LEVELS as u32;
        let handle = self.directory.get(number);
        let page = &mut self.pages[handle as usize];
        debug_assert!(
            page.levels[rank as usize % LEVELS] == EMPTY,
            "Invariant: a closed level has no orders"
        );
        page.occupied &= !(1 << (rank as usize % LEVELS));
        let occupied = page.occupied;
        if occupied == 0 {
            self.directory.remove(number);
            self.free.push(handle);
        }
        if rank == self.best {
            self.find_best(number, handle, occupied);
        }
    }

    /// The next rank after `rank` that holds orders, or [`NO_RANK`].
    pub fn next_after(&self, rank: Rank) -> Rank {
        let number = rank / LEVELS as u32;
        let handle = self.directory.get(number);
        if handle != NO_PAGE {
            let later = u64::MAX.checked_shl(rank % LEVELS as u32 + 1).unwrap_or(0);
            let bits = self.pages[handle as usize].occupied & later;
            if bits != 0 {
                return number * LEVELS as u32 + bits.trailing_zeros();
            }
        }
        match self.directory.first_from(number + 1) {
            Some((number, handle)) => self.first_of(number, handle),
            None => NO_RANK,
        }
    }

    /// The best level went: the next one is in the same page or in a later one, never before.
    fn find_best(&mut self, number: u32, handle: u32, occupied: u64) {
        if occupied != 0 {
            self.best = number * LEVELS as u32 + occupied.trailing_zeros();
            self.best_page = handle;
        } else if let Some((number, handle)) = self.directory.first_from(number) {
            self.best = self.first_of(number, handle);
            self.best_page = handle;
        } else {
            self.best = NO_RANK;
        }
    }

    fn first_of(&self, number: u32, handle: u32) -> Rank {
        let occupied = self.pages[handle as usize].occupied;
        debug_assert!(occupied != 0, "Invariant: a page in the directory holds orders");
        number * LEVELS as u32 + occupied.trailing_zeros()
    }

    #[cold]
    fn add_page(&mut self, number: u32) -> u32 {
        let handle = self.free.pop().unwrap_or_else(|| {
            self.pages.push(Box::new(Page { occupied: 0, levels: [EMPTY; LEVELS] }));
            // Room for every page to be free at once, so that closing a level never allocates.
            self.free.reserve(self.pages.len());
            self.pages.len() as u32 - 1
        });
        self.directory.insert(number, handle);
        handle
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_ladder_equals_a_plain_ordered_set(
            steps in prop::collection::vec((0u32..3, 0u32..400), 1..500)
        ) {
            let mut ladder = Ladder::default();
            let mut set = BTreeSet::new();
            for (scale, offset) in steps {
                let rank = [1 + offset, 48_000 + offset, 1_999_999_999 - offset * 5_000][scale as usize];
                if set.remove(&rank) {
                    *ladder.occupied_level(rank) = EMPTY;
                    ladder.close_level(rank);
                } else {
                    set.insert(rank);
                    ladder.open_level(rank).head = 1;
                }
                prop_assert_eq!(ladder.best(), set.first().copied().unwrap_or(NO_RANK));
                prop_assert_eq!(ladder.next_after(rank), set.range(rank + 1..).next().copied().unwrap_or(NO_RANK));
                prop_assert_eq!(ladder.level(rank).is_some(), set.contains(&rank));
            }
        }
    }
}
