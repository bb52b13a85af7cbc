//! Where is page *n*? A window of neighbouring pages answers by one load; far pages live in a tree.
//!
//! Prices cluster around the touch and UserRefNums around the newest one, so nearly all pages are neighbours.
//! An outlier (a bid at one cent, a jump of the UserRefNum to 4,294,967,295) must cost no memory: it goes to
//! the tree. When the outliers have become the neighbourhood, the window moves there.
//!
//! Cost: `get` O(1) inside the window, O(log far) outside. Moving the window costs O(window + far) and happens
//! at most once per (window + far) insertions, so an insertion is amortised O(log far).

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Most pages in the window: 65,536 handles, 256 KiB.
const WINDOW_MAX: u32 = 65_536;
/// Fewest pages in a window that exists at all.
const WINDOW_MIN: u32 = 16;
/// No page.
pub const NO_PAGE: u32 = u32::MAX;

/// Page number → handle of the page. What every look-up reads is 32 bytes; the rest is elsewhere.
#[derive(Debug, Default)]
pub struct Directory {
    /// Handles; [`NO_PAGE`] where there is none.
    window: Vec<u32>,
    /// Page number of `window[0]`.
    base: u32,
    /// Pages held in the window.
    inside: u32,
    rest: Box<Rest>,
}

/// What is needed when pages come and go, and outside the window.
#[derive(Debug, Default)]
struct Rest {
    /// One bit per window entry that holds a page.
    present: Vec<u64>,
    /// Pages outside the window.
    far: BTreeMap<u32, u32>,
    /// Insertions into `far` since the window last moved.
    far_inserts: usize,
}

impl Directory {
    /// The handle of a page, or [`NO_PAGE`].
    #[inline(always)]
    pub fn get(&self, page: u32) -> u32 {
        match self.window.get(page.wrapping_sub(self.base) as usize) {
            Some(handle) => *handle,
            None if self.rest.far.is_empty() => NO_PAGE,
            None => self.rest.far.get(&page).copied().unwrap_or(NO_PAGE),
        }
    }

    /// Adds a page that is not there.
    pub fn insert(&mut self, page: u32, handle: u32) {
        debug_assert!(self.get(page) == NO_PAGE && handle != NO_PAGE, "Invariant: a page is added once");
        if !self.covers(page) {
            self.reach(page);
        }
        if self.covers(page) {
            self.put_inside(page, handle);
        } else {
            self.rest.far.insert(page, handle);
            self.rest.far_inserts += 1;
        }
    }

    /// Removes a page that is there.
    pub fn remove(&mut self, page: u32) {
        let at = page.wrapping_sub(self.base) as usize;
        if at < self.window.len() {
            debug_assert!(self.window[at] != NO_PAGE, "Invariant: a page is removed once");
            self.window[at] = NO_PAGE;
            self.rest.present[at / 64] &= !(1 << (at % 64));
            self.inside -= 1;
        } else {
            self.rest.far.remove(&page);
        }
    }

    /// The first page at or after `page`, with its handle.
    pub fn first_from(&self, page: u32) -> Option<(u32, u32)> {
        let near = self.first_inside_from(page);
        if self.rest.far.is_empty() {
            return near;
        }
        let far = self.rest.far.range(page..).next().map(|(page, handle)| (*page, *handle));
        match (near, far) {
            (Some(near), Some(far)) => Some(if near.0 < far.0 { near } else { far }),
            (near, far) => near.or(far),
        }
    }

    fn first_inside_from(&self, page: u32) -> Option<(u32, u32)> {
        let from = page.saturating_sub(self.base) as usize;
        let mut word = from / 64;
        let mut bits = self.rest.present.get(word)? & (u64::MAX << (from % 64));
        while bits == 0 {
            word += 1;
            bits = *self.rest.present.get(word)?;
        }
        let at = word * 64 + bits.trailing_zeros() as usize;
        Some((self.base + at as u32, self.window[at]))
    }

    fn covers(&self, page: u32) -> bool {
        (page.wrapping_sub(self.base) as usize) < self.window.len()
    }

    fn put_inside(&mut self, page: u32, handle: u32) {
        let at = (page - self.base) as usize;
        self.window[at] = handle;
        self.rest.present[at / 64] |= 1 << (at % 64);
        self.inside += 1;
    }

    /// Lets the window cover `page` if that is cheap enough; else leaves it to the tree.
    fn reach(&mut self, page: u32) {
        let Some((low, high)) = self.extent() else {
            return self.move_window(page, page);
        };
        let (low, high) = (low.min(page), high.max(page));
        if high - low < WINDOW_MAX {
            self.move_window(low, high);
        } else if self.rest.far_inserts > self.rest.far.len() + self.inside as usize {
            self.move_window(page, page);
        }
    }

