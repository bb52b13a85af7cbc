//! Random values: mostly what a sane client sends, sometimes the limit, sometimes nonsense.

use ringside_domain::limits::{PRICE_MARKET, PRICE_MAX, QUANTITY_MAX, USER_REF_IDX_CARRIED};
use ringside_domain::{ClientOrderId, InstrumentTerms, LoginId, OrderOptions, UserRefNum};

use super::RandomFlow;

/// Price levels of each side of a book: few, so that queues form.
const LEVELS: u64 = 8;

/// Levels that both sides use.
const OVERLAP: u64 = 3;

/// Levels of both sides together.
pub(super) const SPAN: u64 = 2 * LEVELS - OVERLAP;

/// The lowest level; a multiple of every tick in use.
pub(super) const LOWEST: u64 = 250_000;

/// A channel whose UserRefNums may run out, unlike the others.
const CHANNEL_SHORT_LIVED: u8 = 7;

impl RandomFlow {
    /// One of `good`, or once in two hundred any byte.
    pub(super) fn letter(&mut self, good: &[u8]) -> u8 {
        if self.prng.below(200) == 0 { self.prng.below(256) as u8 } else { self.prng.pick(good) }
    }

    /// `usual` 19 times out of 20, else one of `good`, else any byte.
    pub(super) fn usually(&mut self, usual: u8, good: &[u8]) -> u8 {
        if self.prng.chance(95) { usual } else { self.letter(good) }
    }

    pub(super) fn channel(&mut self) -> u8 {
        match self.prng.below(40) {
            0..=29 => 0,
            30..=36 => 1,
            37..=38 => 2,
            _ => self.prng.pick(&[CHANNEL_SHORT_LIVED, 254, USER_REF_IDX_CARRIED]),
        }
    }

    /// A UserRefNum for a new request: next, with a gap, stale, or the very last one.
    pub(super) fn fresh(&mut self, login: LoginId, user_ref_idx: u8) -> UserRefNum {
        let last = self.reference.last_user_ref_num(login, user_ref_idx);
        match self.prng.below(200) {
            0 => 0,
            1..=3 => self.stale(last),
            4..=9 => last.saturating_add(2 + self.prng.below(1_000) as u32),
            10 if user_ref_idx == CHANNEL_SHORT_LIVED => UserRefNum::MAX,
            _ => last.saturating_add(1),
        }
    }

    pub(super) fn stale(&mut self, last: UserRefNum) -> UserRefNum {
        self.prng.below(u64::from(last) + 1) as u32
    }

    pub(super) fn quantity(&mut self, terms: &InstrumentTerms) -> u32 {
        match self.prng.below(400) {
            0 => 0,
            1 => 1,
            2 => QUANTITY_MAX,
            3 => QUANTITY_MAX + 1,
            4 => QUANTITY_MAX / terms.lot * terms.lot,
            5 => self.prng.next_u64() as u32,
            _ => terms.lot.saturating_mul(1 + self.prng.below(12) as u32),
        }
    }

    pub(super) fn price(&mut self, terms: &InstrumentTerms, buy: bool) -> u64 {
        let tick = u64::from(terms.tick);
        match self.prng.below(400) {
            0 => 0,
            1 => tick,
            2 => PRICE_MAX,
            3 => on_tick(terms, PRICE_MAX),
            4..=8 => PRICE_MARKET,
            9 => 0x7FFF_FFFF,
            10 => self.prng.next_u64(),
            11 => self.near(terms, buy) + 1,
            _ => self.near(terms, buy),
        }
    }

    /// Buyers bid for the lower levels and sellers ask for the upper ones; some meet in the middle.
    pub(super) fn near(&mut self, terms: &InstrumentTerms, buy: bool) -> u64 {
        self.level(terms, if buy { 0 } else { LEVELS - OVERLAP }, LEVELS)
    }

    /// A price that most likely trades.
    pub(super) fn crossing(&mut self, terms: &InstrumentTerms, buy: bool) -> u64 {
        self.near(terms, !buy)
    }

    /// One of `levels` valid prices from the `lowest` level on.
    pub(super) fn level(&mut self, terms: &InstrumentTerms, lowest: u64, levels: u64) -> u64 {
        let price = LOWEST + u64::from(terms.tick) * (lowest + self.prng.below(levels));
        on_tick(terms, price)
    }

    pub(super) fn label(&mut self) -> ClientOrderId {
        let text = if self.prng.chance(80) { String::new() } else { format!("L{}", self.prng.below(1_000)) };
        ClientOrderId::new(&text).expect("Invariant: labels are short")
    }

    /// Tags of a new order or a replacement that do not make it another kind of order.
    pub(super) fn options(&mut self, user_ref_idx: u8) -> OrderOptions {
        let mut options = OrderOptions { user_ref_idx, ..OrderOptions::default() };
        options.post_only = self.usually(0, b"PPPN");
        if self.prng.chance(10) {
            options.customer_type = self.letter(b"RN ");
            options.shares_located = self.letter(b"YN");
            options.group_id = self.prng.below(3) as u16;
            options.firm = self.any_firm();
            options.locate_broker = self.any_firm();
        }
        if self.prng.below(200) == 0 {
            options.price_type = self.letter(b"LLPMR");
            options.peg_offset = self.prng.below(3) as i32;
        }
        if self.prng.below(200) == 0 {
            options.execution = self.letter(b"FM");
            options.refused_tag = self.prng.pick(&[0, 5, 200]);
        }
        options
    }
}

/// The price, or the next lower one that the tick table allows.
pub(super) fn on_tick(terms: &InstrumentTerms, price: u64) -> u64 {
    let ranges = terms.tick_ranges.iter().filter(|range| range.from > 0 && u64::from(range.from) <= price);
    let step = ranges.last().map_or(terms.tick, |range| range.tick);
    price / u64::from(step.max(1)) * u64::from(step.max(1))
}
