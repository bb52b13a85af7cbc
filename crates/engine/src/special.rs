//! What only special orders have: icebergs, stops, pegs, discretion, expiry, minimum quantity. Kept apart, so that a
//! plain order stays one cache line.

use alloc::vec::Vec;

use ringside_domain::{NO_EXPIRE_AT, OrderOptions, OrderRef, TimeNs};

/// Terms that a plain order does not have. 0 = not given, but for `expire_at`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extra {
    /// Tag 128; [`NO_EXPIRE_AT`] = absent.
    pub expire_at: TimeNs,
    /// Tag 3.
    pub min_quantity: u32,
    /// Tag 5.
    pub max_floor: u32,
    /// Tag 13.
    pub random_reserves: u32,
    /// Tag 9.
    pub discretion_price: u32,
    /// Tag 15.
    pub expire_seconds: u32,
    /// Tag 129; 0 once triggered.
    pub trigger_price: u32,
    /// Tag 7.
    pub peg_offset: i32,
    /// Tag 130.
    pub execution: u8,
    /// The price type is that of a peg. A copy of the letter's meaning, so that one comparison finds plain orders.
    pub is_peg: bool,
}

impl Extra {
    /// A plain order's.
    pub(crate) const NONE: Extra = Extra {
        expire_at: NO_EXPIRE_AT,
        min_quantity: 0,
        max_floor: 0,
        random_reserves: 0,
        discretion_price: 0,
        expire_seconds: 0,
        trigger_price: 0,
        peg_offset: 0,
        execution: 0,
        is_peg: false,
    };

    pub(crate) fn of(options: &OrderOptions) -> Self {
        Extra {
            expire_at: options.expire_at,
            min_quantity: options.min_quantity,
            max_floor: options.max_floor,
            random_reserves: options.random_reserves,
            discretion_price: options.discretion_price,
            expire_seconds: options.expire_seconds,
            trigger_price: options.trigger_price,
            peg_offset: options.peg_offset,
            execution: options.execution,
            is_peg: matches!(options.price_type, b'P' | b'M' | b'R'),
        }
    }
}

/// A day order, by its special terms if it has any: it ends with the day, and with its owner's absence. Good till cancelled and
/// good till date (tag 128) outlive both.
pub(crate) fn is_day(special: Option<&Special>) -> bool {
    special.is_none_or(|special| special.extra.expire_at == NO_EXPIRE_AT)
}

/// True when the options ask for nothing that a plain order does not have, and nothing is wrong with them. Nearly every
/// order is plain: neighbours are looked at together, as words.
#[inline(always)]
pub(crate) fn is_plain(options: &OrderOptions) -> bool {
    let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    let numbers = pair(options.min_quantity, options.max_floor)
        | pair(options.random_reserves, options.peg_offset.cast_unsigned())
        | pair(options.discretion_price, options.expire_seconds)
        | u64::from(options.trigger_price);
    let letters = u64::from_le_bytes([
        options.user_ref_idx,
        options.refused_tag,
        options.customer_type,
        options.post_only,
        options.shares_located,
        options.side,
        options.price_type,
        options.execution,
    ]);
    numbers | letters | (options.expire_at ^ NO_EXPIRE_AT) == 0
}

/// The rest of a special order, by [`ringside_book::Order::special`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Special {
    /// Its terms.
    pub extra: Extra,
    /// Wire price as sent.
    pub limit: u64,
    /// Shares of an iceberg that are not displayed.
    pub reserve: u32,
    /// In no book.
    pub parked: bool,
    /// Number on market data; 0 = the order's own.
    pub public_ref: OrderRef,
    /// Wire price last told of a peg; 0 = parked, or nothing told yet.
    pub told_price: u64,
    /// When it ends by itself; 0 = never.
    pub ends_at: TimeNs,
}

/// All specials, with a free list.
#[derive(Debug, Default)]
pub(crate) struct Specials {
    entries: Vec<Special>,
    free: Vec<u32>,
}

impl Specials {
    pub fn insert(&mut self, special: Special) -> u32 {
        match self.free.pop() {
            Some(number) => {
                self.entries[number as usize] = special;
                number
            }
            None => {
                self.entries.push(special);
                // Room for all to be free at once, so that a removal never allocates.
                self.free.reserve(self.entries.len() - self.free.len());
                self.entries.len() as u32 - 1
            }
        }
    }

    pub fn remove(&mut self, number: u32) {
        self.free.push(number);
    }

    pub fn get(&self, number: u32) -> &Special {
        &self.entries[number as usize]
    }

    pub fn get_mut(&mut self, number: u32) -> &mut Special {
        &mut self.entries[number as usize]
    }
}
