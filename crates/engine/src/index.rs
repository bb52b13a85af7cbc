//! UserRefNum → slot of the live order, for one channel of one login.
//!
//! UserRefNums only ascend, so the index is a log with deletions: pages of 128 neighbours, and a window of page
//! numbers that is only ever extended at its upper end. No hashing. What the window has left behind goes to a tree;
//! a jump to 4,294,967,295 costs one page.
//!
//! A walk in ascending UserRefNum is a walk by arrival, and so by OrderRefNum: mass cancels need no list of their own.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use ringside_book::{NONE, Slot};
use ringside_domain::UserRefNum;

const ENTRIES: u32 = 128;
/// Most page numbers in the window: 16,777,216 UserRefNums, 512 KiB.
const WINDOW_MAX: u32 = 131_072;
/// Page numbers that a channel has room for from its first order on: 524,288 UserRefNums, 16 KiB. A login that has grown
/// beyond that grows by doubling, at most five times.
const WINDOW_FIRST: usize = 4_096;
/// Most page numbers that may be skipped without starting the window anew: 131,072 UserRefNums, 4 KiB.
const GAP_MAX: u32 = 1_024;

/// A page in the window or the tree: its number in `pages` and how many of its orders are alive. Zero: no page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Entry(u32);

impl Entry {
    const NONE: Entry = Entry(0);

    /// One live order. Cannot overflow: fewer than 2^24 pages, since each holds a live order (limits::ORDERS_MAX).
    const fn first(page: usize) -> Entry {
        Entry((page as u32) << 8 | 1)
    }

    const fn page(self) -> usize {
        (self.0 >> 8) as usize
    }

    const fn live(self) -> u32 {
        self.0 & 255
    }
}

/// The index.
#[derive(Debug, Default)]
pub struct OrderIndex {
    /// Page number of `window[0]`.
    base: u32,
    window: Vec<Entry>,
    /// Pages below `base` that still hold live orders.
    left_behind: BTreeMap<u32, Entry>,
    pages: Vec<[Slot; ENTRIES as usize]>,
    free: Vec<u32>,
}

impl OrderIndex {
    /// The live order, or [`NONE`].
    #[inline(always)]
    pub fn get(&self, user_ref_num: UserRefNum) -> Slot {
        match self.entry(user_ref_num / ENTRIES) {
            Entry::NONE => NONE,
            entry => self.pages[entry.page()][(user_ref_num % ENTRIES) as usize],
        }
    }

    /// The place of a UserRefNum will be needed soon.
    #[inline(always)]
    pub fn fetch(&self, user_ref_num: UserRefNum) {
        if let Some(entry) = self.window.get((user_ref_num / ENTRIES).wrapping_sub(self.base) as usize)
            && *entry != Entry::NONE
        {
            ringside_book::fetch(&self.pages[entry.page()][(user_ref_num % ENTRIES) as usize]);
        }
    }

    #[inline(always)]
    fn entry(&self, number: u32) -> Entry {
        match self.window.get(number.wrapping_sub(self.base) as usize) {
            Some(entry) => *entry,
            None if self.left_behind.is_empty() => Entry::NONE,
            None => self.left_behind.get(&number).copied().unwrap_or(Entry::NONE),
        }
    }

    /// Adds a live order. Its UserRefNum is above all that were ever added.
    #[inline(always)]
    pub fn insert(&mut self, user_ref_num: UserRefNum, slot: Slot) {
        let (number, at) = (user_ref_num / ENTRIES, (user_ref_num % ENTRIES) as usize);
        match self.window.get_mut(number.wrapping_sub(self.base) as usize) {
            Some(entry) if *entry != Entry::NONE => {
                let place = &mut self.pages[entry.page()][at];
                debug_assert!(*place == NONE, "Invariant: a UserRefNum lives once");
                *place = slot;
                entry.0 += 1;
            }
            _ => self.insert_page(number, at, slot),
        }
    }

    #[cold]
    fn insert_page(&mut self, number: u32, at: usize, slot: Slot) {
        let page = self.free.pop().map_or_else(|| self.grow(), |page| page as usize);
        self.pages[page][at] = slot;
        self.cover(number);
        self.window[(number - self.base) as usize] = Entry::first(page);
    }

    fn grow(&mut self) -> usize {
        self.pages.push([NONE; ENTRIES as usize]);
        // Room for every page to be free at once, so that a removal never allocates.
        self.free.reserve(self.pages.len() - self.free.len());
        self.pages.len() - 1
    }

    /// An empty index for live orders from `oldest` (0 = none) to `last`, to be filled by [`OrderIndex::restore`].
    pub fn reaching(oldest: UserRefNum, last: UserRefNum) -> Self {
        let (oldest, last) = (oldest / ENTRIES, last / ENTRIES);
        let base = if last - oldest < WINDOW_MAX { oldest } else { last - WINDOW_MAX / 2 };
        OrderIndex { base, ..OrderIndex::default() }
    }

    /// Adds a live order, in any order, to an index that was made to reach it. False: it is there already.
    #[inline(always)]
    pub fn restore(&mut self, user_ref_num: UserRefNum, slot: Slot) -> bool {
        let (number, at) = (user_ref_num / ENTRIES, (user_ref_num % ENTRIES) as usize);
        match self.window.get_mut(number.wrapping_sub(self.base) as usize) {
            Some(entry) if *entry != Entry::NONE => {
                let place = &mut self.pages[entry.page()][at];
                entry.0 += 1;
                core::mem::replace(place, slot) == NONE
            }
            _ => self.restore_page(number, at, slot),
        }
    }

