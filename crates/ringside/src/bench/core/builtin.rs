//! A flow without a file: one instrument, some 1,000 resting orders around a wandering touch. Same every time.

use ringside_sim::random::Prng;
use ringside_sim::stream::{Record, RecordKind};

/// Records that only build the book.
const PREFILL: u64 = 10_000;
/// Records in all.
const RECORDS: usize = 2_010_000;
/// Orders that rest before cancels and replacements begin.
const RESTING: usize = 1_000;
/// Ticks from the touch.
const AWAY: u64 = 40;

/// The records, and how many of them only build the book.
pub fn records() -> (Vec<Record>, u64) {
    let mut flow =
        Flow { prng: Prng::new(20_231_225), middle: 100_000, last: 0, live: Vec::with_capacity(2 * RESTING) };
    ((0..RECORDS).map(|_| flow.next()).collect(), PREFILL)
}

/// Who sends. Does not know what has traded: some cancels and replacements come too late, as in life.
struct Flow {
    prng: Prng,
    middle: u64,
    last: u32,
    live: Vec<(u32, bool)>,
}

impl Flow {
    fn next(&mut self) -> Record {
        if self.prng.chance(2) {
            self.middle = if self.prng.chance(50) { self.middle + 1 } else { self.middle - 1 };
        }
        match self.prng.below(100) {
            0..10 => self.aggressive(),
            10..36 if self.live.len() >= RESTING => self.cancel(),
            36..62 if self.live.len() >= RESTING => self.replace(),
            _ => self.passive(),
        }
    }

    fn passive(&mut self) -> Record {
        let buy = self.prng.chance(50);
        let price = self.passive_price(buy);
        let (id, quantity) = (self.new_id(), self.quantity());
        self.live.push((id, buy));
        let kind = RecordKind::New { buy, immediate: false };
        Record { kind, symbol: 0, order_id: id, price, quantity, new_id: 0 }
    }

    fn aggressive(&mut self) -> Record {
        let buy = self.prng.chance(50);
        let price = if buy { self.middle + 4 } else { self.middle - 4 };
        let (order_id, quantity) = (self.new_id(), self.quantity());
        let kind = RecordKind::New { buy, immediate: true };
        Record { kind, symbol: 0, order_id, price, quantity, new_id: 0 }
    }

    fn cancel(&mut self) -> Record {
        let (order_id, _) = self.take_live();
        Record { kind: RecordKind::Cancel, symbol: 0, order_id, price: 0, quantity: 0, new_id: 0 }
    }

    fn replace(&mut self) -> Record {
        let (order_id, buy) = self.take_live();
        let price = self.passive_price(buy);
        let (new_id, quantity) = (self.new_id(), self.quantity());
        self.live.push((new_id, buy));
        Record { kind: RecordKind::Replace, symbol: 0, order_id, price, quantity, new_id }
    }

    fn passive_price(&mut self, buy: bool) -> u64 {
        let away = 1 + self.prng.below(AWAY);
        if buy { self.middle - away } else { self.middle + away }
    }

    fn take_live(&mut self) -> (u32, bool) {
        let at = self.prng.below(self.live.len() as u64) as usize;
        self.live.swap_remove(at)
    }

    fn new_id(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    fn quantity(&mut self) -> u32 {
        1 + self.prng.below(100) as u32
    }
}
