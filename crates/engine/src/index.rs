//! UserRefNum → slot of the live order, for one channel of one login.
//!
//! UserRefNums ascend, so live ones are neighbours: pages of 64 slots, found by the same window as price
//! levels. No hashing; a jump to 4,294,967,295 costs one page.

use alloc::vec::Vec;
use ringside_book::directory::{Directory, NO_PAGE};
use ringside_book::{NONE, Slot};
use ringside_domain::UserRefNum;

const ENTRIES: u32 = 64;

#[derive(Debug)]
struct Page {
    live: u32,
    slots: [Slot; ENTRIES as usize],
}

/// The index.
#[derive(Debug, Default)]
pub struct OrderIndex {
    directory: Directory,
    pages: Vec<Page>,
    free: Vec<u32>,
}

impl OrderIndex {
    /// The live order, or [`NONE`].
    #[inline]
    pub fn get(&self, user_ref_num: UserRefNum) -> Slot {
        match self.directory.get(user_ref_num / ENTRIES) {
            NO_PAGE => NONE,
            page => self.pages[page as usize].slots[(user_ref_num % ENTRIES) as usize],
        }
    }

    /// Adds a live order.
    #[inline]
    pub fn insert(&mut self, user_ref_num: UserRefNum, slot: Slot) {
        let mut handle = self.directory.get(user_ref_num / ENTRIES);
        if handle == NO_PAGE {
            handle = self.add_page(user_ref_num / ENTRIES);
        }
        let page = &mut self.pages[handle as usize];
        debug_assert!(
            page.slots[(user_ref_num % ENTRIES) as usize] == NONE,
            "Invariant: a UserRefNum lives once"
        );
        page.slots[(user_ref_num % ENTRIES) as usize] = slot;
        page.live += 1;
    }

    /// Removes an order that is there.
    #[inline]
    pub fn remove(&mut self, user_ref_num: UserRefNum) {
        let handle = self.directory.get(user_ref_num / ENTRIES);
        let page = &mut self.pages[handle as usize];
        debug_assert!(page.slots[(user_ref_num % ENTRIES) as usize] != NONE, "Invariant: removed once");
        page.slots[(user_ref_num % ENTRIES) as usize] = NONE;
        page.live -= 1;
        if page.live == 0 {
            self.directory.remove(user_ref_num / ENTRIES);
            self.free.push(handle);
        }
    }

    fn add_page(&mut self, number: u32) -> u32 {
        let handle = self.free.pop().unwrap_or_else(|| {
            self.pages.push(Page { live: 0, slots: [NONE; ENTRIES as usize] });
            // Room for every page to be free at once, so that a removal never allocates.
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

    #[test]
    fn a_jump_of_the_user_ref_num_costs_one_page() {
        let mut index = OrderIndex::default();
        index.insert(1, 10);
        index.insert(u32::MAX, 11);
        assert_eq!((index.get(1), index.get(u32::MAX), index.get(2)), (10, 11, NONE));
        assert_eq!(index.pages.len(), 2);
        index.remove(u32::MAX);
        assert_eq!(index.get(u32::MAX), NONE);
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
}