    #[cold]
    fn restore_page(&mut self, number: u32, at: usize, slot: Slot) -> bool {
        if number < self.base {
            return self.restore_left_behind(number, at, slot);
        }
        let page = self.grow();
        self.pages[page][at] = slot;
        let within = (number - self.base) as usize;
        if self.window.capacity() == 0 {
            self.window.reserve(WINDOW_FIRST.max(within + 1));
        }
        if within >= self.window.len() {
            self.window.resize(within + 1, Entry::NONE);
        }
        self.window[within] = Entry::first(page);
        true
    }

    fn restore_left_behind(&mut self, number: u32, at: usize, slot: Slot) -> bool {
        if let Some(entry) = self.left_behind.get_mut(&number) {
            entry.0 += 1;
            let page = entry.page();
            return core::mem::replace(&mut self.pages[page][at], slot) == NONE;
        }
        let page = self.grow();
        self.pages[page][at] = slot;
        self.left_behind.insert(number, Entry::first(page));
        true
    }

    /// Extends the window up to a page number. Amortised O(1): what moves was added one by one, and never returns.
    fn cover(&mut self, number: u32) {
        debug_assert!(number >= self.base, "Invariant: UserRefNums ascend");
        if number - self.base > self.window.len() as u32 + GAP_MAX {
            self.leave_behind(number);
        } else if number - self.base >= WINDOW_MAX {
            self.leave_behind(number - WINDOW_MAX / 2);
        }
        if (number - self.base) as usize >= self.window.capacity() {
            self.drop_empty_start();
        }
        let length = (number - self.base) as usize + 1;
        if self.window.capacity() == 0 {
            self.window.reserve(WINDOW_FIRST);
        }
        if self.window.len() < length {
            self.window.resize(length, Entry::NONE);
        }
    }

    /// Before the window grows: page numbers that hold nothing any more make room, if they are half of it or more.
    fn drop_empty_start(&mut self) {
        let empty = self.window.iter().position(|entry| *entry != Entry::NONE).unwrap_or(self.window.len());
        if empty * 2 >= self.window.len() {
            self.window.drain(..empty);
            self.base += empty as u32;
        }
    }

    /// Moves the lower end of the window up to `base`.
    fn leave_behind(&mut self, base: u32) {
        let count = ((base - self.base) as usize).min(self.window.len());
        let numbered = (self.base..).zip(self.window.drain(..count));
        self.left_behind.extend(numbered.filter(|(_, entry)| *entry != Entry::NONE));
        self.base = base;
    }

    /// Removes an order that is there.
    #[inline(always)]
    pub fn remove(&mut self, user_ref_num: UserRefNum) {
        let number = user_ref_num / ENTRIES;
        let entry = match self.window.get_mut(number.wrapping_sub(self.base) as usize) {
            Some(entry) => entry,
            None => self.left_behind.get_mut(&number).expect("Invariant: only live orders are removed"),
        };
        let page = entry.page();
        entry.0 -= 1;
        let emptied = entry.live() == 0;
        let place = &mut self.pages[page][(user_ref_num % ENTRIES) as usize];
        debug_assert!(*place != NONE, "Invariant: removed once");
        *place = NONE;
        if emptied {
            self.free_page(number, page as u32);
        }
    }

    fn free_page(&mut self, number: u32, page: u32) {
        match self.window.get_mut(number.wrapping_sub(self.base) as usize) {
            Some(entry) => *entry = Entry::NONE,
            None => drop(self.left_behind.remove(&number)),
        }
        self.free.push(page);
    }

    /// All live orders by ascending UserRefNum.
    pub fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        let entries =
            self.left_behind.values().chain(self.window.iter().filter(|entry| **entry != Entry::NONE));
        entries.flat_map(|entry| self.pages[entry.page()].iter().copied().filter(|slot| *slot != NONE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_the_user_ref_num_costs_one_page() {
        let mut index = OrderIndex::default();
        index.insert(1, 10);
        index.insert(u32::MAX, 11);
        assert_eq!((index.get(1), index.get(u32::MAX), index.get(2)), (10, 11, NONE));
        assert_eq!((index.pages.len(), index.window.len()), (2, 1));
        assert_eq!(index.iter().collect::<Vec<_>>(), [10, 11]);
        index.remove(u32::MAX);
        index.remove(1);
        assert_eq!((index.get(1), index.get(u32::MAX)), (NONE, NONE));
        assert_eq!(index.iter().next(), None);
    }

    #[test]
    fn pages_are_reused_when_their_last_order_dies() {
        let mut index = OrderIndex::default();
        for user_ref_num in 1..100_000 {
            index.insert(user_ref_num, 1);
            index.remove(user_ref_num);
        }
        assert_eq!(index.pages.len(), 1);
    }

    #[test]
    fn old_orders_stay_while_the_window_moves_on() {
        let mut index = OrderIndex::default();
        index.insert(3, 7);
        index.insert(200, 8);
        for user_ref_num in (1_000..40_000_000).step_by(128) {
            index.insert(user_ref_num, 9);
            index.remove(user_ref_num);
        }
        assert_eq!((index.get(3), index.get(200), index.left_behind.len()), (7, 8, 2));
        assert!(index.pages.len() <= 3 && index.window.len() <= WINDOW_MAX as usize);
        assert_eq!(index.iter().collect::<Vec<_>>(), [7, 8]);
    }
}
