//! One queue of a book: levels by rank, best rank first.
//!
//! A *rank* orders prices by how good they are for the other side: the best price has the lowest rank. Asks
//! rank by tick, bids by its complement, so that one code serves both. Levels sit in pages of 64 neighbouring
//! ranks with one occupancy word; a [`Directory`] finds the page.

use alloc::vec::Vec;

use crate::directory::{Directory, NO_PAGE};
use crate::orders::{NONE, Slot};

/// Price as a rank, see the module documentation.
pub type Rank = u32;
/// No rank: the ladder is empty. No price has it (ticks are ≥ 1 and < 2^31).
pub const NO_RANK: Rank = u32::MAX;

const LEVELS: u32 = 64;

/// The orders at one price, oldest first. Sums are not kept here: 8 bytes keep eight levels in a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Oldest order, or [`NONE`].
    pub head: Slot,
    /// Youngest order, or [`NONE`].
    pub tail: Slot,
}

const _: () = assert!(size_of::<Level>() == 8, "eight levels in a cache line");

pub(crate) const EMPTY: Level = Level { head: NONE, tail: NONE };

#[derive(Clone, Debug)]
struct Page {
    /// Bit n: level n holds orders.
    occupied: u64,
    levels: [Level; LEVELS as usize],
}

/// Pages of levels, shared by all ladders. A page that is empty goes back to the free list.
#[derive(Debug, Default)]
pub struct Pages {
    pages: Vec<Page>,
    free: Vec<u32>,
}

impl Pages {
    #[inline]
    fn level(&self, handle: u32, rank: Rank) -> &Level {
        &self.pages[handle as usize].levels[(rank % LEVELS) as usize]
    }

    #[inline(always)]
    pub(crate) fn level_mut(&mut self, handle: u32, rank: Rank) -> &mut Level {
        &mut self.pages[handle as usize].levels[(rank % LEVELS) as usize]
    }

    #[inline]
    fn occupied(&self, handle: u32) -> u64 {
        self.pages[handle as usize].occupied
    }

    #[cold]
    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.pages.push(Page { occupied: 0, levels: [EMPTY; LEVELS as usize] });
            // Room for every page to be free at once, so that closing a level never allocates.
            self.free.reserve(self.pages.len() - self.free.len());
            self.pages.len() as u32 - 1
        })
    }
}

/// One queue: all levels of the visible, or of the hidden, orders of a side.
#[derive(Debug)]
pub struct Ladder {
    best: Rank,
    /// Page of `best`; meaningless while the ladder is empty.
    best_page: u32,
    directory: Directory,
}

impl Default for Ladder {
    fn default() -> Self {
        Ladder { directory: Directory::default(), best: NO_RANK, best_page: NO_PAGE }
    }
}

impl Ladder {
    /// The best rank, or [`NO_RANK`].
    #[inline]
    pub const fn best(&self) -> Rank {
        self.best
    }

    /// The oldest order at the best rank. Only when the ladder is not empty.
    #[inline(always)]
    pub fn head(&self, pages: &Pages) -> Slot {
        debug_assert!(self.best != NO_RANK, "Invariant: only a ladder with orders has a head");
        pages.level(self.best_page, self.best).head
    }

    /// The level at a rank, if it holds orders.
    pub fn level(&self, pages: &Pages, rank: Rank) -> Option<Level> {
        let page = self.directory.get(rank / LEVELS);
        if page == NO_PAGE {
            return None;
        }
        Some(*pages.level(page, rank)).filter(|level| level.head != NONE)
    }

    /// The page of a rank that holds orders.
    #[inline(always)]
    pub(crate) fn page_of(&self, rank: Rank) -> u32 {
        if rank == self.best {
            return self.best_page;
        }
        let page = self.directory.get(rank / LEVELS);
        debug_assert!(page != NO_PAGE, "Invariant: a resting order has a level");
        page
    }

    /// The level at a rank, made ready to receive an order.
    #[inline(always)]
    pub(crate) fn open_level<'a>(&mut self, pages: &'a mut Pages, rank: Rank) -> &'a mut Level {
        let number = rank / LEVELS;
        let mut page = self.directory.get(number);
        if page == NO_PAGE {
            page = pages.take();
            self.directory.insert(number, page);
        }
        if rank < self.best {
            self.best = rank;
            self.best_page = page;
        }
        let page = &mut pages.pages[page as usize];
        let level = &mut page.levels[(rank % LEVELS) as usize];
        // The word with the bits is another cache line: it is touched only when a bit changes.
        if level.head == NONE {
            page.occupied |= 1 << (rank % LEVELS);
        }
        level
    }

    /// Forgets a level whose last order has gone.
    #[inline(always)]
    pub(crate) fn close_level(&mut self, pages: &mut Pages, handle: u32, rank: Rank) {
        let page = &mut pages.pages[handle as usize];
        debug_assert!(
            page.levels[(rank % LEVELS) as usize] == EMPTY,
            "Invariant: a closed level has no orders"
        );
        page.occupied &= !(1 << (rank % LEVELS));
        let occupied = page.occupied;
        if rank == self.best && occupied != 0 {
            // The next one is in the same page: nothing before the best, the rest after it.
            self.best = rank / LEVELS * LEVELS + occupied.trailing_zeros();
        } else if occupied == 0 {
            self.close_page(pages, handle, rank);
        }
    }

    #[cold]
    fn close_page(&mut self, pages: &mut Pages, handle: u32, rank: Rank) {
        self.directory.remove(rank / LEVELS);
        pages.free.push(handle);
        if rank != self.best {
            return;
        }
        match self.directory.first_from(rank / LEVELS) {
            Some((number, handle)) => {
                self.best = first_of(pages, number, handle);
                self.best_page = handle;
            }
            None => self.best = NO_RANK,
        }
    }

    /// The next rank after `rank` that holds orders, or [`NO_RANK`].
    pub fn next_after(&self, pages: &Pages, rank: Rank) -> Rank {
        let number = rank / LEVELS;
        let handle = self.directory.get(number);
        if handle != NO_PAGE {
            let later = u64::MAX.checked_shl(rank % LEVELS + 1).unwrap_or(0);
            let bits = pages.occupied(handle) & later;
            if bits != 0 {
                return number * LEVELS + bits.trailing_zeros();
            }
        }
        match self.directory.first_from(number + 1) {
            Some((number, handle)) => first_of(pages, number, handle),
            None => NO_RANK,
        }
    }
}

fn first_of(pages: &Pages, number: u32, handle: u32) -> Rank {
    let occupied = pages.occupied(handle);
    debug_assert!(occupied != 0, "Invariant: a page in the directory holds orders");
    number * LEVELS + occupied.trailing_zeros()
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
            let (mut ladder, mut pages) = (Ladder::default(), Pages::default());
            let mut set = BTreeSet::new();
            for (scale, offset) in steps {
                let rank = [offset, 48_000 + offset, 1_999_999_999 - offset * 5_000][scale as usize];
                if set.remove(&rank) {
                    let page = ladder.page_of(rank);
                    *pages.level_mut(page, rank) = EMPTY;
                    ladder.close_level(&mut pages, page, rank);
                } else {
                    set.insert(rank);
                    ladder.open_level(&mut pages, rank).head = 1;
                }
                prop_assert_eq!(ladder.best(), set.first().copied().unwrap_or(NO_RANK));
                let next = set.range(rank + 1..).next().copied().unwrap_or(NO_RANK);
                prop_assert_eq!(ladder.next_after(&pages, rank), next);
                prop_assert_eq!(ladder.level(&pages, rank).is_some(), set.contains(&rank));
            }
        }
    }
}
