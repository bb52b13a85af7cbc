//! Random values: mostly what a sane client sends, sometimes the limit, sometimes nonsense.

use ringside_domain::limits::{PRICE_MARKET, PRICE_MAX, QUANTITY_MAX, USER_REF_IDX_CARRIED};
use ringside_domain::{ClientOrderId, InstrumentTerms, LoginId, OrderOptions, UserRefNum};

use super::RandomFlow;

/// Price levels of each side of a book: few, so that queues form.
const LEVELS: u64 = 10;

/// Levels that both sides use.
const OVERLAP: u64 = 3;

/// A channel whose UserRefNums may run out, unlike the others.
const CHANNEL_SHORT_LIVED: u8 = 7;

impl RandomFlow {
    /// One of `good`, or once in a hundred any byte.
    pub(super) fn letter(&mut self, good: &[u8]) -> u8 {
        if self.prng.below(100) == 0 { self.prng.below(256) as u8 } else { self.prng.pick(good) }
    }

    /// `usual` nine times out of ten, else one of `good`, else any byte.
    pub(super) fn usually(&mut self, usual: u8, good: &[u8]) -> u8 {
        if self.prng.chance(90) { usual } else { self.letter(good) }
    }

    pub(super) fn channel(&mut self) -> u8 {
        match self.prng.below(40) {
            0..=29 => 0,
            30..=35 => 1,
            36..=38 => 2,
            _ => self.prng.pick(&[CHANNEL_SHORT_LIVED, 254, USER_REF_IDX_CARRIED]),
        }
    }

    /// A UserRefNum for a new request: next, with a gap, stale, or the very last one.
    pub(super) fn fresh(&mut self, login: LoginId, user_ref_idx: u8) -> UserRefNum {
        let last = self.reference.last_user_ref_num(login, user_ref_idx);
        match self.prng.below(100) {
            0 => 0,
            1..=3 => self.stale(last),
            4..=6 => last.saturating_add(2 + self.prng.below(1_000) as u32),
            7 if user_ref_idx == CHANNEL_SHORT_LIVED => UserRefNum::MAX,
            _ => last.saturating_add(1),
        }
    }

    pub(super) fn stale(&mut self, last: UserRefNum) -> UserRefNum {
        self.prng.below(u64::from(last) + 1) as u32
    }

    pub(super) fn quantity(&mut self, terms: &InstrumentTerms) -> u32 {
        match self.prng.below(250) {
            0 => 0,
            1 => 1,
            2 => QUANTITY_MAX,
            3 => QUANTITY_MAX + 1,
            4 => QUANTITY_MAX / terms.lot * terms.lot,
            5 => self.prng.next_u64() as u32,
            _ => terms.lot * (1 + self.prng.below(12) as u32),
        }
    }

    pub(super) fn price(&mut self, terms: &InstrumentTerms, buy: bool) -> u64 {
        let tick = u64::from(terms.tick);
        match self.prng.below(200) {
            0 => 0,
            1 => tick,
            2 => PRICE_MAX,
            3 => PRICE_MAX / tick * tick,
            4 | 5 => PRICE_MARKET,
            6 => 0x7FFF_FFFF,
            7 => self.prng.next_u64(),
            8 => self.near(tick, buy) + 1,
            _ => self.near(tick, buy),
        }
    }

    /// 250,000 is a multiple of every tick in use.
    /// Buyers bid for the lower levels and sellers ask for the upper ones; some meet in the middle.
    fn near(&mut self, tick: u64, buy: bool) -> u64 {
        let lowest = if buy { 0 } else { LEVELS - OVERLAP };
        250_000 + tick * (lowest + self.prng.below(LEVELS))
    }

    pub(super) fn label(&mut self) -> ClientOrderId {
        let text = if self.prng.chance(80) { String::new() } else { format!("L{}", self.prng.below(1_000)) };
        ClientOrderId::new(&text).expect("Invariant: labels are short")
    }

    /// Tags of a new order or a replacement.
    pub(super) fn options(&mut self, user_ref_idx: u8) -> OrderOptions {
        let mut options = OrderOptions { user_ref_idx, ..OrderOptions::default() };
        options.post_only = self.usually(0, b"PPPN");
        if self.prng.chance(15) {
            options.customer_type = self.letter(b"RN ");
            options.shares_located = self.letter(b"YN");
            options.group_id = self.prng.below(3) as u16;
            options.firm = self.any_firm();
            options.locate_broker = self.any_firm();
        }
        if self.prng.below(50) == 0 {
            options.min_quantity = self.prng.below(30) as u32;
            options.refused_tag = self.prng.pick(&[0, 0, 0, 5, 200]);
        }
        options
    }
}