    /// First and last page inside the window.
    fn extent(&self) -> Option<(u32, u32)> {
        let first = self.first_inside_from(self.base)?.0;
        let word = self.rest.present.iter().rposition(|bits| *bits != 0)?;
        let last = word as u32 * 64 + 63 - self.rest.present[word].leading_zeros();
        Some((first, self.base + last))
    }

    /// Moves the window so that it covers `low..=high` with room on both sides. Pages that fall out go to the
    /// tree, pages of the tree that are covered now come in.
    fn move_window(&mut self, low: u32, high: u32) {
        let span = high - low + 1;
        let wanted = (span * 2).next_power_of_two().clamp(WINDOW_MIN, WINDOW_MAX);
        let length = wanted.max(self.window.len() as u32);
        let base = low.saturating_sub((length - span) / 2).min(u32::MAX - length);
        match self.extent() {
            Some((first, last)) if base <= first && last - base < length => {
                self.slide(base, length, first, last)
            }
            Some(_) => self.restart(base, length),
            None => self.clear(base, length),
        }
        while let Some((&page, &handle)) = self.rest.far.range(base..base + length).next() {
            self.rest.far.remove(&page);
            self.put_inside(page, handle);
        }
        self.rest.far_inserts = 0;
    }

    /// All pages `first..=last` stay inside: they move in place, without allocation unless the window grows.
    fn slide(&mut self, base: u32, length: u32, first: u32, last: u32) {
        self.window.resize(length as usize, NO_PAGE);
        let (from, to) = ((first - self.base) as usize, (first - base) as usize);
        let count = (last - first) as usize + 1;
        self.window.copy_within(from..from + count, to);
        self.window[..to].fill(NO_PAGE);
        self.window[to + count..].fill(NO_PAGE);
        self.base = base;
        self.rest.present.clear();
        self.rest.present.resize((length as usize).div_ceil(64), 0);
        for at in to..to + count {
            if self.window[at] != NO_PAGE {
                self.rest.present[at / 64] |= 1 << (at % 64);
            }
        }
    }

    /// Some pages fall out: all go to the tree, those that are covered come back.
    fn restart(&mut self, base: u32, length: u32) {
        for at in 0..self.window.len() {
            if self.window[at] != NO_PAGE {
                self.rest.far.insert(self.base + at as u32, self.window[at]);
            }
        }
        self.clear(base, length);
    }

    fn clear(&mut self, base: u32, length: u32) {
        self.base = base;
        self.inside = 0;
        self.window.clear();
        self.window.resize(length as usize, NO_PAGE);
        self.rest.present.clear();
        self.rest.present.resize((length as usize).div_ceil(64), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_outlier_costs_no_window() {
        let mut directory = Directory::default();
        directory.insert(10, 1);
        directory.insert(u32::MAX / 64, 2);
        assert_eq!((directory.get(10), directory.get(u32::MAX / 64)), (1, 2));
        assert_eq!(directory.window.len(), WINDOW_MIN as usize);
        assert_eq!(directory.first_from(11), Some((u32::MAX / 64, 2)));
    }

    #[test]
    fn the_window_follows_ascending_pages_while_an_old_one_lives() {
        let mut directory = Directory::default();
        directory.insert(0, 7);
        for page in 1_000_000..1_400_000 {
            directory.insert(page, 9);
            if page >= 1_000_010 {
                directory.remove(page - 10);
            }
        }
        assert_eq!(directory.get(0), 7);
        assert!(directory.rest.far.len() < 16, "the neighbourhood moved into the window");
    }

    proptest! {
        #[test]
        fn the_directory_equals_a_plain_tree(
            steps in prop::collection::vec((0u32..4, 0u32..300, any::<bool>()), 1..600)
        ) {
            let mut directory = Directory::default();
            let mut tree = BTreeMap::new();
            for (scale, offset, add) in steps {
                let page = [offset, 60_000 + offset * 97, 5_000_000 + offset, 67_000_000 - offset][scale as usize];
                match (add, tree.contains_key(&page)) {
                    (true, false) => { directory.insert(page, offset); tree.insert(page, offset); }
                    (false, true) => { directory.remove(page); tree.remove(&page); }
                    _ => {}
                }
                prop_assert_eq!(directory.get(page), tree.get(&page).copied().unwrap_or(NO_PAGE));
                let next = tree.range(page..).next().map(|(page, handle)| (*page, *handle));
                prop_assert_eq!(directory.first_from(page), next);
                prop_assert_eq!(directory.first_from(0), tree.iter().next().map(|(page, handle)| (*page, *handle)));
            }
        }
    }
}
