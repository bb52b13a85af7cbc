//! Letters of orders: which ones nearly every order has, found without a branch, and which ones a replacement keeps.

use ringside_book::Letters;
use ringside_domain::{Enter, Replace};

/// Bits of a letter in [`USUAL`].
const LIVES: u8 = 1;
const LIVES_AFTER_REPLACE: u8 = 1 << 1;
const DISPLAY: u8 = 1 << 2;
const CAPACITY: u8 = 1 << 3;
const SWEEP: u8 = 1 << 4;
const CROSS: u8 = 1 << 5;

/// For each letter, where a plain order can have it: rules.md §3 without timed orders and without those for an auction.
const USUAL: [u8; 256] = {
    let mut usual = [0; 256];
    let sets: [(&[u8], u8); 6] = [
        (b"035E", LIVES),
        (b"05", LIVES_AFTER_REPLACE),
        (b"YNA", DISPLAY),
        (b"APRO", CAPACITY),
        (b"YN", SWEEP),
        (b"N", CROSS),
    ];
    let mut set = 0;
    while set < sets.len() {
        let (letters, bit) = sets[set];
        let mut at = 0;
        while at < letters.len() {
            usual[letters[at] as usize] |= bit;
            at += 1;
        }
        set += 1;
    }
    usual
};

#[inline(always)]
const fn bit(letter: u8, bit: u8) -> u8 {
    USUAL[letter as usize] & bit
}

/// True when all letters of a new order are valid, and it neither ends by time nor waits for an auction.
#[inline(always)]
pub(crate) const fn are_usual(enter: &Enter) -> bool {
    let found = bit(enter.time_in_force, LIVES)
        | bit(enter.display, DISPLAY)
        | bit(enter.capacity, CAPACITY)
        | bit(enter.intermarket_sweep, SWEEP)
        | bit(enter.cross_type, CROSS);
    found == LIVES | DISPLAY | CAPACITY | SWEEP | CROSS
}

/// The same of a replacement, which does not end at once either.
#[inline(always)]
pub(crate) const fn are_usual_in_replacement(replace: &Replace) -> bool {
    let found = bit(replace.time_in_force, LIVES_AFTER_REPLACE)
        | bit(replace.display, DISPLAY)
        | bit(replace.intermarket_sweep, SWEEP);
    found == LIVES_AFTER_REPLACE | DISPLAY | SWEEP
}

/// Letters of a new order without options.
#[inline(always)]
pub(crate) const fn of_plain(enter: &Enter) -> Letters {
    Letters {
        time_in_force: enter.time_in_force,
        display: enter.display,
        capacity: enter.capacity,
        intermarket_sweep: enter.intermarket_sweep,
        cross_type: enter.cross_type,
        customer_type: 0,
        post_only: 0,
        price_type: 0,
    }
}

/// Letters of a replacement without options.
#[inline(always)]
pub(crate) const fn replaced_plainly(old: &Letters, replace: &Replace) -> Letters {
    Letters {
        time_in_force: replace.time_in_force,
        display: replace.display,
        intermarket_sweep: replace.intermarket_sweep,
        ..*old
    }
}

/// Letters of a new order.
#[inline(always)]
pub(crate) const fn of(enter: &Enter) -> Letters {
    Letters {
        customer_type: enter.options.customer_type,
        post_only: enter.options.post_only,
        price_type: enter.options.price_type,
        ..of_plain(enter)
    }
}

/// Letters of a replacement. Absent tags keep the original's value (rules.md §4).
#[inline(always)]
pub(crate) const fn replaced(old: &Letters, replace: &Replace) -> Letters {
    let options = &replace.options;
    Letters {
        customer_type: keep(options.customer_type, old.customer_type),
        post_only: keep(options.post_only, old.post_only),
        price_type: keep(options.price_type, old.price_type),
        ..replaced_plainly(old, replace)
    }
}

/// What is not given stays as it was.
pub(crate) const fn keep(new: u8, old: u8) -> u8 {
    if new == 0 { old } else { new }
}
